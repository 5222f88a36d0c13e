"""`ColorNoiseExplorer`: PCA color augmentation, on a photograph (§4.1)."""

from functools import lru_cache

import numpy as np
import torch
import traitlets
from matplotlib.figure import Figure
from torch import Generator, Tensor

from ..augmentation import PCAColorNoise
from ..dataset import load
from ..paper import IMAGES
from .base import PageWidget
from .packed import Asset
from .params import Choice, Draw, Slider, Toggle
from .posters import photograph, sketch
from .wording import number

UNITS = {"0-1": 255.0, "0-255": 1.0}  # gray levels that count as one
DRAWS, SEEDS = 6, 10
DIVIDE_BY = 1.1  # original code, while the noise is on
GRAY = 128.0


@lru_cache
def fitted(fit: str, units: str) -> PCAColorNoise:
    """The library's noise, fitted to the ten photographs' training patches or to the one photograph."""
    if fit == "photo":
        images = torch.from_numpy(photograph().copy()).permute(2, 0, 1)[None]  # (1, 3, 256, 256)
    else:
        images = load("ten-photos", "train").images
    return PCAColorNoise(unit=UNITS[units]).fit(images)


def drawn(seed: int) -> Tensor:
    """a / sigma of the first six images that a PCAColorNoise with this seed sees: (6, 3), float64."""
    return torch.randn(DRAWS, 3, generator=Generator().manual_seed(seed)).double()


class ColorNoiseExplorer(PageWidget):
    """Set the three random factors of the PCA color augmentation and see what they do to a photograph (§4.1).

    `a1`, `a2`, `a3`: the factors, in units of `sigma`. `seed`: of the six draws of torch's generator.
    `magnitude`: what a factor multiplies, the "eigenvalue" as printed or its root, the "deviation".
    `pixels`: "0-1" or "0-255", the unit of the covariance. `fit`: whose components, those of the
    "ten-photos" (training half) or of this "photo". `divide`: less the mean, by 1.1, as in the original code.
    """

    page_name = "color_noise"
    poster_size = (6.0, 2.2)

    a1 = Slider(
        2.0, -3, 3, "a1, in σ", "it is drawn from N(0, sigma), here counted in sigma (§4.1)", step=0.1
    )
    a2 = Slider(
        -1.0, -3, 3, "a2, in σ", "it is drawn from N(0, sigma), here counted in sigma (§4.1)", step=0.1
    )
    a3 = Slider(
        1.0, -3, 3, "a3, in σ", "it is drawn from N(0, sigma), here counted in sigma (§4.1)", step=0.1
    )
    sigma = Slider(IMAGES.noise_sigma, 0, 1, "σ", "it is the standard deviation of a (§4.1: 0.1)", step=0.01)
    seed = Draw(0, 0, SEEDS - 1, "Draw again", "seeds 0 to 9 travel with the page")
    magnitude = Choice(
        "eigenvalue",
        {
            "eigenvalue": "eigenvalues λ, as printed",
            "deviation": "standard deviations √λ, original code",
        },
        "Factors times",
    )
    pixels = Choice("0-1", {"0-1": "from 0 to 1, ours", "0-255": "from 0 to 255"}, "Pixels")
    fit = Choice("ten-photos", {"ten-photos": "ten photographs", "photo": "this photograph"}, "Components of")
    divide = Toggle(False, "divided by 1.1, original code")

    photo = Asset("photo")
    fits = traitlets.Dict(help="components on pixels from 0 to 1, mean in gray levels").tag(sync=True)
    draws = traitlets.List(help="a / sigma: seeds x 6 x 3").tag(sync=True)

    @traitlets.default("fits")
    def _fits(self) -> dict:
        return {fit: _plain(fitted(fit, "0-1")) for fit in ("ten-photos", "photo")}

    @traitlets.default("draws")
    def _draws(self) -> list:
        return [drawn(seed).numpy().round(4).tolist() for seed in range(SEEDS)]

    def shift(self, a: Tensor) -> Tensor:
        """Gray levels that the noise adds to red, green and blue for factors of `a` sigmas: (..., 3)."""
        noise = fitted(self.fit, self.pixels)
        return noise.unit * self.sigma * (a * self.scale()) @ noise.eigenvectors.T

    def own_shift(self) -> Tensor:
        """The shift of `a1`, `a2`, `a3`."""
        return self.shift(torch.tensor([self.a1, self.a2, self.a3], dtype=torch.float64))

    def drawn_shifts(self) -> Tensor:
        """The shifts of the six draws: (6, 3)."""
        return self.shift(torch.tensor(self.draws[self.seed], dtype=torch.float64))

    def scale(self) -> Tensor:
        """What the three factors multiply."""
        values = fitted(self.fit, self.pixels).eigenvalues
        return values if self.magnitude == "eigenvalue" else values.sqrt()

    def noisy(self, pixels: Tensor) -> Tensor:
        """Pixels (..., 3) after the noise, the mean put back where the division needs it off."""
        shifted = pixels + self.own_shift()
        mean = fitted(self.fit, self.pixels).mean
        return (shifted - mean) / DIVIDE_BY + mean if self.divide else shifted

    def typical(self) -> float:
        """Root mean square length of a shift over all draws, in gray levels."""
        return UNITS[self.pixels] * self.sigma * self.scale().norm().item()

    def reference(self) -> list[float]:
        """A gray pixel after the noise, the typical shift, and the shifts of the six draws."""
        gray = self.noisy(torch.full((3,), GRAY, dtype=torch.float64))
        return [*gray.tolist(), self.typical(), *self.drawn_shifts().flatten().tolist()]

    def summary(self) -> str:
        red, green, blue = map(number, self.own_shift().tolist())
        largest = self.drawn_shifts().norm(dim=1).max().item()
        divided = " Then the photograph less the mean color is divided by 1.1." if self.divide else ""
        return (
            f"Every pixel gets {red} gray levels of red, {green} of green and {blue} of blue; a typical draw "
            f"moves a color by {number(self.typical())} levels, the largest of the six draws of seed "
            f"{self.seed} by {number(largest)}.{divided}"
        )

    def draw_poster(self, figure: Figure) -> str:
        before, after, lines = figure.subplots(1, 3)
        pixels = torch.from_numpy(sketch().copy()).double()
        before.imshow(pixels.byte().numpy(), interpolation="nearest")
        after.imshow(self.noisy(pixels).round().clamp(0, 255).byte().numpy(), interpolation="nearest")
        noise = fitted(self.fit, "0-1")
        reach = torch.linspace(-2, 2, 9).double()[None, :, None]  # standard deviations, (1, 9, 1)
        steps = (noise.eigenvalues.sqrt() * noise.eigenvectors).T[:, None]  # (3, 1, 3) a row each
        lines.imshow(
            (noise.mean / 255 + reach * steps).clamp(0, 1).numpy(), aspect="auto", interpolation="nearest"
        )
        titles = ("before", "after", "components 1, 2, 3")
        for axes, title in zip((before, after, lines), titles, strict=True):
            axes.set(title=title, xticks=[], yticks=[])
        return (
            "A photograph before and after PCA color augmentation, and the lines of color along the three "
            "principal components of RGB, two standard deviations to each side of the mean color."
        )


def _plain(noise: PCAColorNoise) -> dict:
    """Components as lists, a row each, rounded so that every machine writes the same page."""
    arrays = {"mean": noise.mean, "values": noise.eigenvalues, "vectors": noise.eigenvectors.T}
    return {name: np.vectorize(_round)(array.numpy()).tolist() for name, array in arrays.items()}


def _round(value: float) -> float:
    return float(f"{value:.12g}")
