"""The figures of §5: light enough for the page, and their words hold what they draw."""

import io

import numpy as np
import pytest
from PIL import Image

from alexnet_lib import figures

SIGNALS = {"conv1": (10.0, 0.5), "fc7": (0.1, 0.9), "fc8": (0.02, 0.05)}
BLUE, ORANGE, GRAY = (0, 114, 178), (213, 94, 0), (119, 119, 119)


def area(picture, color):
    """How many pixels have one color, given as red, green and blue."""
    pixels = np.asarray(Image.open(io.BytesIO(picture.png)).convert("RGB")).astype(int)
    return int((np.abs(pixels - color).max(-1) < 8).sum())


@pytest.mark.parametrize(("momentum", "half"), [(0.9, 7), (0.5, 1), (0.95, 14)])
def test_the_age_at_which_a_gradient_counts_half_is_told(momentum, half):
    alt = figures.momentum_average(momentum, [1.0, 2.0], [1.0, 1.5]).alt
    assert f"below one half after {half} steps" in alt
    assert momentum**half <= 0.5 < momentum ** (half - 1)


def test_the_step_behind_the_division_is_told_as_a_share_of_the_one_before_it():
    rules = {"one": [1.0, 2.0, 1.0, 1.0], "other": [1.0, 2.0, 0.2, 0.2]}
    assert "one 0.50, other 0.10" in figures.step_lengths(rules, drop=2).alt


def test_the_rates_are_told_with_the_epoch_from_which_they_hold():
    alt = figures.plateaus([0.5] * 4, [0.01, 0.01, 0.001, 0.0001]).alt
    assert "0.01, 0.001 from epoch 3, 0.0001 from epoch 4" in alt
    assert "0.01, the same throughout" in figures.plateaus([0.5] * 3, [0.01] * 3).alt


def test_a_line_marks_each_division():
    falling, constant = ([0.01, 0.01, 0.001, 0.001], [0.01] * 4)
    assert area(figures.plateaus([0.5] * 4, falling), GRAY) > area(
        figures.plateaus([0.5] * 4, constant), GRAY
    )


def test_the_last_layer_has_no_relu_and_its_share_is_not_told():
    alt = figures.first_signals({"a start": SIGNALS}).alt
    assert "conv1 to fc8" in alt
    assert "a start: spread 1e+01 to 0.02, open 50% to 90%" in alt


def test_each_run_is_told_by_whether_it_gets_below_the_guess():
    alt = figures.losses({"one": {"falls": [2.3, 1.0], "stays": [2.3, 2.31]}}, classes=10, window=1).alt
    assert "ln 10 = 2.30. falls ends below it; stays does not get below it" in alt
    assert "ends below" not in figures.losses({"one": {"falls": [2.3] * 2}}, classes=2, window=1).alt


def test_a_loss_beyond_the_picture_is_drawn_at_its_edge():
    drawn = figures.losses({"one": {"a": [2.3] * 9, "b": [500.0] * 9}}, classes=10, window=1)
    assert area(drawn, ORANGE) > 300


@pytest.mark.parametrize("name", ["average", "steps", "plateaus", "signals", "losses"])
def test_every_figure_of_section_5_is_light(name):
    draw = {
        "average": lambda: figures.momentum_average(0.9, [1.0, -1.0] * 60, [0.1] * 120),
        "steps": lambda: figures.step_lengths({"a": [1.0] * 60, "b": [0.5] * 60}, drop=30),
        "plateaus": lambda: figures.plateaus([0.5] * 45, [0.01] * 45),
        "signals": lambda: figures.first_signals({"a": SIGNALS, "b": SIGNALS, "c": SIGNALS}),
        "losses": lambda: figures.losses(
            {title: {"a": [2.0] * 60, "b": [2.4] * 120, "c": [9.0] * 60} for title in "xyz"}, classes=10
        ),
    }
    assert 500 < len(draw[name]().png) < 80_000
