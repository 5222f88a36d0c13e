"""The experiment log shows every record, and what failed as well as what went right."""

import dataclasses
import io
import math
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image
from test_records import RECORD

from alexnet_lib import records
from alexnet_lib.figures import recorded_errors
from alexnet_lib.tables import every_record, run_circumstances, run_outcomes

DIVERGED = dataclasses.replace(
    RECORD, label="hot", curves={"training error": [0.9, math.nan, math.nan]}, results={}
)
NO_CURVE = dataclasses.replace(
    RECORD, experiment="other", label="", curves={}, results={"images per second": 1234.5}
)
BLUE, ORANGE = (0, 114, 178), (213, 94, 0)


def area(picture, color):
    """How many pixels have one color, given as red, green and blue."""
    pixels = np.asarray(Image.open(io.BytesIO(picture.png)).convert("RGB")).astype(int)
    return int((np.abs(pixels - color).max(-1) < 8).sum())


def test_every_record_of_the_package_is_in_the_log_oldest_first():
    runs = every_record()
    files = [path for path in records.RESULTS.rglob("*.json")]
    assert len(runs) == len(files) > 0
    assert [run.date for run in runs] == sorted(run.date for run in runs)
    assert len(run_circumstances(runs).rows) == len(run_outcomes(runs).rows) == len(runs)


def test_records_of_all_experiments_are_found(tmp_path):
    for run in (RECORD, NO_CURVE, dataclasses.replace(RECORD, date="2025-12-31", label="old")):
        records.store(run, tmp_path)
    (tmp_path / "a file beside them.txt").touch()
    assert [run.label for run in every_record(tmp_path)] == ["old", "", "relu"]


def test_circumstances_and_outcome_of_a_run_stand_in_a_row():
    (row,) = run_circumstances([RECORD]).rows
    assert row == (
        *("2026-01-02", "trial", "relu", "ten-photos", "10", "0", "3"),
        *("CPU, 1 thread(s), x86_64", "2"),
    )
    several = dataclasses.replace(RECORD, config=RECORD.config | {"nets": 5})
    assert run_circumstances([several]).column("seed") == ("0, 5 nets",)
    assert run_outcomes([RECORD]).rows == (("trial", "relu", "test error 40.0 %", "python train.py"),)


def test_a_run_that_left_the_numbers_says_since_when():
    (result,) = run_outcomes([DIVERGED]).column("result")
    assert result == "training error is no number from epoch 2 on"
    failed = dataclasses.replace(NO_CURVE, results={"test error": math.nan})
    assert run_outcomes([failed]).column("result") == ("test error no number",)


def test_a_run_without_results_says_so_and_speeds_are_no_percentages():
    assert run_outcomes([dataclasses.replace(NO_CURVE, results={})]).column("result") == (
        "no result on record",
    )
    assert run_outcomes([NO_CURVE]).column("result") == ("images per second 1,234",)


def test_errors_are_told_by_their_last_value_and_holes_are_named():
    alt = recorded_errors([RECORD, DIVERGED, NO_CURVE]).alt
    assert "trial: training error of relu, seed 0: 30 % after 3" in alt
    assert "training error of hot, seed 0: no number after 3" in alt
    assert "other: no error curve." in alt


def test_every_curve_of_a_run_is_told_by_the_runs_name():
    two = replace(RECORD, curves={"training error": [0.5, 0.4], "validation error": [0.6, 0.55]})
    alt = recorded_errors([two]).alt
    assert "training error of relu, seed 0: 40 % after 2" in alt
    assert "validation error of relu, seed 0: 55 % after 2" in alt


def test_each_run_of_a_panel_has_its_color_and_training_errors_are_dashed():
    other = dataclasses.replace(RECORD, label="tanh", curves={"training error": [0.8, 0.5, 0.4]})
    one, two = recorded_errors([RECORD]), recorded_errors([RECORD, other])
    assert area(one, BLUE) > 100
    assert area(one, ORANGE) == 0
    assert area(two, ORANGE) > 100
    solid = dataclasses.replace(RECORD, curves={"test error": RECORD.curves["training error"]})
    assert area(recorded_errors([solid]), BLUE) > 1.2 * area(one, BLUE)


def test_many_runs_of_a_panel_have_one_color_and_are_told_by_the_range_of_their_ends():
    runs = [dataclasses.replace(RECORD, curves={"training error": [0.9, 0.1 * n]}) for n in range(1, 8)]
    lost = dataclasses.replace(RECORD, curves={"training error": [0.9, math.nan]})
    picture = recorded_errors([*runs, lost])
    assert area(picture, ORANGE) == 0
    assert "trial: training error of 8 runs at their ends 10 to 70 %, 1 without a number." in picture.alt


@pytest.mark.parametrize("count", [6, 40])
def test_many_runs_still_make_a_light_picture(count):
    runs = [dataclasses.replace(RECORD, experiment=f"e{n % 6}", seed=n) for n in range(count)]
    assert len(recorded_errors(runs).png) < 80_000
