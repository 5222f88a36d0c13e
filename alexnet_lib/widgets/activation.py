"""`ActivationExplorer`: activation functions, and what they leave of a gradient (§3.1)."""

import math

import numpy as np
import torch
from matplotlib.figure import Figure
from torch import Tensor

from ..paper import NEURONS
from ..relu import ACTIVATIONS
from .base import PageWidget
from .params import Choice, Slider
from .posters import BLUE, GRAY, MARK, ORANGE
from .wording import number

UNITS = {"relu": "ReLU", "tanh": "tanh", "sigmoid": "sigmoid", "leaky-relu": "leaky ReLU"}
LAYERS = len(NEURONS) - 1  # of the paper's network; NEURONS counts the input too
FAR = 6  # inputs shown on both sides of 0
REACH = 8.5  # standard deviations: less than 1e-16 of the inputs are beyond
FLAT = 0.1  # below this fraction of its steepest slope a function counts as saturated
TENTH = math.acosh(math.sqrt(1 / FLAT))  # where tanh's slope, 1 / cosh(z)^2, has fallen to that fraction
EDGES = {"tanh": TENTH, "sigmoid": 2 * TENTH}  # the sigmoid is tanh of half the input, moved and scaled


class ActivationExplorer(PageWidget):
    """Move an input along an activation function, and a gradient through layers of it (§3.1).

    `unit`: "relu", "tanh", "sigmoid" or "leaky-relu". `x`: the input whose slope is shown.
    `spread`: standard deviation of all inputs; `layers`: how many layers follow each other.

    What `layers` layers leave of a gradient is (mean of slope(z)^2 over z ~ N(0, spread^2))^(layers / 2):
    how much its root mean square shrinks in the backward pass when inputs and weights are independent and the
    weights alone would keep it.
    """

    page_name = "activation"
    poster_size = (6.4, 3.0)

    unit = Choice("relu", UNITS, "Activation function")
    x = Slider(1.0, -FAR, FAR, "Input x", "beyond it the curves go on as they are", step=0.1)
    spread = Slider(1.0, 0.01, 100, "Standard deviation σ", "it is that of the inputs", step=20, log=True)
    layers = Slider(LAYERS, 1, 20, "Layers L", "it counts layers (§3.5: 8)", unit="layers")

    def value(self, z: Tensor) -> Tensor:
        """The function's outputs for inputs z."""
        return ACTIVATIONS[self.unit]()(z)

    def slope(self, z: Tensor) -> Tensor:
        """The function's slopes at z, by autograd."""
        z = z.clone().requires_grad_()
        return torch.autograd.grad(self.value(z).sum(), z)[0]

    def mean_square_slope(self, spread: float) -> float:
        """Mean of slope(z)^2 over z ~ N(0, spread^2), by the midpoint rule."""
        # Smooth and vanishing at both ends: the rule's error falls exponentially with the step's inverse.
        h = min(spread, 1) / 4
        z = (torch.arange(math.ceil(REACH * spread / h), dtype=torch.float64) + 0.5) * h
        density = torch.exp(-0.5 * (z / spread) ** 2) / (spread * math.sqrt(2 * math.pi))
        # Both signs at once: a jump of the slope at 0 then falls between two points.
        return float((density * (self.slope(z) ** 2 + self.slope(-z) ** 2)).sum() * h)

    def left(self) -> float:
        """What the layers leave of a gradient."""
        return self.mean_square_slope(self.spread) ** (self.layers / 2)

    def saturated(self) -> float:
        """The fraction of inputs at which the slope is below a tenth of the steepest."""
        if self.unit not in EDGES:
            return 0.5  # all inputs below 0
        edge = torch.tensor(EDGES[self.unit] / self.spread, dtype=torch.float64)
        return float(torch.special.erfc(edge / math.sqrt(2)))

    def here(self) -> tuple[float, float]:
        """Value and slope at x."""
        x = torch.tensor(self.x, dtype=torch.float64)
        return float(self.value(x)), float(self.slope(x))

    def reference(self) -> list[float]:
        """Value and slope at x, mean square of the slope, what is left, and the saturated fraction."""
        return [*self.here(), self.mean_square_slope(self.spread), self.left(), self.saturated()]

    def summary(self) -> str:
        value, slope = self.here()
        layers = "1 layer leaves" if self.layers == 1 else f"{self.layers} layers leave"
        return (
            f"At x = {number(self.x)}, {UNITS[self.unit]} gives {number(value)} with slope {number(slope)}; "
            f"of inputs with standard deviation {number(self.spread)}, "
            f"{percent(self.saturated())} fall where it is saturated, and {layers} "
            f"{percent(self.left())} of a gradient."
        )

    def draw_poster(self, figure: Figure) -> str:
        curve, decay = figure.subplots(1, 2)
        z = torch.linspace(-FAR, FAR, 481, dtype=torch.float64)
        value, slope = self.here()
        curve.plot(z, self.value(z), color=BLUE, linewidth=2, label="function")
        curve.plot(z, self.slope(z), "--", color=ORANGE, label="slope")
        curve.plot(z, value + slope * (z - self.x), ":", color=MARK, linewidth=1)
        curve.plot(self.x, value, "o", color=MARK)
        curve.set(title=UNITS[self.unit], xlabel="input z")
        curve.set_ylim(-1.3, 1.3 if self.unit in EDGES else FAR + 0.3)
        curve.legend(frameon=False, loc="upper left")

        spreads = np.geomspace(0.01, 100, 81)
        for unit, words in sorted(UNITS.items(), key=lambda item: item[0] == self.unit):  # ours on top
            left = self._with(unit, spreads)
            color, width = (BLUE, 2.5) if unit == self.unit else (GRAY, 1.5)
            decay.loglog(spreads, left, color=color, linewidth=width)
            if unit != "leaky-relu":  # its line is under ReLU's
                decay.text(0.012, left[0] * 0.5, words)
        decay.plot(self.spread, self.left(), "o", color=MARK)
        decay.set(title=f"left after {self.layers} layers", xlabel="standard deviation σ of the inputs")
        decay.set_ylim(10 ** -(1 + 0.6 * self.layers), 2)
        return (
            f"Left: {UNITS[self.unit]} and its slope over inputs from -{FAR} to {FAR}. Right: what "
            f"{self.layers} layers of each function leave of a gradient, against the standard "
            f"deviation of the inputs."
        )

    def _with(self, unit: str, spreads: np.ndarray) -> list[float]:
        """What is left for another function, at each standard deviation."""
        other = ActivationExplorer(unit=unit)
        return [other.mean_square_slope(spread) ** (self.layers / 2) for spread in spreads]


def percent(fraction: float) -> str:
    """A fraction in percent, as a sentence says it."""
    # The last digits differ between languages, and ReLU's 3.125 % would go up in one and down in the other.
    return "less than 0.001 %" if fraction < 1e-5 else f"{number(float(f'{100 * fraction:.10g}'))} %"
