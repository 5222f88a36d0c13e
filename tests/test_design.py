"""The design holds: import order, light imports, chapters without copies, clean notebooks, a true map."""

import ast
import json
import os
import re
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path

import nbformat
import pytest
import yaml

ROOT = Path(__file__).resolve().parent.parent
LIBRARY = ROOT / "alexnet_lib"
# tools/ is no package: its programs are run by name.
sys.path.insert(0, str(ROOT / "tools"))
import notebooks  # noqa: E402

# The order in which the paper needs them; a module imports only from those before it.
ORDER = (
    *("paper", "checks", "kinds", "files", "room", "relu", "normalization_triton", "normalization"),
    *("pooling", "reuse", "memory", "dropout", "towers", "spec"),
    *("architecture", "variants"),
    *("images", "folders", "cache", "dataset", "augmentation", "learning", "presets", "processes", "batches"),
    *(
        "distributed",
        "evaluation",
        "records",
        "qualitative",
        "checkpoints",
        "logbook",
        "outcome",
        "train",
        "runs",
        "bench",
        "experiments",
        "exercises",
        "tables",
        "figures",
    ),
    *("chapter", "widgets", "cli"),
)
# A page's widget trains nothing; the command line shows no widget.
NEVER = {"widgets": {"train", "distributed"}, "cli": {"widgets"}}
LONGEST = 400  # a module aims at 150 lines and one idea; this long it surely has several
# Folders, whose files may import each other.
PACKAGES = {"bench", "experiments", "exercises", "tables", "figures", "widgets"}
CHAPTERS = sorted((ROOT / "book").glob("*.ipynb"))
MODULES = sorted(LIBRARY.rglob("*.py"))


def module_of(path, library=LIBRARY):
    """The name in ORDER that a file belongs to: relu.py is relu, widgets/lrn.py is widgets."""
    return path.relative_to(library).parts[0].removesuffix(".py")


def library_imports(path, library=LIBRARY):
    """The modules of the library that a file names in imports, read with ast: nothing is executed."""
    folder = path.parent.relative_to(library.parent).parts
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            names = [alias.name.split(".") for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            start = folder[: len(folder) - node.level + 1] if node.level else ()
            start = [*start, *(node.module.split(".") if node.module else ())]
            names = [[*start, alias.name] for alias in node.names]
        else:
            continue
        yield from (name[1] for name in names if name[0] == library.name and len(name) > 1)


def wrong_imports(path, library=LIBRARY):
    """Sentences about imports that do not point back toward paper.py."""
    name = module_of(path, library)
    if name == "__init__":
        return [
            f"__init__.py imports {target}; it holds the version" for target in library_imports(path, library)
        ]
    if name not in ORDER:
        return [f"{path.name} has no place in ORDER of test_design.py"]
    found = []
    for target in sorted(set(library_imports(path, library)) & set(ORDER)):
        if ORDER.index(target) > ORDER.index(name) or (target == name and name not in PACKAGES):
            found.append(f"{path.name} imports {target}, which comes after it in ORDER")
        if target in NEVER.get(name, ()):
            found.append(f"{path.name} imports {target}, which {name} must not")
    return found


def eager_imports(path, package):
    """Line numbers at which importing this file would import `package` too."""
    waiting = list(ast.parse(path.read_text("utf-8")).body)
    while waiting:
        node = waiting.pop()
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        names += [node.module or ""] if isinstance(node, ast.ImportFrom) and not node.level else []
        if any(name.split(".")[0] == package for name in names):
            yield node.lineno
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            waiting += ast.iter_child_nodes(node)


def definitions(tree):
    """Public names of the functions and classes at the top of a file or cell."""
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
    return {node.name for node in tree.body if isinstance(node, kinds) and not node.name.startswith("_")}


@cache
def homes(modules):
    """The file that each public name of these modules stands in."""
    return {name: path.name for path in modules for name in definitions(ast.parse(path.read_text("utf-8")))}


def redefinitions(notebook, modules=MODULES):
    """Sentences about functions and classes of the library that a notebook writes again."""
    home = homes(tuple(modules))
    for cell in json.loads(notebook.read_text("utf-8"))["cells"]:
        if cell["cell_type"] == "code":
            source = re.sub(r"^[%!].*$", "", "".join(cell["source"]), flags=re.M)  # commands to Jupyter
            for name in sorted(definitions(ast.parse(source)) & home.keys()):
                yield f"{notebook.name} defines {name} again; import it from {home[name]}"


def missing_paths(text, root=ROOT):
    """The file names between backticks in the table rows of a Markdown text that do not exist."""
    rows = "\n".join(line for line in text.splitlines() if line.startswith("|"))
    names = re.findall(r"`([\w./-]+\.\w+)`", rows)
    return [name for name in names if not (root / name).exists()]


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(LIBRARY)))
def test_imports_only_point_back_toward_the_paper(path):
    assert wrong_imports(path) == []


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(LIBRARY)))
def test_no_module_imports_torchvision_before_it_is_used(path):
    assert list(eager_imports(path, "torchvision")) == []


@pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem)
def test_no_chapter_redefines_library_code(path):
    assert list(redefinitions(path)) == []


@pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem)
def test_every_chapter_is_stored_clean(path):
    assert notebooks.check(path) == []


def test_the_map_in_the_readme_names_files_that_exist():
    assert missing_paths((ROOT / "README.md").read_text("utf-8")) == []


def test_the_table_of_contents_and_the_pages_of_the_book_are_the_same():
    toc = yaml.safe_load((ROOT / "_toc.yml").read_text("utf-8"))
    listed = {toc["root"], *(chapter["file"] for part in toc["parts"] for chapter in part["chapters"])}
    pages = [path for path in (ROOT / "book").iterdir() if path.suffix in (".md", ".ipynb")]
    assert listed == {f"book/{path.stem}" for path in pages}


def test_no_module_is_so_long_that_it_has_several_ideas(record_property):
    lines = {str(path.relative_to(LIBRARY)): len(path.read_text("utf-8").splitlines()) for path in MODULES}
    longest = sorted(lines, key=lines.get, reverse=True)[:5]
    record_property("longest modules", ", ".join(f"{name} {lines[name]}" for name in longest))
    assert [name for name in lines if lines[name] > LONGEST] == []


IMPORTS = [
    ("relu.py", "from alexnet_lib.towers import split", "relu.py imports towers, which comes after it"),
    ("relu.py", "from alexnet_lib import towers", "relu.py imports towers"),
    ("relu.py", "import alexnet_lib.towers", "relu.py imports towers"),
    ("relu.py", "from .towers import split", "relu.py imports towers"),
    ("relu.py", "from . import towers", "relu.py imports towers"),
    ("relu.py", "def f():\n    from alexnet_lib.towers import split", "relu.py imports towers"),
    ("chapter.py", "from alexnet_lib.widgets import Lrn", "chapter.py imports widgets"),
    ("widgets/lrn.py", "from ..train import train", "lrn.py imports train, which widgets must not"),
    ("widgets/lrn.py", "from ..cli import main", "lrn.py imports cli"),
    ("cli.py", "from .widgets import Lrn", "cli.py imports widgets, which cli must not"),
    ("helpers.py", "", "helpers.py has no place in ORDER"),
    ("__init__.py", "from .relu import Relu", "__init__.py imports relu"),
]


def write(path, source):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(source, "utf-8")
    return path


@pytest.mark.parametrize(("name", "source", "words"), IMPORTS)
def test_the_check_of_imports_sees_one_that_points_ahead(tmp_path, name, source, words):
    library = tmp_path / "alexnet_lib"
    assert words in wrong_imports(write(library / name, source), library)[0]


@pytest.mark.parametrize(
    ("name", "source"),
    [
        ("towers.py", "from alexnet_lib.paper import LRN\nfrom alexnet_lib import relu, __version__"),
        ("widgets/lrn.py", "from alexnet_lib.normalization import f\nfrom .base import PageWidget"),
        ("__init__.py", '__version__ = "1"'),
    ],
)
def test_the_check_of_imports_allows_those_that_point_back(tmp_path, name, source):
    library = tmp_path / "alexnet_lib"
    assert wrong_imports(write(library / name, source), library) == []


def test_the_check_of_torchvision_tells_use_from_import(tmp_path):
    source = "def f():\n    import torchvision\nif True:\n    from torchvision.models import alexnet\n"
    assert list(eager_imports(write(tmp_path / "a.py", source), "torchvision")) == [4]


def test_the_check_of_chapters_sees_a_copy_of_library_code(tmp_path):
    module = write(tmp_path / "normalization.py", "class LocalResponseNorm:\n    pass\n")
    cell = nbformat.v4.new_code_cell(
        "%matplotlib inline\nclass LocalResponseNorm:\n    pass\n\ndef mine(): ..."
    )
    chapter = tmp_path / "x.ipynb"
    nbformat.write(nbformat.v4.new_notebook(cells=[cell]), chapter)
    words = "x.ipynb defines LocalResponseNorm again; import it from normalization.py"
    assert list(redefinitions(chapter, [module])) == [words]


def test_the_check_of_the_map_sees_a_missing_file(tmp_path):
    write(tmp_path / "relu.py", "")
    assert missing_paths("`other.py`\n| 3.1 | `relu.py` | `tests/test_relu.py` |", tmp_path) == [
        "tests/test_relu.py"
    ]


@pytest.mark.skipif(not shutil.which("make"), reason="this machine has no make")
@pytest.mark.parametrize(("target", "step"), [("book", "jupyter-book build"), ("clean", "rm -rf")])
def test_make_does_its_work_although_files_may_have_the_targets_names(tmp_path, target, step):
    shutil.copy(ROOT / "Makefile", tmp_path)
    (tmp_path / ".venv" / "bin").mkdir(parents=True)
    (tmp_path / "locks").mkdir()
    locks = [f"locks/{name}.txt" for name in ("reading", "everything", "torch")]
    for needed in (*locks, "pyproject.toml", ".venv/bin/python"):
        (tmp_path / needed).touch()
    for stamp in (".reading", ".everything"):
        (tmp_path / ".venv" / stamp).touch()
    (tmp_path / target).mkdir()  # newer than all that it is made from
    quiet = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))}
    shown = subprocess.run(["make", "-n", target], cwd=tmp_path, env=quiet, capture_output=True, text=True)
    assert step in shown.stdout, shown.stdout + shown.stderr
