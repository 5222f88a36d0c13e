"""The nets that §3.2 and the 2012 logs compare: what two towers and their communication are worth."""

from dataclasses import replace

from ..architecture import SPECS
from ..spec import AlexNetSpec, crossings, trace
from .results import TEST_2010, Logged
from .source import RUNS
from .table import Table

# Run 150's towers are two nets that only fc8 reads together (layers-150.cfg). Each is wider than a tower of
# the paper, conv2 by 32 kernels and fc6 by 2048 units, so that the parameters stay as many.
_KERNELS = (48, 160, 192, 192, 128)
SEPARATE_TOWER = replace(
    SPECS["one-gpu"],
    name="run 150, one tower",
    convs=tuple(
        replace(conv, out_channels=maps) for conv, maps in zip(SPECS["one-gpu"].convs, _KERNELS, strict=True)
    ),
    hidden=(4096, 2048),
)


_NAMES = ("one-gpu", "paper", "full-width")
LOGGED = {
    "2010 test": {"one-gpu": Logged("145-half", 0.391680, 0.182287), "paper": TEST_2010},
    "2012 validation": {"run 150": RUNS["150"], "paper": RUNS["145"]},
}


def nets_of_section_3_2() -> Table:
    """The nets of §3.2's comparison, the 2012 run without communication, and the net without towers."""
    found = {name: (SPECS[name], *_costs(SPECS[name]), crossings(SPECS[name])) for name in _NAMES}
    rows = [
        (name, _kernels(spec), f"{parameters:,}", f"{work / 1e6:,.0f}", f"{sum(across.values()):,}")
        for name, (spec, parameters, work, across) in found.items()
    ]
    parameters, work = _costs(SEPARATE_TOWER)
    parameters = 2 * parameters - SEPARATE_TOWER.classes  # fc8 has its biases once
    across = 2 * SEPARATE_TOWER.hidden[-1]  # fc8 alone reads both
    kernels = _kernels(SEPARATE_TOWER, towers=2)
    rows.append(("run 150", kernels, f"{parameters:,}", f"{2 * work / 1e6:,.0f}", f"{across:,}"))
    columns = (
        "net",
        "kernels of conv1 to conv5",
        "parameters",
        "million multiply-accumulates",
        "numbers that cross",
    )
    return Table("What towers and their wiring take, for one image", columns, tuple(rows))


def towers_in_the_logs() -> Table:
    """Logged errors of the nets that the two claims of §3.2 compare (layers/layer-params-N.cfg)."""
    rows = []
    for images, runs in LOGGED.items():
        for net, run in runs.items():
            above = "" if net == "paper" else run.points(runs["paper"])
            rows.append((images, net, f"{100 * run.top1:.2f} / {100 * run.top5:.2f}", above))
    columns = ("images, ten views", "net", "top-1 / top-5 error, %", "points above the paper's net")
    return Table("Logged in 2012", columns, tuple(rows))


def _costs(spec: AlexNetSpec) -> tuple[int, int]:
    """Parameters and multiply-accumulates."""
    layers = list(trace(spec))
    return sum(layer.parameters for layer in layers), sum(layer.multiply_accumulates for layer in layers)


def _kernels(spec: AlexNetSpec, towers: int = 1) -> str:
    return ", ".join(str(towers * conv.out_channels) for conv in spec.convs)
