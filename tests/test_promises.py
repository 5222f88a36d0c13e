"""What book/promises.md promises, where no other test holds it; and that every promise names its test."""

import ast
import os
import pickle
import re
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from torchvision.datasets import CIFAR10
from training import TinyNet

from alexnet_lib import records
from alexnet_lib.data.cache import CacheError
from alexnet_lib.dataset import load
from alexnet_lib.training import checkpoints

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "book" / "promises.md"

# A reader's session, in a process that notes each file that is opened to be written, each folder made, each
# program started and each use of the network.
SESSION = """
import os, sys
WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
def note(event, args):
    if event == "open" and isinstance(args[0], (str, bytes)) and (args[2] or 0) & WRITES:
        seen.append(f"write {os.path.realpath(os.fsdecode(args[0]))}")
    elif event in ("os.mkdir", "os.remove", "os.rename", "os.symlink", "os.link"):
        seen.append(f"write {os.path.realpath(os.fsdecode(args[0]))}")
    elif event == "subprocess.Popen":
        seen.append(f"start {args[0]}")
    elif event.startswith("socket.") and event != "socket.__new__":
        seen.append(f"network {event} {args}")
seen = []
sys.addaudithook(note)
import contextlib, io
from pathlib import Path
from alexnet_lib import records
from alexnet_lib.cli import main
from training import tiny_run
with contextlib.redirect_stdout(io.StringIO()):
    for words in (["data", "ten-photos"], ["specs"], ["experiment", "list"], ["experiment", "report", "lrn"]):
        assert main(words) == 0
outcome = tiny_run(Path(sys.argv[1]))
records.store(outcome.record("trial", "", ""), Path(sys.argv[1]) / "records")
print(*seen, sep="\\n")
"""


def test_a_session_writes_only_where_it_is_told_to_and_asks_nobody_on_the_network(tmp_path):
    home, temporary, here = (tmp_path / name for name in ("home", "temporary", "here"))
    for folder in (home, temporary, here):
        folder.mkdir()
    environment = {
        **{"PATH": os.environ["PATH"], "HOME": str(home), "TMPDIR": str(temporary)},
        **{"PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'tests'}", "PYTHONDONTWRITEBYTECODE": "1"},
    }
    command = [sys.executable, "-c", SESSION, tmp_path / "run"]
    told = subprocess.run(command, cwd=here, env=environment, capture_output=True, text=True)
    assert told.returncode == 0, told.stderr
    written = {line.removeprefix("write ") for line in told.stdout.splitlines() if line.startswith("write ")}
    # A record names the commit; torch 2.12 asks where the system's libraries lie.
    started = set(told.stdout.splitlines()) - {f"write {path}" for path in written}
    assert started <= {"start git", "start /sbin/ldconfig"}
    named, passing = (tmp_path / "run").resolve(), temporary.resolve()
    elsewhere = {path for path in written if named not in (Path(path), *Path(path).parents)}
    assert elsewhere < written
    # Python tries out the folder for temporary files; torch makes a folder in it for what it compiles.
    assert {path for path in elsewhere if passing not in Path(path).parents} <= {"/dev/null"}
    assert {path.name.rpartition("_")[0] for path in temporary.iterdir()} <= {"torchinductor"}
    assert not [*temporary.rglob("*/*"), *home.iterdir(), *here.iterdir()]


class Bomb:
    """What pickle turns into a new folder when it reads it."""

    def __init__(self, path):
        self.path = str(path)

    def __reduce__(self):
        return os.mkdir, (self.path,)


def cifar(folder, bomb):
    (folder / CIFAR10.base_folder).mkdir()
    for name in ("data_batch_1", "batches.meta"):
        (folder / CIFAR10.base_folder / name).write_bytes(bomb)
    load("cifar10", "train", root=folder)


def checkpoint(folder, bomb):
    (folder / "checkpoint-000000001.pt").write_bytes(checkpoints.FIRST_LINE + bomb)
    checkpoints.newest(folder)


def record(folder, bomb):
    (folder / "trial").mkdir()
    (folder / "trial" / "2026-01-01_cpu.json").write_bytes(bomb)
    records.load("trial", folder)


def picture(folder, bomb):
    (folder / "train" / "one").mkdir(parents=True)
    (folder / "train" / "one" / "a.png").write_bytes(bomb)
    load(f"folder:{folder}", "train", size=8)


def cached(folder, bomb):
    (folder / "train" / "one").mkdir(parents=True)
    (folder / "train" / "one" / "a.png").write_bytes(b"")
    where = folder / "cache" / f"{folder.name}-train-8"
    where.mkdir(parents=True)
    (where / "listing").write_bytes(bomb)
    with pytest.raises(CacheError) as damage:
        load(f"folder:{folder}", "train", size=8, cache=folder / "cache")
    raise damage.value


@pytest.mark.parametrize("read", [cifar, checkpoint, record, picture, cached])
def test_reading_a_file_runs_no_code_in_it(read, tmp_path):
    folder = tmp_path / "folder"
    folder.mkdir()
    bomb = pickle.dumps(Bomb(tmp_path / "executed"))
    with pytest.raises(ValueError, match=r"damaged|cut short|no record|cannot be read"):
        read(folder, bomb)
    assert not (tmp_path / "executed").exists()
    pickle.loads(bomb)  # the bomb is a live one
    assert (tmp_path / "executed").exists()


def test_weights_are_read_by_torch_without_running_code(tmp_path):
    torch.save(TinyNet().state_dict(), tmp_path / "weights.pt")
    assert len(torch.load(tmp_path / "weights.pt", weights_only=True)) == 4


def test_every_promise_names_a_test_that_exists():
    rows = re.findall(r"^- (.+\.)\\\n  \*Held by\* (.+)\.$", PAGE.read_text("utf-8"), re.MULTILINE)
    assert len(rows) > 30
    for promise, holders in rows:
        named = re.findall(r"`(test_\w+)\.(test_\w+)`", holders)
        assert named, promise
        for file, name in named:
            (path,) = (ROOT / "tests").rglob(f"{file}.py")
            tree = ast.parse(path.read_text("utf-8"))
            assert name in {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}, (
                file,
                name,
            )
