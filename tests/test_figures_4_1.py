"""The figures of §4.1: light enough for the page, and their words hold what they draw."""

import io

import numpy as np
import pytest
import torch
from PIL import Image

from alexnet_lib import figures
from alexnet_lib.augmentation import PCAColorNoise
from alexnet_lib.data.images import rescale_and_crop
from alexnet_lib.dataset import photographs


@pytest.fixture(scope="module")
def coffee():
    return photographs()["coffee"]


@pytest.fixture(scope="module")
def square(coffee):
    return rescale_and_crop(coffee)


@pytest.fixture(scope="module")
def noise(square):
    return PCAColorNoise(magnitude="deviation").fit(square[None])


def colors(picture):
    """Every color of a picture, as rows of red, green and blue."""
    return np.asarray(Image.open(io.BytesIO(picture.png)).convert("RGB")).reshape(-1, 3)


def test_the_kept_square_is_named_with_its_sizes(coffee, square):
    alt = figures.rescaling("coffee", coffee, square).alt
    assert "coffee, 400 rows and 600 columns" in alt
    assert "256 x 256" in alt


def test_the_sides_that_are_cut_off_are_faded():
    black = torch.zeros(3, 100, 300, dtype=torch.uint8)
    tones = colors(figures.rescaling("black", black, black[:, :, :100])).mean(1)
    # Faded are two thirds of the left picture; kept are its last third and the right picture, as wide.
    kept, faded = ((tones < 5).sum(), ((tones > 160) & (tones < 200)).sum())
    assert faded == pytest.approx(kept, rel=0.1)


def test_the_frames_of_two_crops_are_told_with_their_places(square):
    alt = figures.crop_frames(square, ((0, 3, False), (32, 30, True))).alt
    assert "row 0, column 3, not reflected; row 32, column 30, reflected" in alt


def test_a_reflected_crop_is_drawn_reflected():
    image = torch.zeros(3, 8, 8, dtype=torch.uint8)
    image[0, :, :4] = 255  # its left half is red

    def rightmost_red(reflected):
        picture = figures.crop_frames(image, ((0, 0, False), (0, 0, reflected)), size=8)
        pixels = np.asarray(Image.open(io.BytesIO(picture.png)).convert("RGB"))
        return (pixels == (255, 0, 0)).all(-1).any(0).nonzero()[0].max()

    assert rightmost_red(True) > rightmost_red(False) + 50


def test_the_grid_of_places_holds_1024_dots_and_65_more():
    alt = figures.crop_positions().alt
    assert "32 x 32 = 1,024 dots, and 65 more" in alt
    assert 32**2 + 65 == 33**2


def test_the_components_share_the_whole_variance(square, noise):
    alt = figures.color_components(square[None], noise).alt
    shares = [int(part.split(" %")[0].split()[-1]) for part in alt.split("variance: ")[1].split("; ")]
    assert sum(shares) == pytest.approx(100, abs=1)
    assert shares == sorted(shares, reverse=True)


def test_a_shift_of_200_gray_levels_turns_black_to_red_and_is_told(noise):
    black = torch.zeros(3, 20, 20, dtype=torch.uint8)
    picture = figures.color_shifts(black, {"red": torch.tensor([100.0, 0.0, 0.0])})
    assert "red: up to 200 gray levels" in picture.alt
    found = {tuple(color) for color in colors(picture)}
    assert {(0, 0, 0), (100, 0, 0), (200, 0, 0)} <= found


def test_the_ten_patches_are_told_by_place(square):
    alt = figures.ten_patches(square).alt
    assert "top left, top right, bottom left, bottom right, center, and below them" in alt


@pytest.mark.parametrize(("with_crops", "word"), [(0.3, "lower"), (0.1, "higher")])
def test_the_bars_of_errors_say_which_is_lower_without_naming_a_number(with_crops, word):
    alt = figures.view_errors({"own crops": (0.2, with_crops)}).alt
    assert f"own crops: {word} without" in alt
    assert not any(letter.isdigit() for letter in alt)


@pytest.mark.parametrize("name", ["rescaling", "frames", "places", "components", "shifts", "patches", "bars"])
def test_every_figure_of_section_4_1_is_light(name, coffee, square, noise):
    shift = noise.unit * 0.5 * noise.eigenvalues.sqrt() * noise.eigenvectors
    draw = {
        "rescaling": lambda: figures.rescaling("coffee", coffee, square),
        "frames": lambda: figures.crop_frames(square, ((0, 0, False), (32, 32, True))),
        "places": figures.crop_positions,
        "components": lambda: figures.color_components(square[None], noise),
        "shifts": lambda: figures.color_shifts(square, {f"p{i + 1}": shift[:, i] for i in range(3)}),
        "patches": lambda: figures.ten_patches(square),
        "bars": lambda: figures.view_errors({"own crops": (0.01, 0.06)}),
    }
    assert 500 < len(draw[name]().png) < 80_000
