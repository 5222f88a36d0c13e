"""Machines of strangers: no home folder, no compiler, no git, one core."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent

# A reader's session. Nothing lies on the path, so no compiler, git or make is found.
SESSION = """
import os, shutil, sys
from pathlib import Path
if hasattr(os, "sched_setaffinity"):
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
assert not any(map(shutil.which, ("cc", "gcc", "g++", "git", "make")))
from alexnet_lib import records
from alexnet_lib.cli import main
from training import tiny_run
assert main(["specs"]) == 0
result = tiny_run(Path(sys.argv[1]))
records.store(result.record("trial", "", ""), Path(sys.argv[1]) / "records")
"""


@pytest.mark.slow
def test_without_home_path_and_second_core_the_library_trains(tmp_path):
    environment = {
        **{"PATH": "", "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'tests'}"},
        # No folder can be made below a file, not even by a user who may write everywhere.
        **{"HOME": f"{os.devnull}/home", "USERPROFILE": f"{os.devnull}/home"},
        **{name: os.environ[name] for name in ("SYSTEMROOT", "TMPDIR", "TEMP") if name in os.environ},
    }
    command = [sys.executable, "-c", SESSION, tmp_path / "run"]
    told = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert told.returncode == 0, told.stderr
    assert "paper" in told.stdout
    assert len([*(tmp_path / "run" / "records").rglob("*.json")]) == 1
