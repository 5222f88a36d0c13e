"""The log of a run: a line at a time, none twice when it is read, and TensorBoard's files."""

import sys
import types

import pytest

from alexnet_lib.training import runlog
from alexnet_lib.training.runlog import RunLog, read_log


@pytest.fixture(autouse=True)
def no_tensorboard(monkeypatch):
    """As on a machine without TensorBoard, and with a line for every step."""
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    monkeypatch.setattr(runlog, "SECONDS", 0.0)


def test_lines_have_epoch_step_time_and_values_and_are_written_at_once(tmp_path):
    log = RunLog(tmp_path)
    log.step(1, 7, {"loss": 2.5})
    log.epoch(1, {"loss": 2.0})
    first, second = read_log(tmp_path)  # before it is closed: a killed run keeps its log
    assert (first["epoch"], first["step"], first["loss"]) == (1, 7, 2.5)
    assert (second["epoch"], second["whole epoch"], second["loss"]) == (1, True, 2.0)
    assert "T" in first["time"]


def test_steps_that_follow_each_other_closely_are_not_all_noted(tmp_path, monkeypatch):
    monkeypatch.setattr(runlog, "SECONDS", 10.0)
    log = RunLog(tmp_path)
    for step in range(5):
        log.step(1, step, {"loss": 2.5})
    assert not (tmp_path / "log.jsonl").exists()


def test_what_a_resumed_run_makes_again_is_read_once_and_half_a_line_not_at_all(tmp_path):
    log = RunLog(tmp_path)
    for step in (5, 9):
        log.step(1, step, {"line": 1})
    log.epoch(1, {"line": 1})
    with (tmp_path / "log.jsonl").open("a") as file:
        file.write('{"epoch": 2, "st')  # a line that a killed run did not finish
    again = RunLog(tmp_path)
    again.step(1, 9, {"line": 2})
    again.epoch(1, {"line": 2})
    assert [(line.get("step"), line["line"]) for line in read_log(tmp_path)] == [(5, 1), (9, 2), (None, 2)]


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
