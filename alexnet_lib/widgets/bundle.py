"""The widgets' JavaScript as text: one source for Jupyter and for the page. Standard library only."""

import base64
import json
import re
import struct
import zipfile
import zlib
from pathlib import Path

JS = Path(__file__).parent / "js"
ASSETS = Path(__file__).parent / "assets"
ON_CLICK = ASSETS / "on_click"  # megabytes, which a page loads when its reader asks for them
SNAPSHOTS = Path(__file__).parent.parent / "results" / "network-in-the-page"

# No import or export: put before each module.
SHARED = ("style", "controls", "canvas", "picture_input", "engine_client", "lanes", "explorer")
HOST = "host"  # the classic script that brings the twins in a page to life
WORKERS = ("engine", "engine_grad", "learn")  # scripts of a worker; they come as text, on a click too


def _read(stem: str) -> str:
    return (JS / f"{stem}.js").read_text("utf-8")


def shared_source() -> str:
    """The helpers that every module may call."""
    return "\n".join(_read(stem) for stem in SHARED)


def module_source(name: str) -> str:
    """One widget as a complete ES module, as anywidget takes it."""
    return f"{shared_source()}\n{_read(name)}"


def module_names() -> list[str]:
    """Every widget that has a module, in alphabetical order."""
    return sorted(path.stem for path in JS.glob("*.js") if path.stem not in {*SHARED, *WORKERS, HOST})


def page_script() -> str:
    """One classic script for every page with a widget; it loads from a file path, where a module does not.

    It holds what all widgets share; each widget's own module comes when its place in the page comes near.
    """
    tables = (
        f"const SHARED = {json.dumps(slim(shared_source()))};\nconst NAMES = {json.dumps(module_names())};\n"
        f"const ASSETS = {json.dumps([*asset_names(), *on_click_names()])};"
    )
    return f"(() => {{\n{tables}\n{slim(_read(HOST))}\n}})();\n"


def slim(source: str) -> str:
    """JavaScript without the lines that are comments and without indents, as a page loads it."""
    return re.sub(r"^\s+(//.*\n)?|^//.*\n", "", source, flags=re.MULTILINE)


def asset_text(name: str) -> str:
    """The JSON text of a data asset that ships with the package, or of a script."""
    if name in scripts():
        return json.dumps(slim(_read(name)))
    if name == "snapshots":
        return json.dumps(_growth())
    folder = ON_CLICK if name in on_click_names() else ASSETS
    return (folder / f"{name}.json").read_text("ascii")


def asset_script(name: str) -> str:
    """The same as a classic script, because a page opened from a file path may not fetch()."""
    return f"(window.PAGE_WIDGET_ASSETS ||= {{}})[{json.dumps(name)}] = {asset_text(name)};\n"


def asset_names() -> list[str]:
    """Every data asset that a page loads by itself, in alphabetical order."""
    return sorted(path.stem for path in ASSETS.glob("*.json"))


def on_click_names() -> list[str]:
    """Every asset that a page loads only when its reader comes to it, or asks; in alphabetical order."""
    return sorted([*scripts(), "snapshots", *(path.stem for path in ON_CLICK.glob("*.json"))])


def scripts() -> list[str]:
    """The widgets' modules, and what they run in a worker."""
    return [*module_names(), *WORKERS]


def _growth() -> dict:
    """conv1 at the recorded steps of a training run, straight from the record's npz (that is, zip) file."""
    newest = max(SNAPSHOTS.glob("*_conv1.npz"))
    with zipfile.ZipFile(newest) as file:
        kernels, scales = (_npy(file.read(f"{name}.npy")) for name in ("kernels", "scale"))
        epochs = struct.unpack(f"<{len(_npy(file.read('epochs.npy'))) // 4}f", _npy(file.read("epochs.npy")))
    return {
        "epochs": [round(epoch, 2) for epoch in epochs],
        "scales": [float(f"{scale:.4g}") for scale in struct.unpack(f"<{len(scales) // 2}e", scales)],
        "levels": base64.b64encode(zlib.compress(kernels, 9)).decode("ascii"),
    }


def _npy(content: bytes) -> bytes:
    """The values of an .npy file: what follows its header."""
    return content[10 + int.from_bytes(content[8:10], "little") :]
