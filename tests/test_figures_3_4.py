"""The figures of §3.4: light enough for the page, and their words hold what they draw."""

import io

import numpy as np
import pytest
import torch
from PIL import Image

from alexnet_lib import figures

PHOTOGRAPH = torch.full((3, 20, 20), 200, dtype=torch.uint8)
PLANE = torch.arange(25.0).reshape(5, 5)


def shown(picture):
    """All colors of a picture, as rows of red, green and blue."""
    return np.asarray(Image.open(io.BytesIO(picture.png)).convert("RGB")).reshape(-1, 3)


def test_13_pixels_hold_six_windows_or_seven_and_leave_one_unread_without_ceil():
    alt = figures.pooling_windows().alt
    assert "z = 3, s = 2: 6 windows, 5 pixels in two windows, 0 in none" in alt
    assert "z = 2, s = 2, floor: 6 windows, 0 pixels in two windows, 1 in none" in alt
    assert "z = 2, s = 2, ceil: 7 windows, 0 pixels in two windows, 0 in none" in alt


def test_an_even_side_is_read_to_the_end_without_overlap():
    # 12 pixels: z = 2 fits exactly, z = 3 leaves the last one out.
    alt = figures.pooling_windows(12).alt
    assert "z = 3, s = 2: 5 windows, 4 pixels in two windows, 1 in none" in alt
    assert "floor: 6 windows, 0 pixels in two windows, 0 in none" in alt


def test_the_maps_are_told_with_their_sizes():
    pooled = {"z = 3": PLANE[:2, :2], "z = 2": PLANE[:3, :2]}
    alt = figures.pooled_maps(PHOTOGRAPH, PLANE, pooled, "map 7").alt
    assert "map 7, 5 x 5; z = 3: 2 x 2; z = 2: 3 x 2" in alt


def test_the_pooled_maps_are_drawn_on_the_scale_of_the_map():
    # The brightest color of viridis stands for the map's peak; a pooled map far below it stays dark.
    low = {"a": torch.zeros(2, 2), "b": torch.ones(2, 2)}
    plane = torch.zeros(5, 5)
    plane[0, 0] = 1.0
    bright = [
        (np.abs(shown(figures.pooled_maps(PHOTOGRAPH, plane * peak, low, "m")).astype(int) - (253, 231, 37)))
        .max(1)
        .__lt__(12)
        .sum()
        for peak in (1, 100)
    ]
    assert bright[0] > 5 * bright[1] > 0


def test_the_changes_are_told_from_the_smallest_to_the_largest():
    alt = figures.shift_changes([1, 8], {"none": [0.3, 0.9], "two": [0.2, 0.5], "three": [0.1, 0.4]}).alt
    assert "At 8 pixels it is smallest with three, then two, then none" in alt


@pytest.mark.parametrize("name", ["windows", "maps", "shifts"])
def test_every_figure_of_section_3_4_is_light(name):
    noise = torch.rand(55, 55, generator=torch.Generator().manual_seed(0))
    draw = {
        "windows": figures.pooling_windows,
        "maps": lambda: figures.pooled_maps(
            PHOTOGRAPH, noise, {"a": noise[:27, :27], "b": noise[27:, 27:]}, "map 0"
        ),
        "shifts": lambda: figures.shift_changes([1, 2], {"a": [0.1, 0.2]}),
    }
    assert 500 < len(draw[name]().png) < 80_000
