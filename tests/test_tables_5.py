"""The tables of §5: what is advised can be set, and the arithmetic of weight decay holds."""

import re

import pytest

from alexnet_lib.tables import decay_half_lives, diagnosis
from alexnet_lib.training.presets import config_from


def test_every_setting_that_is_advised_can_be_set():
    advised = [setting for mend in diagnosis().column("mend") for setting in re.findall(r"\w+=[\w.-]+", mend)]
    assert len(advised) >= 5
    for setting in advised:
        config_from("laptop", [setting])


def test_every_symptom_has_a_cause_a_place_to_look_and_a_mend():
    assert all(len(cell) > 5 for row in diagnosis().rows for cell in row)
    assert len(set(diagnosis().column("cause"))) == len(diagnosis().rows)


def test_decay_halves_a_weight_in_as_many_steps_as_a_walk_takes():
    weight, velocity, steps = 1.0, 0.0, 0
    while weight > 0.5:
        velocity = 0.9 * velocity - 0.0005 * 0.01 * weight
        weight, steps = weight + velocity, steps + 1
    (row,) = decay_half_lives([0.01]).rows
    assert float(row[1].replace(",", "")) == pytest.approx(steps, rel=0.05)
    assert float(row[2]) == pytest.approx(steps / (1_200_000 // 128), rel=0.05)


def test_a_tenth_of_the_rate_takes_ten_times_as_long():
    first, second = decay_half_lives([0.01, 0.001]).column("passes over the training set")
    assert float(second) == pytest.approx(10 * float(first))
