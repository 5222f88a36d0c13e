"""`ColorNoiseExplorer`: the page's shifts against the library's noise and against a formula by hand."""

import itertools

import numpy as np
import pytest
import torch

from alexnet_lib.augmentation import PCAColorNoise
from alexnet_lib.dataset import load
from alexnet_lib.widgets import ColorNoiseExplorer
from alexnet_lib.widgets.posters import photograph

from .pages import ask

SETTINGS = list(itertools.product(["eigenvalue", "deviation"], ["0-1", "0-255"], ["ten-photos", "photo"]))
UNITS = {"0-1": 255, "0-255": 1}
EASY = {
    "mean": [10, 20, 30],
    "values": [0.25, 0.04, 0.01],
    "vectors": [[1, 0, 0], [0, 0.6, 0.8], [0, -0.8, 0.6]],
}


def images(fit):
    if fit == "photo":
        return torch.from_numpy(photograph().copy()).permute(2, 0, 1)[None]
    return load("ten-photos", "train").images


@pytest.mark.parametrize(("magnitude", "pixels", "fit"), SETTINGS)
def test_the_six_draws_are_those_of_the_librarys_noise_with_that_seed(magnitude, pixels, fit):
    explorer = ColorNoiseExplorer(magnitude=magnitude, pixels=pixels, fit=fit, sigma=0.3, seed=7)
    noise = PCAColorNoise(0.3, torch.Generator().manual_seed(7), magnitude=magnitude, unit=UNITS[pixels]).fit(
        images(fit)
    )
    expected = noise.color_shifts(6).double()
    # The draws travel with four decimals.
    atol = 1e-4 * expected.abs().max().item()
    ours = torch.tensor(explorer.reference()[4:], dtype=torch.float64).reshape(6, 3)
    torch.testing.assert_close(ours, expected, rtol=0, atol=atol)


@pytest.mark.browser
@pytest.mark.parametrize(("magnitude", "pixels", "fit"), SETTINGS)
def test_the_page_shifts_as_the_librarys_noise_with_the_same_factors(
    arena, monkeypatch, magnitude, pixels, fit
):
    explorer = ColorNoiseExplorer()
    rng = np.random.default_rng(0)
    for sigma in (0, 0.1, 1):
        a = rng.uniform(-3, 3, (4, 3)).round(1)
        noise = PCAColorNoise(sigma, magnitude=magnitude, unit=UNITS[pixels]).fit(images(fit))
        monkeypatch.setattr(torch, "randn", lambda *shape, a=a, **options: torch.from_numpy(a))
        expected = noise.color_shifts(len(a)).double().numpy()
        monkeypatch.undo()
        settings = {"sigma": sigma, "magnitude": magnitude, "pixels": pixels}
        ours = [
            ask(arena, "color_noise.shift", factors, explorer.fits[fit], settings) for factors in a.tolist()
        ]
        np.testing.assert_allclose(ours, expected, rtol=1e-6, atol=1e-6 * np.abs(expected).max())


@pytest.mark.browser
@pytest.mark.parametrize(
    ("magnitude", "pixels", "shift"),
    [
        ("eigenvalue", "0-1", [12.75, -2.244, -2.142]),  # 12.75, -3.06 and 0.51 along the components
        ("eigenvalue", "0-255", [3251.25, -572.22, -546.21]),  # 255 times as much
        ("deviation", "0-1", [25.5, -13.26, -9.18]),
        ("deviation", "0-255", [25.5, -13.26, -9.18]),  # a deviation fits every unit
    ],
)
def test_a_shift_worked_by_hand(arena, magnitude, pixels, shift):
    settings = {"sigma": 0.1, "magnitude": magnitude, "pixels": pixels}
    assert ask(arena, "color_noise.shift", [2, -3, 2], EASY, settings) == pytest.approx(shift)


@pytest.mark.browser
def test_the_division_shrinks_what_is_left_without_the_mean(arena):
    noise = PCAColorNoise(0, divide_by=1.1).fit(images("photo"))
    pixels = torch.tensor([0.0, 100.0, 255.0])
    mean = 120.0
    expected = noise((pixels - mean).reshape(1, 1, 1, 3).expand(1, 3, 1, 3)).flatten()[:3] + mean
    ours = [ask(arena, "color_noise.noisy", value, 0, mean, True) for value in pixels.tolist()]
    assert ours == pytest.approx(expected.tolist(), rel=1e-6)
    assert ask(arena, "color_noise.noisy", 100, 7, mean, False) == 107


@pytest.mark.browser
def test_a_screen_cuts_what_leaves_0_to_255_and_the_page_counts_it(arena):
    found = arena.evaluate(
        """async () => {
          const {apply} = await PAGE_WIDGETS.load('color_noise');
          const pixel = Uint8ClampedArray.of(250, 100, 3, 255);
          const {rgba, outside} = apply(pixel, [10, 10, -4], [0, 0, 0], false);
          return [[...rgba], outside];
        }"""
    )
    assert found == [[255, 110, 0, 255], pytest.approx(2 / 3)]


def test_the_typical_shift_is_the_root_mean_square_of_many_draws():
    explorer = ColorNoiseExplorer(magnitude="deviation")
    noise = PCAColorNoise(0.1, torch.Generator().manual_seed(0), magnitude="deviation").fit(
        images("ten-photos")
    )
    assert noise.color_shifts(100_000).square().sum(1).mean().sqrt() == pytest.approx(
        explorer.typical(), rel=0.01
    )


def test_the_components_that_travel_are_orthonormal_and_their_values_fall():
    for fit in ColorNoiseExplorer().fits.values():
        vectors = np.array(fit["vectors"])
        np.testing.assert_allclose(vectors @ vectors.T, np.eye(3), atol=1e-9)
        assert fit["values"] == sorted(fit["values"], reverse=True)


def test_no_factor_no_shift():
    assert (
        "gets 0 gray levels of red, 0 of green and 0 of blue"
        in ColorNoiseExplorer(a1=0, a2=0, a3=0).summary()
    )


def test_the_summary_tells_of_the_division_only_when_it_is_done():
    assert "divided by 1.1" in ColorNoiseExplorer(divide=True).summary()
    assert "divided by 1.1" not in ColorNoiseExplorer().summary()


def test_a_factor_beyond_three_sigmas_is_refused():
    with pytest.raises(ValueError, match=r"a2 is 3\.5, and must be from -3 to 3: .*§4\.1"):
        ColorNoiseExplorer(a2=3.5)
