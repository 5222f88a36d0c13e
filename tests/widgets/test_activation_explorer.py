"""`ActivationExplorer`: the page's functions and quadrature against torch's, scipy's and values by hand."""

import itertools
import math
import random

import pytest
import torch
from scipy.integrate import quad

from alexnet_lib.relu import ACTIVATIONS
from alexnet_lib.widgets import ActivationExplorer

from .pages import ask

UNITS = ["relu", "tanh", "sigmoid", "leaky-relu"]
SPREADS = [0.01, 0.1, 0.37, 1.0, 2.5, 12.0, 100.0]
EDGE = math.atanh(math.sqrt(0.9))  # tanh's slope is 1 - tanh^2

every_unit = pytest.mark.parametrize("unit", UNITS)


@pytest.mark.browser
@every_unit
def test_the_page_has_torchs_values_and_slopes(arena, unit):
    points = [*random.Random(unit).choices(range(-600, 601), k=60), -600, 0, 600]
    z = torch.tensor(points, dtype=torch.float64).div(100).requires_grad_()
    value = ACTIVATIONS[unit]()(z)
    (slope,) = torch.autograd.grad(value.sum(), z)
    ours = arena.evaluate(
        """async ([unit, points]) => {
          const {value, slope} = (await PAGE_WIDGETS.load('activation')).UNITS[unit];
          return [points.map(value), points.map(slope)];
        }""",
        [unit, z.tolist()],
    )
    for mine, torchs in zip(ours, (value, slope), strict=True):
        assert mine == pytest.approx(torchs.tolist(), rel=1e-9, abs=1e-14)


def scipys_mean_square(unit, spread):
    """The same mean by adaptive quadrature, the density and the slopes written out by hand."""
    slopes = {
        "relu": lambda z: float(z > 0),
        "leaky-relu": lambda z: 1.0 if z > 0 else 0.01,
        "tanh": lambda z: 1 / math.cosh(z) ** 2,
        "sigmoid": lambda z: 1 / (2 + 2 * math.cosh(z)),
    }

    def integrand(z):
        return slopes[unit](z) ** 2 * math.exp(-((z / spread) ** 2) / 2) / (spread * math.sqrt(2 * math.pi))

    # In pieces around 0, so that no narrow hill is overlooked.
    steps = [-300, -30, -3, -1, -0.1, -0.01, 0, 0.01, 0.1, 1, 3, 30, 300]
    pieces = itertools.pairwise(steps)
    tails = 0.5 * math.erfc(300 / (spread * math.sqrt(2)))  # beyond, where only the upper slope may be 1
    upper, lower = {"relu": (1, 0), "leaky-relu": (1, 1e-4)}.get(unit, (0, 0))
    middle = sum(quad(integrand, low, high, epsabs=0, epsrel=1e-12)[0] for low, high in pieces)
    return middle + tails * (upper + lower)


@pytest.mark.browser
@every_unit
def test_the_page_and_python_integrate_as_scipy_does(arena, unit):
    expected = [scipys_mean_square(unit, spread) for spread in SPREADS]
    page = [ask(arena, "activation.meanSquareSlope", unit, spread) for spread in SPREADS]
    assert page == pytest.approx(expected, rel=1e-9)
    python = [ActivationExplorer(unit=unit).mean_square_slope(spread) for spread in SPREADS]
    assert python == pytest.approx(expected, rel=1e-9)


@pytest.mark.browser
@pytest.mark.parametrize(("unit", "edge"), [("tanh", EDGE), ("sigmoid", 2 * EDGE)])
def test_saturation_begins_where_the_slope_is_a_tenth_of_the_steepest(arena, unit, edge):
    widget = ActivationExplorer(unit=unit)
    at_edge, steepest = widget.slope(torch.tensor([edge, 0], dtype=torch.float64)).tolist()
    assert at_edge / steepest == pytest.approx(0.1, rel=1e-9)
    page = [ask(arena, "activation.saturated", unit, spread) for spread in SPREADS]
    expected = [math.erfc(edge / (spread * math.sqrt(2))) for spread in SPREADS]
    assert page == pytest.approx(expected, rel=1e-6, abs=1e-12)
    python = [ActivationExplorer(unit=unit, spread=spread).saturated() for spread in SPREADS]
    assert python == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("spread", SPREADS)
def test_eight_layers_of_relu_leave_a_sixteenth_at_any_spread(spread):
    # Half of the slopes are 1 and half are 0: (1/2) ** (8/2).
    assert ActivationExplorer(spread=spread).left() == pytest.approx(1 / 16, rel=1e-12)


def test_tanh_keeps_a_gradient_of_small_inputs_and_loses_that_of_large_ones():
    small, large = (ActivationExplorer(unit="tanh", spread=s).left() for s in (0.01, 10))
    assert small == pytest.approx(1, abs=1e-3)
    # For wide inputs the mean of slope^2 is the area under 1 / cosh^4, 4/3, times the density at 0.
    assert large == pytest.approx((4 / 3 / (10 * math.sqrt(2 * math.pi))) ** 4, rel=0.05)


def test_a_random_net_shrinks_a_gradient_as_the_formula_says():
    """Weights that keep a gradient's length: N(0, 1/n), apart from the inputs of the units."""
    torch.manual_seed(0)
    n, layers, spread = 1000, 4, 2.0
    gradient = torch.randn(n, dtype=torch.float64)
    start = gradient.square().mean().sqrt()
    widget = ActivationExplorer(unit="tanh", spread=spread, layers=layers)
    for _ in range(layers):
        weights = torch.randn(n, n, dtype=torch.float64) / math.sqrt(n)
        gradient = weights @ (widget.slope(spread * torch.randn(n, dtype=torch.float64)) * gradient)
    assert float(gradient.square().mean().sqrt() / start) == pytest.approx(widget.left(), rel=0.25)


def test_the_summary_names_value_slope_and_what_is_left():
    assert ActivationExplorer(x=-1.0, layers=1).summary() == (
        "At x = -1.00, ReLU gives 0 with slope 0; of inputs with standard deviation 1.00, 50.0 % fall "
        "where it is saturated, and 1 layer leaves 70.7 % of a gradient."
    )
    # 3.125 % is a tie, and both languages round it up whatever the last digits of a half to the fifth are.
    assert "leave 3.13 % of a gradient" in ActivationExplorer(layers=10, spread=85.2).summary()
    tiny = ActivationExplorer(unit="sigmoid", spread=0.01, layers=20).summary()
    assert "0.0100, less than 0.001 % fall where it is saturated" in tiny
    assert "20 layers leave less than 0.001 % of a gradient" in tiny
