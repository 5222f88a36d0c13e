"""The figures of §3.1: light enough for the page, and their words hold what they draw."""

import pytest

from alexnet_lib import figures
from alexnet_lib.relu import ACTIVATIONS

LIGHT = 80_000  # bytes of a stored picture

CURVES = {
    "reached": ("relu", [0.9, 0.5, 0.2]),
    "missed": ("tanh", [0.9, 0.8]),
    "again": ("tanh", [0.9, 0.25]),
}
STEPS = {
    "raw": {"ReLU": 24, "tanh": 27, "tanh, ReLU's rate": 100},
    "scaled": {"ReLU": 65, "tanh": 30, "tanh, ReLU's rate": 51},
}
SHARES = {
    "gain 1": {"relu": [1.0, 0.1, 0.01], "tanh": [1.0, 0.5, 0.25]},
    "gain 2": {"relu": [1.0, 2.0, 4.0], "tanh": [1.0, 1.5, 2.0]},
}
PICTURES = {
    "units": lambda: figures.units_and_slopes(),
    "depth": lambda: figures.gradients_through_depth(SHARES),
    "errors": lambda: figures.error_curves(CURVES),
    "steps": lambda: figures.steps_to_threshold(STEPS, most=100),
}


@pytest.mark.parametrize("name", PICTURES)
def test_a_picture_is_light(name):
    assert len(PICTURES[name]().png) < LIGHT


def test_slopes_are_told_where_they_are_steepest_and_at_the_right_end():
    alt = figures.units_and_slopes().alt
    assert "ReLU's at most 1.00 and at the right end 1.00" in alt
    assert "sigmoid's at most 0.25" in alt  # f (1 - f) is largest at f = 1/2


def test_every_unit_of_the_library_can_be_drawn():
    alt = figures.units_and_slopes(tuple(ACTIVATIONS)).alt
    assert alt.count("at most") == len(ACTIVATIONS)


def test_what_is_left_below_is_told_for_each_panel():
    alt = figures.gradients_through_depth(SHARES).alt
    assert "after 2 layers" in alt
    assert "gain 1: ReLU 1e-02, tanh 2e-01" in alt
    assert "gain 2: ReLU 4e+00, tanh 2e+00" in alt


def test_a_curve_that_misses_the_threshold_is_told_apart_from_those_that_reach_it():
    alt = figures.error_curves(CURVES).alt
    assert "reached: reaches it; missed: does not reach it; again: reaches it" in alt


def test_the_threshold_is_named():
    assert "a line at 10 %" in figures.error_curves(CURVES, threshold=0.1).alt


def test_arms_are_told_in_the_order_of_their_steps():
    alt = figures.steps_to_threshold(STEPS, most=100).alt
    assert "raw: ReLU, then tanh, then tanh, ReLU's rate" in alt
    assert "scaled: tanh, then tanh, ReLU's rate, then ReLU" in alt
