"""Copy the front-end files that pages load from node_modules to core/web/static/vendor (which git ignores).

The pages load modules by an import map and there is no bundler, so the two libraries that ship no minified ES module
(htmx, tus-js-client) get one here: their minified script in a module of its own.
"""

import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Final

from scripts.tooling.segmentation_model import with_normalisation

ROOT: Final = Path(__file__).resolve().parents[2]
PACKAGES: Final = ROOT / "node_modules"
VENDOR: Final = ROOT / "core" / "web" / "static" / "vendor"

_SOURCE_MAP: Final = re.compile(r"^(//# sourceMappingURL=.*|/\*# sourceMappingURL=.*\*/)$", re.MULTILINE)


def _htmx_module(script: str) -> str:
    """htmx.min.js declares `var htmx`; in a module that is local, so it has to be exported."""
    return f"{script}\nexport default htmx;\n"


def _tus_module(script: str) -> str:
    """tus.min.js is a UMD bundle: handed a CommonJS `module`, it fills that instead of the window."""
    return (
        f"const module = {{ exports: {{}} }}, exports = module.exports;\n{script}\n"
        "export const { Upload, DetailedError, canStoreURLs, defaultOptions, isSupported } = module.exports;\n"
    )


def _unchanged(script: str) -> str:
    return script


SCRIPTS: Final[dict[str, tuple[str, Callable[[str], str]]]] = {
    "htmx.esm.min.js": ("htmx.org/dist/htmx.min.js", _htmx_module),
    "socket.io.esm.min.js": ("socket.io-client/dist/socket.io.esm.min.js", _unchanged),
    "tus.esm.min.js": ("tus-js-client/dist/tus.min.js", _tus_module),
    "perfect-freehand.esm.js": ("perfect-freehand/dist/esm/index.mjs", _unchanged),
    "tabler/tabler.esm.min.js": ("@tabler/core/dist/js/tabler.esm.min.js", _unchanged),
    "tabler/tabler.min.css": ("@tabler/core/dist/css/tabler.min.css", _unchanged),
    "tabler/tabler.rtl.min.css": ("@tabler/core/dist/css/tabler.rtl.min.css", _unchanged),
    "vision/vision_bundle.js": ("@mediapipe/tasks-vision/vision_bundle.mjs", _unchanged),
    "vision/vision_wasm.js": ("@mediapipe/tasks-vision/wasm/vision_wasm_module_internal.js", _unchanged),
}
BINARIES: Final[dict[str, tuple[str, Callable[[bytes], bytes]]]] = {
    "vision/vision_wasm.wasm": ("@mediapipe/tasks-vision/wasm/vision_wasm_module_internal.wasm", bytes),
    "vision/person.tflite": (
        "@mediapipe/selfie_segmentation/selfie_segmentation_landscape.tflite",
        with_normalisation,
    ),
}
FOLDERS: Final = {
    "icons": ("@tabler/icons/icons/outline", "*.svg"),
    "fonts": ("@fontsource-variable/atkinson-hyperlegible-next/files", "*-wght-normal.woff2"),
}


def copy_all(packages: Path = PACKAGES, vendor: Path = VENDOR) -> int:
    """Fill the vendor folder afresh; answers the number of files."""
    shutil.rmtree(vendor, ignore_errors=True)
    for target, (source, as_module) in SCRIPTS.items():
        file = vendor / target
        file.parent.mkdir(parents=True, exist_ok=True)
        # The maps are not copied, and a browser's tools would ask for them.
        text = _SOURCE_MAP.sub("", (packages / source).read_text(encoding="utf-8"))
        file.write_text(as_module(text), encoding="utf-8")
    for target, (source, made_ready) in BINARIES.items():
        (vendor / target).write_bytes(made_ready((packages / source).read_bytes()))
    for target, (source, pattern) in FOLDERS.items():
        (vendor / target).mkdir(parents=True)
        for found in (packages / source).glob(pattern):
            shutil.copyfile(found, vendor / target / found.name)
    return sum(1 for path in vendor.rglob("*") if path.is_file())


if __name__ == "__main__":
    print(f"Copied {copy_all()} front-end files to {VENDOR.relative_to(ROOT)}")
