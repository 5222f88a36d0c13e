"""The log of a run: a line at a time, none twice after resuming, and TensorBoard's files."""

import json
import sys
import types

import pytest

from alexnet_lib.training import runlog as logbook
from alexnet_lib.training.runlog import RunLog


@pytest.fixture(autouse=True)
def no_tensorboard(monkeypatch):
    """As on a machine without TensorBoard, whatever this one has."""
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)


def lines(folder):
    return [json.loads(line) for line in (folder / "log.jsonl").read_text("utf-8").splitlines()]


def test_lines_have_epoch_step_time_and_values_and_are_written_at_once(tmp_path, monkeypatch):
    monkeypatch.setattr(logbook, "SECONDS", 0.0)
    log = RunLog(tmp_path)
    log.step(0, 7, {"loss": 2.5})
    log.epoch(1, {"loss": 2.0})
    first, second = lines(tmp_path)  # before it is closed: a killed run keeps its log
    assert (first["epoch"], first["step"], first["loss"]) == (1, 7, 2.5)
    assert (second["epoch"], second["whole epoch"], second["loss"]) == (1, True, 2.0)
    assert "T" in first["time"]
    log.close()


def test_steps_that_follow_each_other_closely_are_not_all_noted(tmp_path):
    log = RunLog(tmp_path)
    for step in range(5):
        log.step(0, step, {"loss": 2.5})
    log.close()
    assert lines(tmp_path) == []


@pytest.mark.parametrize(
    ("epoch", "step", "kept"),
    [
        (0, 0, []),
        (0, 5, [1]),
        (0, 9, [1, 2]),
        (1, 0, [1, 2, 3]),
        (1, 5, [1, 2, 3, 4]),
        (2, 0, [1, 2, 3, 4, 5]),
    ],
)
def test_a_resumed_run_drops_what_it_will_write_again(epoch, step, kept, tmp_path, monkeypatch):
    monkeypatch.setattr(logbook, "SECONDS", 0.0)
    log = RunLog(tmp_path)
    log.step(0, 5, {"line": 1})
    log.step(0, 9, {"line": 2})
    log.epoch(1, {"line": 3})
    log.step(1, 5, {"line": 4})
    log.epoch(2, {"line": 5})
    log.close()
    RunLog(tmp_path, epoch, step).close()
    assert [line["line"] for line in lines(tmp_path)] == kept


def test_a_line_that_was_cut_off_is_dropped(tmp_path):
    (tmp_path / "log.jsonl").write_text('{"epoch": 1, "whole epoch": true}\n{"epoch": 2, "st', "utf-8")
    RunLog(tmp_path, 5, 0).close()
    assert lines(tmp_path) == [{"epoch": 1, "whole epoch": True}]


def test_without_a_folder_nothing_is_written():
    log = RunLog(None)
    log.step(0, 1, {})
    log.epoch(1, {})
    log.close()


def test_tensorboard_gets_the_values_of_every_epoch(tmp_path, monkeypatch):
    got = []

    class SummaryWriter:
        def __init__(self, folder):
            got.append(folder)

        def add_scalar(self, name, value, epoch):
            got.append((name, value, epoch))

        def close(self):
            got.append("closed")

    board = types.SimpleNamespace(SummaryWriter=SummaryWriter)
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", board)
    log = RunLog(tmp_path)
    log.epoch(3, {"training loss": 1.5, "lr": 0.01})
    log.close()
    assert got == [tmp_path / "tensorboard", ("training loss", 1.5, 3), ("lr", 0.01, 3), "closed"]
