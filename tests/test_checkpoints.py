"""A checkpoint is whole or it is not there, torch opens it, and what is damaged or dangerous is refused."""

import io
import os
import pickle
from hashlib import sha256

import pytest
import torch

from alexnet_lib.training import checkpoints
from alexnet_lib.training.checkpoints import CheckpointError, newest, read, save

STATE = {"net": {"weight": torch.arange(1000.0)}, "epoch": 3, "name": "paper", "sizes": [1, 2]}


def test_what_was_saved_is_read_again_by_us_and_by_torch(tmp_path):
    path = save(STATE, tmp_path / "new" / "folder", 12)
    assert [file.name for file in path.parent.iterdir()] == ["checkpoint-000000012.pt"]
    for state in (read(path), torch.load(path, weights_only=True)):
        assert torch.equal(state["net"]["weight"], STATE["net"]["weight"])
        assert (state["epoch"], state["name"], state["sizes"]) == (3, "paper", [1, 2])


def test_a_file_of_before_with_its_first_line_and_checksum_is_still_read(tmp_path):
    inner = io.BytesIO()
    torch.save(STATE, inner)
    content = b"alexnet_lib checkpoint 1\n" + inner.getvalue()
    path = tmp_path / "checkpoint-000000001.pt"
    path.write_bytes(content + sha256(content).digest())
    assert torch.equal(read(path)["net"]["weight"], STATE["net"]["weight"])


def test_the_two_newest_are_kept(tmp_path):
    for step in (5, 100, 30):
        save(STATE | {"epoch": step}, tmp_path, step)
    names = ["checkpoint-000000030.pt", "checkpoint-000000100.pt"]
    assert sorted(path.name for path in tmp_path.iterdir()) == names
    assert newest(tmp_path)[1]["epoch"] == 100


def test_a_folder_without_checkpoints_has_no_newest(tmp_path):
    (tmp_path / "notes.pt").write_text("mine")
    assert newest(tmp_path) is None
    assert newest(tmp_path / "missing") is None


@pytest.mark.parametrize("tenth", [0, 5, 9])
def test_a_file_that_was_cut_is_refused_and_the_one_before_it_used(tenth, tmp_path):
    first, path = (save(STATE | {"epoch": step}, tmp_path, step) for step in (1, 2))
    content = path.read_bytes()
    path.write_bytes(content[: len(content) * tenth // 10])
    with pytest.warns(UserWarning, match=r"000000002\.pt is damaged.*Going on from checkpoint-000000001\.pt"):
        assert newest(tmp_path)[1]["epoch"] == 1
    first.write_bytes(b"")
    with pytest.raises(CheckpointError, match=r"000000002.*000000001.*in another folder"):
        newest(tmp_path)


class Bomb:
    def __reduce__(self):
        return os.mkdir, (self.path,)


def test_reading_executes_nothing(tmp_path):
    bomb = Bomb()
    bomb.path = str(tmp_path / "executed")
    with pytest.raises(CheckpointError):
        read(save({"net": bomb}, tmp_path, 1))
    assert not (tmp_path / "executed").exists()
    pickle.loads(pickle.dumps(bomb))  # the bomb is a live one
    assert (tmp_path / "executed").exists()


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), RuntimeError("unexpected pos")])
def test_a_full_disk_leaves_what_was_there_and_says_so(error, tmp_path, monkeypatch):
    save(STATE | {"epoch": 1}, tmp_path, 1)

    def fail(*_):
        raise error

    monkeypatch.setattr(checkpoints.torch, "save", fail)
    with pytest.raises(OSError, match=r"000000002\.pt could not be written"):
        save(STATE, tmp_path, 2)
    assert [path.name for path in tmp_path.iterdir()] == ["checkpoint-000000001.pt"]
    assert newest(tmp_path)[1]["epoch"] == 1
