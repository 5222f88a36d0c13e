"""The design holds: the paper on top, machinery in folders, short components, clean chapters, a true map."""

import ast
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
import yaml

ROOT = Path(__file__).resolve().parent.parent
LIBRARY = ROOT / "alexnet_lib"
# Neither folder is a package: tools are programs, and Sphinx loads extensions by name.
sys.path += [str(ROOT / "tools"), str(ROOT / "book" / "_ext")]
import notebooks  # noqa: E402
from generated import SECTIONS  # noqa: E402

CHAPTERS = sorted((ROOT / "book").glob("*.ipynb"))
# Top-level files that may import folders, and why.
MAY_IMPORT_FOLDERS = {
    "dataset": "load reads pictures and their cache from data/",
    "distributed": "the processes are started and joined by training/",
    "records": "a record is written by training/fileio",
    "train": "the loop uses batches from data/ and everything in training/",
    "cli": "the command line calls all of them",
}
# Sections that an earlier one needs.
LATER = {
    "architecture": {"dropout"},  # the network contains it
    "train": {"evaluation", "records"},  # every epoch ends with the one, a run with the other
    "qualitative": {"records"},  # it reads a recorded first layer
}
COMPONENTS = ("relu", "towers", "normalization", "pooling", "dropout", "counts")
SHORT, LONGEST = 120, 400  # lines


def imports(path, package="alexnet_lib"):
    """Names directly below the package that a file imports when it is loaded, read with ast."""
    for node in ast.parse(path.read_text("utf-8")).body:
        if isinstance(node, ast.ImportFrom):
            inside = node.level == 1 or (node.module or "").split(".")[0] == package
            module = (node.module or "").removeprefix(package).strip(".")
            if inside:
                yield from [module.split(".")[0]] if module else (alias.name for alias in node.names)
        elif isinstance(node, ast.Import):
            names = (alias.name.split(".") for alias in node.names)
            yield from (name[1] for name in names if name[0] == package and len(name) > 1)


def wrong_imports(path):
    """What a top-level file imports beside `paper`, `guard` and the sections before it."""
    name = path.stem
    if name in ("paper", "guard"):
        return sorted(imports(path))
    if name not in SECTIONS:
        return [f"{path.name} is not a section of the paper: put it into a folder"]
    before = {"guard", "__version__", *LATER.get(name, ()), *SECTIONS[: SECTIONS.index(name)]}
    folders = {folder.name for folder in path.parent.iterdir() if folder.is_dir()}
    allowed = before | folders if name in MAY_IMPORT_FOLDERS else before
    return sorted(set(imports(path)) - allowed)


@pytest.mark.parametrize("path", sorted(LIBRARY.glob("[!_]*.py")), ids=lambda path: path.stem)
def test_a_top_level_file_is_a_section_and_imports_only_earlier_ones(path):
    assert wrong_imports(path) == []


@pytest.mark.parametrize(
    ("name", "source", "found"),
    [
        ("relu", "from .towers import split", ["towers"]),
        ("relu", "from alexnet_lib.data.images import decode", ["data"]),
        ("guard", "from .paper import LRN", ["paper"]),
        ("helpers", "", ["helpers.py is not a section of the paper: put it into a folder"]),
        ("towers", "from .paper import LRN\nfrom .guard import Count\nfrom .relu import f", []),
        ("train", "from .data.batches import Batches", []),
    ],
)
def test_the_import_rule_sees_a_wrong_one(tmp_path, name, source, found):
    (tmp_path / "data").mkdir()
    path = tmp_path / f"{name}.py"
    path.write_text(source)
    assert wrong_imports(path) == found


def test_components_are_short_and_no_file_has_several_ideas():
    lines = {path: len(path.read_text("utf-8").splitlines()) for path in LIBRARY.rglob("*.py")}
    assert [name for name in COMPONENTS if lines[LIBRARY / f"{name}.py"] > SHORT] == []
    assert [path.name for path, count in lines.items() if count > LONGEST] == []


LIGHT = """
import sys
import alexnet_lib.train, alexnet_lib.cli
print(*{"matplotlib", "anywidget", "skimage", "torchvision", "IPython"} & set(sys.modules))
"""


def test_training_loads_nothing_that_only_the_book_needs():
    loaded = subprocess.run([sys.executable, "-c", LIGHT], capture_output=True, text=True, check=True).stdout
    assert loaded.split() == []


def defined(tree):
    return {node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.ClassDef)}


def test_no_chapter_copies_a_function_or_class_of_the_library():
    library = set()
    for path in LIBRARY.rglob("*.py"):
        library |= {name for name in defined(ast.parse(path.read_text("utf-8"))) if name[0] != "_"}
    copies = {}
    for path in CHAPTERS:
        cells = [cell.source for cell in nbformat.read(path, 4).cells if cell.cell_type == "code"]
        code = "\n".join(line for cell in cells for line in cell.splitlines() if line[:1] not in ("%", "!"))
        copies[path.name] = defined(ast.parse(code)) & library
    assert {name: found for name, found in copies.items() if found} == {}


@pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem)
def test_every_chapter_is_stored_clean(path):
    assert notebooks.check(path) == []


def test_the_readme_names_files_that_exist():
    named = re.findall(
        r"`([\w./-]+/[\w./-]*|[\w-]+\.(?:md|py|txt|yml|toml|cff))`", (ROOT / "README.md").read_text("utf-8")
    )
    assert len(named) > 20
    places = (ROOT, LIBRARY, ROOT / "book", ROOT / "tests")
    made = {"_build/html", "_build/reading-alexnet.pdf"}
    missing = [
        name for name in named if name not in made and not any((place / name).exists() for place in places)
    ]
    assert missing == []


def test_the_table_of_contents_and_the_pages_of_the_book_are_the_same():
    toc = yaml.safe_load((ROOT / "_toc.yml").read_text("utf-8"))
    listed = {toc["root"], *(chapter["file"] for part in toc["parts"] for chapter in part["chapters"])}
    pages = [path for path in (ROOT / "book").iterdir() if path.suffix in (".md", ".ipynb")]
    assert listed == {f"book/{path.stem}" for path in pages}


@pytest.mark.skipif(not shutil.which("make"), reason="this machine has no make")
def test_make_book_builds_although_a_folder_has_that_name(tmp_path):
    shutil.copy(ROOT / "Makefile", tmp_path)
    for folder in ("book", "locks", ".venv/bin"):
        (tmp_path / folder).mkdir(parents=True)
    for needed in ("locks/reading.txt", ".venv/bin/python", ".venv/.reading"):
        (tmp_path / needed).touch()
    quiet = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))}
    shown = subprocess.run(["make", "-n", "book"], cwd=tmp_path, env=quiet, capture_output=True, text=True)
    assert "jupyter-book build" in shown.stdout, shown.stderr
