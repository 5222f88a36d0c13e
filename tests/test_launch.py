"""A chapter on a machine that has nothing of ours: its first cell, and what it installs."""

import ast
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tomllib
from pathlib import Path

import nbformat
import pytest
from packaging.specifiers import SpecifierSet

ROOT = Path(__file__).resolve().parent.parent
# tools/ is no package: its programs are run by name.
sys.path.insert(0, str(ROOT / "tools"))
import notebooks  # noqa: E402

ADDRESS = "https://github.com/owner/name"
PACKAGED = ("*.py", "results/**/*", "widgets/js/*.js", "widgets/assets/*")
IMPORT_NAMES = {"pillow": "PIL", "scikit-image": "skimage"}
WITH_JUPYTER = {"IPython", "traitlets"}  # what runs a notebook in Python is made of them


def git(folder, *words):
    who = ["-c", "user.name=a", "-c", "user.email=a@example.org"]
    subprocess.run(["git", *who, *words], cwd=folder, check=True, capture_output=True)


def files_of(library):
    found = [path for pattern in PACKAGED for path in library.rglob(pattern) if path.is_file()]
    return {path.relative_to(library).as_posix(): path.stat().st_size for path in found}


@pytest.fixture(scope="module")
def published(tmp_path_factory):
    """A git repository with what the library is built from, as a server would hold it."""
    folder = tmp_path_factory.mktemp("published")
    for name in ("pyproject.toml", "README.md"):
        shutil.copy(ROOT / name, folder)
    shutil.copytree(
        ROOT / "alexnet_lib", folder / "alexnet_lib", ignore=shutil.ignore_patterns("__pycache__")
    )
    git(folder, "init", "--quiet")
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message", "as it stands")
    return folder


def run_bare(source, packages, **variables):
    """Run a program in a fresh Python that finds `packages`, but not the library that this Python has.

    Without the module site it reads no .pth file, and one of those leads to the library.
    """
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, packages)), **variables}
    command = [sys.executable, "-S", "-c", source]
    return subprocess.run(command, cwd="/", env=environment, capture_output=True, text=True)


@pytest.mark.skipif(not shutil.which("git"), reason="no git, which pip calls for such an address")
@pytest.mark.slow
def test_the_first_cell_installs_a_library_that_works_with_all_its_data(published, tmp_path):
    bare = tmp_path / "site"
    # All but the network: git finds the address in a folder, pip brings no dependencies and no build tools.
    offline = {
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": f"url.{published.as_uri()}.insteadOf",
        "GIT_CONFIG_VALUE_0": ADDRESS,
        "PIP_TARGET": str(bare),
        "PIP_NO_DEPS": "1",
        "PIP_NO_INDEX": "1",
        "PIP_NO_BUILD_ISOLATION": "0",  # pip reads it the wrong way round: this is what turns isolation off
    }
    first = run_bare(notebooks.install_source(ADDRESS), [], **offline)
    assert first.returncode == 0, first.stderr
    assert files_of(bare / "alexnet_lib") == files_of(published / "alexnet_lib")

    program = (
        "import alexnet_lib; print(alexnet_lib.__file__)\n"
        "from alexnet_lib.qualitative import recorded_first_layer as layer; print(*layer().weight.shape)\n"
        "from alexnet_lib.widgets import LrnExplorer; print(type(LrnExplorer()).__name__)\n"
    )
    second = run_bare(program, [bare, sysconfig.get_path("purelib")])
    assert second.returncode == 0, second.stderr
    where, shape, widget = second.stdout.split("\n")[:3]
    assert Path(where).is_relative_to(bare)
    assert shape == "96 3 11 11"
    assert widget == "LrnExplorer"


def test_the_first_cell_does_nothing_where_the_library_is():
    # An address that pip could not fetch from: were it asked, the program would fail.
    source = notebooks.install_source("https://127.0.0.1:1/none") + "\nprint('ready')"
    run = subprocess.run([sys.executable, "-c", source], capture_output=True, text=True)
    assert run.stdout == "ready\n", run.stderr


def imported(tree):
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            yield node.module.split(".")[0]


def test_the_first_cell_installs_every_package_that_chapters_and_library_import():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    # Without the packages for ONNX, `alexnet export` says what to install.
    wanted = sum(project["optional-dependencies"].values(), project["dependencies"])
    names = [re.match(r"[\w-]+", line).group() for line in wanted]
    allowed = {IMPORT_NAMES.get(name, name) for name in names} | WITH_JUPYTER | {"alexnet_lib"}
    found = {}
    for path in (ROOT / "alexnet_lib").rglob("*.py"):
        found[str(path)] = set(imported(ast.parse(path.read_text("utf-8"))))
    for path in (ROOT / "book").glob("*.ipynb"):
        cells = [cell.source for cell in nbformat.read(path, 4).cells if cell.cell_type == "code"]
        found[str(path)] = set(imported(ast.parse("\n".join(cells))))
    foreign = {name: sorted(packages - allowed - sys.stdlib_module_names) for name, packages in found.items()}
    assert {name: packages for name, packages in foreign.items() if packages} == {}


def test_binder_installs_the_same_on_a_python_that_the_library_takes():
    folder = ROOT / ".binder"
    wanted = [
        line for line in (folder / "requirements.txt").read_text("utf-8").splitlines() if line[:1] != "#"
    ]
    assert wanted == [".[chapters]"]
    version = (folder / "runtime.txt").read_text("utf-8").strip().removeprefix("python-")
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    assert SpecifierSet(project["requires-python"]).contains(version)
