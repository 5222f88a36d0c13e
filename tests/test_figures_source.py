"""The figures of paper against source say the steps of the log, and the first and last spread."""

import matplotlib.pyplot as plt

from alexnet_lib.figures import rates_by_epoch, spread_by_layer
from alexnet_lib.learning import RateGroup

PICTURE_BYTES = 80_000
FALLING = RateGroup("*", ((0, 1.0), (25, 0.1), (51, 0.01)))
STOPPED = RateGroup("conv1", ((0, 1.0), (72, 0.0)))


def test_the_steps_of_a_rate_are_told_with_their_epochs():
    alt = rates_by_epoch({"weights": FALLING}, lr=0.01).alt
    assert "weights: 0.01, 0.001 from epoch 25, 0.0001 from epoch 51." in alt


def test_a_rate_that_becomes_zero_is_told_and_drawn_although_the_axis_has_no_zero():
    picture = rates_by_epoch({"conv1": STOPPED, "weights": FALLING, "biases": RateGroup("b")}, lr=0.02)
    assert "conv1: 0.02, 0 from epoch 72; weights: 0.02, 0.002" in picture.alt
    assert "biases: 0.02." in picture.alt
    assert len(picture.png) < PICTURE_BYTES


def test_a_step_beyond_the_last_epoch_is_not_told():
    assert "from epoch" not in rates_by_epoch({"weights": FALLING}, epochs=20).alt


def test_the_spread_is_told_for_the_first_and_the_last_layer_of_both_nets():
    arms = {"narrow": {"conv1": 12.0, "fc8": 0.0037}, "wide": {"conv1": 12.0, "fc8": 0.056}}
    picture = spread_by_layer(arms)
    assert "narrow: conv1 12, fc8 0.0037; wide: conv1 12, fc8 0.056." in picture.alt
    assert len(picture.png) < PICTURE_BYTES


def test_no_figure_stays_open():
    rates_by_epoch({"weights": FALLING}), spread_by_layer({"a": {"conv1": 1.0, "fc8": 0.1}})
    assert plt.get_fignums() == []
