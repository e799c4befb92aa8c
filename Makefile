# make demo    the whole product with two practices, on this machine
# make test    every test            (ARGS="tests/core/i18n -k lazy")
# make check   types, layers, lint, translations
# make bench   measured side by side with peers
# make screenshots  the pictures of README and guides, taken anew
# make gallery  every page in each language, width and colour, on sheets to look at  (ARGS="--language ar-XB --width 360")
.DEFAULT_GOAL := demo
.PHONY: setup demo test check bench translations screenshots gallery clean

setup:
	@scripts/setup

demo:
	@scripts/setup --demo
	@exec .venv/bin/careroom demo $(ARGS)

test: setup
	@scripts/system-packages
	@.venv/bin/python -m pytest -n auto --dist loadfile --no-loadscope-reorder $(ARGS)

check: setup
	@scripts/check $(ARGS)

bench: setup
	@scripts/system-packages
	@.venv/bin/python -m benchmarks.run $(ARGS)

screenshots: setup
	@scripts/system-packages
	@scripts/screenshots

gallery: setup
	@scripts/system-packages
	@scripts/gallery $(ARGS)

translations: setup
	@scripts/translations update
	@scripts/translations compile

clean:
	rm -rf .venv node_modules core/web/static/vendor var build dist test-results *.egg-info
	rm -rf .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find core plugins tests translations -name __pycache__ -prune -exec rm -rf {} + -o -name '*.mo' -exec rm -f {} +
