"""The table and the figures of §7: nets without layers, worked by hand, and what the pictures say."""

import pytest

from alexnet_lib import figures
from alexnet_lib.tables import nets_without_layers


def test_the_nets_without_layers_have_the_counts_worked_by_hand():
    conv3, conv4, conv5 = 384 * 256 * 9 + 384, 384 * 192 * 9 + 384, 256 * 192 * 9 + 256
    conv4_on_128, conv5_on_128 = 384 * 128 * 9 + 384, 256 * 128 * 9 + 256
    whole = 60_965_224
    expected = {
        "all five": whole,
        "without conv3": whole - conv3 - conv4 + conv4_on_128,
        "without conv4": whole - conv4,
        "without conv3 and conv4": whole - conv3 - conv4 - conv5 + conv5_on_128,
    }
    rows = {row[0]: row[1:] for row in nets_without_layers().rows}
    assert {name: row[0] for name, row in rows.items()} == {n: f"{count:,}" for n, count in expected.items()}
    # Each 3x3 layer adds two pixels of a map whose neighbors are 16 image pixels apart.
    assert [row[3] for row in rows.values()] == ["195", "163", "163", "131"]
    assert [row[4] for row in rows.values()] == ["conv3", "none", "conv3", "none"]


def test_the_wiring_says_which_layers_read_both_towers():
    picture = figures.wiring_without([(), (3,), (4,)])
    assert "all five: conv3 and fc6; without conv3: fc6 alone; without conv4: conv3 and fc6" in picture.alt
    assert len(picture.png) < 80_000


@pytest.mark.parametrize(("second", "word"), [([0.5, 0.62], "farther"), ([0.9, 0.95], "no farther")])
def test_the_dots_say_whether_seeds_or_nets_lie_farther_apart(second, word):
    alt = figures.errors_by_seed({"one": [0.5, 0.6], "two": second}).alt
    assert f"lie {word} apart than the means" in alt
    assert "2 nets, a dot for each of 2 seeds" in alt
