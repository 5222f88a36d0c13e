"""The net with a layer taken out (§7): what goes with it besides depth."""

from ..architecture import SPECS
from ..spec import AlexNetSpec, trace
from ..variants import without_layers
from .table import Table

REMOVED = ((), (3,), (4,), (3, 4))  # convolutional layers; the paper does not say which it tried


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
        "million multiply-accumulates",
        "pool5 sees",
        "mixes the towers before fc6",
    )
    return Table("The paper's net without layers", columns, tuple(rows))


def _reading_both() -> list[int]:
    """The numbers of the layers above conv1 that read both towers."""
    return [n for n, conv in enumerate(SPECS["paper"].convs, 1) if n > 1 and not conv.grouped]


def _parameters(spec: AlexNetSpec) -> int:
    return sum(layer.parameters for layer in trace(spec))
