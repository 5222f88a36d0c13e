"""The figures of §2: light enough for the page, and their words hold what they draw."""

import io

import numpy as np
import pytest
import torch
from PIL import Image

from alexnet_lib import figures

LIGHT = 80_000  # bytes of a stored picture
STEPS = {"raw": {0.1: 90, 1.0: 120}, "centered": {0.1: 300, 1.0: 30}}


@pytest.fixture(scope="module")
def square():
    return torch.randint(0, 256, (3, 32, 32), generator=torch.Generator().manual_seed(0)).to(torch.uint8)


def test_a_photograph_less_itself_is_a_middle_gray(square):
    picture = figures.subtracting("noise", square, square.float())
    pixels = np.asarray(Image.open(io.BytesIO(picture.png)).convert("RGB")).reshape(-1, 3)
    assert (np.abs(pixels.astype(int) - 128).max(axis=1) <= 2).mean() > 0.15  # one of three panels
    assert "from about 0 to about 0" in picture.alt


def test_the_range_of_the_difference_is_told(square):
    alt = figures.subtracting("noise", square, torch.full((3, 32, 32), 100.0)).alt
    assert "The photograph noise" in alt
    assert "from about -100 to about 160" in alt


def test_the_best_rate_of_each_input_is_told_in_classes():
    picture = figures.steps_by_rate(STEPS, most=300)
    assert "raw: over 60 steps at best; centered: under 60 steps at best" in picture.alt
    assert len(picture.png) < LIGHT
