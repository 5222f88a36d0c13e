"""The net with a layer taken out (§7): what goes with it besides depth."""

from dataclasses import replace

from ..architecture import SPECS
from ..spec import AlexNetSpec, trace
from .table import Table

REMOVED = ((), (3,), (4,), (3, 4))  # convolutional layers; the paper does not say which it tried


def without_layers(spec: AlexNetSpec, *numbers: int) -> AlexNetSpec:
    """A spec without the convolutional layers of these numbers, counted from 1; the rest stays as it is (§7).

    What followed the layer goes with it, and a layer that read its own tower reads its own tower still.
    Raises ValueError for a number that the net does not have.
    """
    known = range(1, len(spec.convs) + 1)
    for number in numbers:
        if number not in known:
            raise ValueError(
                f"number is {number!r}, and {spec.name!r} has the convolutional layers 1 to {known[-1]}"
            )
    convs = tuple(conv for number, conv in enumerate(spec.convs, 1) if number not in numbers)
    return replace(spec, name=net_name(numbers), convs=convs)


def net_name(numbers: tuple[int, ...]) -> str:
    """What a net without some layers is called: "without conv3 and conv4"."""
    return f"without {' and '.join(f'conv{number}' for number in numbers)}" if numbers else "all five"


def nets_without_layers() -> Table:
    """The paper's net without conv3, conv4 and both: what goes besides a layer (§7), by arithmetic."""
    whole = _parameters(SPECS["paper"])
    rows = []
    for numbers in REMOVED:
        spec = without_layers(SPECS["paper"], *numbers)
        lost = whole - _parameters(spec)
        layers = list(trace(spec))
        seen = max(layer.receptive_field for layer in layers if layer.side)
        mixing = [f"conv{n}" for n in _reading_both() if n not in numbers]
        rows.append(
            (
                spec.name,
                f"{whole - lost:,}",
                f"{100 * lost / whole:.2f} %",
                f"{sum(layer.multiply_accumulates for layer in layers) / 1e6:,.0f}",
                str(seen),
                ", ".join(mixing) or "none",
            )
        )
    columns = (
        "net",
        "parameters",
        "fewer by",
        "million operations",
        "pool5 sees",
        "mixes the towers before fc6",
    )
    return Table("The paper's net without layers", columns, tuple(rows))


def _reading_both() -> list[int]:
    """The numbers of the layers above conv1 that read both towers."""
    return [n for n, conv in enumerate(SPECS["paper"].convs, 1) if n > 1 and not conv.own_tower]


def _parameters(spec: AlexNetSpec) -> int:
    return sum(layer.parameters for layer in trace(spec))
