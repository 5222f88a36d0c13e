"""A checkpoint is whole or it is not there; what is damaged, foreign or dangerous is refused."""

import os
import pickle

import pytest
import torch

from alexnet_lib.training import checkpoints
from alexnet_lib.training.checkpoints import CheckpointError, newest, read, save

STATE = {"net": {"weight": torch.arange(1000.0)}, "epoch": 3, "name": "paper", "sizes": [1, 2]}


def equal(ours, other):
    return ours.keys() == other.keys() and torch.equal(ours["net"]["weight"], other["net"]["weight"])


def test_what_was_saved_is_read_again(tmp_path):
    path = save(STATE, tmp_path / "new" / "folder", 12)
    assert path.name == "checkpoint-000000012.pt"
    state = read(path)
    assert equal(state, STATE)
    assert (state["epoch"], state["name"], state["sizes"]) == (3, "paper", [1, 2])
    assert [file.name for file in path.parent.iterdir()] == [path.name]


def test_the_two_newest_are_kept(tmp_path):
    for step in (5, 100, 30):
        save(STATE | {"epoch": step}, tmp_path, step)
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "checkpoint-000000030.pt",
        "checkpoint-000000100.pt",
    ]
    path, state = newest(tmp_path)
    assert (path.name, state["epoch"]) == ("checkpoint-000000100.pt", 100)


def test_a_folder_without_checkpoints_has_no_newest(tmp_path):
    (tmp_path / "notes.pt").write_text("mine")
    assert newest(tmp_path) is None
    assert newest(tmp_path / "missing") is None


@pytest.mark.parametrize("tenth", range(10))
def test_a_file_cut_at_any_tenth_is_refused_and_the_one_before_it_used(tenth, tmp_path):
    save(STATE | {"epoch": 1}, tmp_path, 1)
    path = save(STATE | {"epoch": 2}, tmp_path, 2)
    content = path.read_bytes()
    path.write_bytes(content[: len(content) * tenth // 10])
    with pytest.raises(CheckpointError, match=r"checkpoint-000000002\.pt is (no checkpoint|cut short)"):
        read(path)
    with pytest.warns(UserWarning, match=r"000000002\.pt .*Going on from checkpoint-000000001\.pt"):
        _, state = newest(tmp_path)
    assert state["epoch"] == 1


def test_a_flipped_bit_anywhere_is_noticed(tmp_path):
    path = save(STATE, tmp_path, 1)
    content = path.read_bytes()
    for place in range(0, len(content), 97):
        path.write_bytes(content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :])
        with pytest.raises(CheckpointError):
            read(path)


def test_where_all_are_damaged_the_reasons_are_said(tmp_path):
    for step in (1, 2):
        path = save(STATE, tmp_path, step)
        path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(CheckpointError, match=r"000000002.*000000001.*Start the run anew in another folder"):
        newest(tmp_path)


def test_a_foreign_file_and_one_of_another_version_are_told_apart(tmp_path):
    foreign, future = tmp_path / "checkpoint-000000001.pt", tmp_path / "checkpoint-000000002.pt"
    torch.save(STATE, foreign)
    with pytest.raises(CheckpointError, match="no checkpoint of this library"):
        read(foreign)
    future.write_bytes(b"alexnet_lib checkpoint 9\nwhatever")
    with pytest.raises(CheckpointError, match=r"checkpoint 9.* this version reads .*checkpoint 1"):
        read(future)


class Bomb:
    def __reduce__(self):
        return os.mkdir, (self.path,)


def test_reading_executes_nothing(tmp_path):
    bomb = Bomb()
    bomb.path = str(tmp_path / "executed")
    path = save({"net": bomb}, tmp_path, 1)
    with pytest.raises(CheckpointError, match="something else than tensors"):
        read(path)
    assert not (tmp_path / "executed").exists()
    pickle.loads(pickle.dumps(bomb))  # the bomb is a live one
    assert (tmp_path / "executed").exists()


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), RuntimeError("unexpected pos")])
def test_a_full_disk_leaves_what_was_there_and_says_so(error, tmp_path, monkeypatch):
    save(STATE | {"epoch": 1}, tmp_path, 1)

    def fail(*_):
        raise error

    monkeypatch.setattr(checkpoints.torch, "save", fail)
    with pytest.raises(OSError, match=r"000000002\.pt could not be written .*make room there"):
        save(STATE, tmp_path, 2)
    assert [path.name for path in tmp_path.iterdir()] == ["checkpoint-000000001.pt"]
    assert newest(tmp_path)[1]["epoch"] == 1
