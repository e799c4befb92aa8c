#!/bin/sh
# What must hold before a change lands. Where axe-core, Playwright and Chromium are, ask for --tier gold.
set -eu
cd "$(dirname "$0")"
ruff check .
ruff format --check .
python -m mypy
python -m pytest -q
careroom plugin check symptom_diary --tier "${TIER:-silver}"
