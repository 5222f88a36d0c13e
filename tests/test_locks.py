"""What is installed: the locks, the commands that keep to them, and the licenses of what a reader gets."""

import os
import re
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parent.parent
EVERYTHING, TORCH, READING = (ROOT / "locks" / f"{name}.txt" for name in ("everything", "torch", "reading"))
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
LINE = re.compile(r"([\w.-]+)==([\w.]+)")


def ranges():
    """requirements.txt: name -> what it allows"""
    lines = (ROOT / "requirements.txt").read_text("utf-8").splitlines()
    wanted = [Requirement(line.partition("  #")[0]) for line in lines if not line.startswith("#")]
    return {canonicalize_name(one.name): one.specifier for one in wanted}


def locked(path):
    """A lock: (name, version) -> the sums of its files"""
    found = {}
    for block in filter(LINE.match, re.split(r"(?m)^(?=\S)", path.read_text("utf-8"))):
        sums = frozenset(re.findall(r"--hash=sha256:([0-9a-f]{64})\b", block))
        found[LINE.match(block).groups()] = sums
    return found


FULL = locked(EVERYTHING) | locked(TORCH)


@pytest.mark.parametrize("path", [EVERYTHING, TORCH, READING], ids=lambda path: path.stem)
def test_every_line_of_a_lock_has_a_version_and_sums_and_names_no_address(path):
    text = path.read_text("utf-8")
    assert text.startswith("--only-binary :all:\n")  # building a source package would run its code
    assert "://" not in text
    assert len(re.findall(r"(?m)^[^\s-]", text)) == len(locked(path)) > 10
    assert all(locked(path).values())


def test_the_locks_are_within_what_requirements_txt_allows():
    versions = {name: version for name, version in FULL}
    outside = {name: allowed for name, allowed in ranges().items() if versions.get(name) not in allowed}
    assert outside == {}


def test_the_library_asks_for_the_same_ranges_as_requirements_txt():
    project = PROJECT["project"]
    wanted = sum(project["optional-dependencies"].values(), project["dependencies"])
    asked = {canonicalize_name(one.name): one.specifier for one in map(Requirement, wanted)}
    assert {name: ranges()[name] for name in asked} == asked


def test_what_builds_the_library_is_locked_too():
    (builder,) = map(Requirement, PROJECT["build-system"]["requires"])
    (version,) = (version for name, version in FULL if name == builder.name)
    assert version in builder.specifier


def test_reading_needs_a_part_of_the_same_files_and_no_torch():
    reading = locked(READING)
    assert reading.items() <= locked(EVERYTHING).items()
    assert not {"torch", "torchvision"} & {name for name, _ in FULL.keys() - locked(TORCH).keys()}


def pip_calls(text):
    """The words of each `pip install` in a text of commands, without those that only make it quiet."""
    calls = re.findall(r"pip install ((?:[^\n\\;&]|\\\n)*)", text)
    words = [set(call.replace("\\\n", "").split()) for call in calls]
    return [call - {"--quiet", "--disable-pip-version-check"} for call in words]


QUIET = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))}
needs_make = pytest.mark.skipif(not shutil.which("make"), reason="this machine has no make")


@needs_make
def test_the_lines_without_make_install_what_make_installs():
    stamps = [".venv/.reading", ".venv/.everything"]
    command = ["make", "-n", "-B", *stamps]
    shown = subprocess.run(command, cwd=ROOT, env=QUIET, capture_output=True, text=True, check=True).stdout
    by_make = [call for call in pip_calls(shown) if "--index-url" not in call]
    section = (ROOT / "README.md").read_text("utf-8").partition("**Without make**")[2]
    without = pip_calls(section.partition("```sh")[2].partition("```")[0])
    assert len(without) == 3
    assert all(call in by_make for call in without)
    # Whatever comes from elsewhere is compared with its sum; the library itself lies here.
    assert all("--require-hashes" in call or call >= {"--no-deps", "-e", "."} for call in by_make)
