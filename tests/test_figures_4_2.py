"""The figures of §4.2: light enough for the page, and their words hold what they draw."""

import io

import numpy as np
import pytest
import torch
from PIL import Image

from alexnet_lib import figures

ACTIVITIES = torch.linspace(0.2, 1, 6)
KEEP = torch.tensor([[1.0, 0, 0, 1, 1, 0], [0, 0, 0, 0, 0, 1]])
STEPS = [5, 10, 15]
FAST, SLOW, NEVER = [0.5, 0.05, 0.0], [0.9, 0.5, 0.08], [0.9, 0.8, 0.7]
FALLING, RISING = [2.0, 1.5, 1.4], [2.0, 1.0, 3.0]


def area(picture, color):
    """How many pixels have one color, given as red, green and blue."""
    pixels = np.asarray(Image.open(io.BytesIO(picture.png)).convert("RGB")).astype(int)
    return int((np.abs(pixels - color).max(-1) < 8).sum())


BLUE, ORANGE = (0, 114, 178), (213, 94, 0)


def test_the_masks_are_told_by_how_many_units_they_keep():
    alt = figures.dropout_masks(ACTIVITIES, KEEP).alt
    assert "mask 1 keeps 3, mask 2 keeps 1. At test time every bar stands, times 0.5" in alt


def test_kept_bars_are_drawn_whole_and_the_bars_of_test_time_halved():
    everything = figures.dropout_masks(ACTIVITIES, torch.ones(1, 6))
    # One row of whole bars, one of halved ones. The words beside them are black.
    assert area(everything, ORANGE) == pytest.approx(0.5 * area(everything, BLUE), rel=0.1)


def test_dropped_bars_are_not_filled():
    whole, half = (figures.dropout_masks(torch.ones(6), keep) for keep in (torch.ones(2, 6), KEEP.flip(1)))
    assert area(half, BLUE) == pytest.approx(4 / 12 * area(whole, BLUE), rel=0.1)


@pytest.mark.parametrize(
    ("arithmetic", "geometric", "words"),
    [
        (0.1, 0.0, ("lies on the diagonal", "arithmetic mean leaves")),
        (0.0, 0.1, ("leaves the diagonal, where", "arithmetic mean stays on")),
    ],
)
def test_the_means_are_told_by_whether_they_leave_the_diagonal(arithmetic, geometric, words):
    one = torch.full((4, 3), 0.3)
    alt = figures.averages_against_one(one, one + arithmetic, one + geometric).alt
    assert "12 probabilities" in alt
    assert all(word in alt for word in words)


def test_the_curves_are_told_in_the_order_in_which_they_reach_the_mark_and_without_numbers_of_a_run():
    errors = {"slow": SLOW, "never": NEVER, "fast": FAST}
    losses = {"slow": FALLING, "never": FALLING, "fast": RISING}
    alt = figures.dropout_curves(STEPS, errors, losses).alt
    assert "reached first by fast, then slow, then never (not at all)" in alt
    assert "fast: rises; slow: does not rise" in alt


@pytest.mark.parametrize(
    ("errors", "halved", "words"),
    [
        ([0.5, 0.4], 0.41, "The average over 10 makes fewer errors than one masked net, and comes close to"),
        ([0.4, 0.4], 0.1, "The average over 10 makes no fewer errors than one masked net, and comes not clo"),
    ],
)
def test_the_averages_are_told_against_one_masked_net_and_the_halved_one(errors, halved, words):
    assert words in figures.averaged_nets([1, 10], errors, halved).alt


def test_averages_that_are_all_the_same_can_be_drawn():
    assert figures.averaged_nets([1, 10], [0.4, 0.4], 0.4).png


@pytest.mark.parametrize("name", ["masks", "averages", "curves", "nets"])
def test_every_figure_of_section_4_2_is_light(name):
    draw = {
        "masks": lambda: figures.dropout_masks(torch.rand(12), torch.ones(3, 12)),
        "averages": lambda: figures.averages_against_one(*torch.rand(3, 100, 3)),
        "curves": lambda: figures.dropout_curves(
            STEPS, {"a": FAST, "b": SLOW, "c": NEVER}, dict.fromkeys("abc", RISING)
        ),
        "nets": lambda: figures.averaged_nets([1, 2, 5], [0.5, 0.45, 0.4], 0.4),
    }
    assert 500 < len(draw[name]().png) < 80_000
