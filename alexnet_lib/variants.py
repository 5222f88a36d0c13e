"""Every net that a run can train, by name: the specs of §3.5, what the experiments change in them (§3, §7),
and the small nets for CIFAR-10 (§3.1, §3.3).
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

from torch import Tensor, nn

from .architecture import PAPER, SPECS, AlexNet
from .guard import (
    require_choice,
    require_count,
    require_kind,
    require_net,
    require_number,
    validate_fields,
    validated,
)
from .paper import LEARNING
from .relu import ACTIVATIONS, FourLayerNet
from .spec import AlexNetSpec, BatchNorm, Conv, Norm, Pool, Relu, Step

SIDE = 32  # of CIFAR-10's images


@dataclass(frozen=True)
class FourLayerSpec:
    """A `FourLayerNet` with its unit and its first weights: N(0, std) and biases 0, or torch's for None."""

    name: str
    activation: str
    std: float | None = LEARNING.initial_std
    image_size: int = SIDE

    def __post_init__(self):
        validate_fields(self)
        require_choice("activation", self.activation, ACTIVATIONS)
        if self.std is not None:
            require_number("std", self.std, "it is the spread of the first weights (§5: 0.01)", ge=0.0)
        if self.image_size != SIDE:
            raise ValueError(
                f"image_size is {self.image_size}, and must be {SIDE}: the net is made for CIFAR-10"
            )

    def build(self, classes: int) -> nn.Module:
        net = FourLayerNet(self.activation, classes)
        for layer in net.modules():
            if self.std is not None and isinstance(layer, nn.Conv2d | nn.Linear):
                nn.init.normal_(layer.weight, std=self.std)
                nn.init.zeros_(layer.bias)
        return net


@validated
def with_steps(name: str, spec: AlexNetSpec, change: Callable[[int, Step], Step | None]) -> AlexNetSpec:
    """A spec with changed steps: `change` gets a layer's number, from 1, and a step; None drops the step."""
    convs = []
    for number, conv in enumerate(spec.convs, 1):
        steps = (change(number, step) for step in conv.then)
        convs.append(replace(conv, then=tuple(step for step in steps if step)))
    return replace(spec, name=name, convs=tuple(convs))


def without_norms(name: str, spec: AlexNetSpec, kept: tuple[int, ...] = ()) -> AlexNetSpec:
    """A spec without response normalization but in the layers of the numbers `kept` (§3.3)."""
    require_kind("kept", kept, tuple[int, ...], empty=True)
    _require_layers("kept", kept, spec)
    return with_steps(
        name, spec, lambda number, step: step if number in kept or not isinstance(step, Norm) else None
    )


def _alpha_over_n(_: int, step: Step) -> Step:
    return replace(step, alpha_over_n=True) if isinstance(step, Norm) else step


def _apart(_: int, step: Step) -> Step:
    """Pooling windows that do not overlap: z = 2, s = 2 (§3.4)."""
    return Pool(z=2, s=2) if isinstance(step, Pool) else step


def without_layers(spec: AlexNetSpec, *numbers: int, name: str = "") -> AlexNetSpec:
    """A spec without the convolutional layers of these numbers, counted from 1; the rest stays as it is (§7).

    What followed the layer goes with it, and a layer that read its own tower reads its own tower still.
    Raises ValueError for a number that the net does not have.
    """
    _require_layers("numbers", numbers, spec)
    convs = tuple(conv for number, conv in enumerate(spec.convs, 1) if number not in numbers)
    return replace(spec, name=name or name_without(numbers), convs=convs)


def _require_layers(name: str, numbers: tuple[int, ...], spec: AlexNetSpec) -> None:
    """Refuse numbers, counted from 1, of convolutional layers that a net does not have."""
    require_kind("spec", spec, AlexNetSpec)
    for number in numbers:
        why = f"{spec.name!r} has the convolutional layers 1 to {len(spec.convs)}"
        require_count(name, number, why, le=len(spec.convs))


def name_without(numbers: tuple[int, ...]) -> str:
    """What a net without some layers is called: "without conv3 and conv4"."""
    return f"without {' and '.join(f'conv{number}' for number in numbers)}" if numbers else "all five"


# The net of §3.3's remark on CIFAR-10. The paper gives no sizes; these are Figure 1's (see `FourLayerNet`),
# with the norm where layers 1 and 2 of the large net have it. Windows are counted without ceil_mode.
_NORMED = (Relu(), Norm(towers=1), Pool())
FOUR_LAYERS = AlexNetSpec(
    "four-layer",
    convs=(
        Conv(32, kernel_size=5, padding=2, then=_NORMED),
        Conv(32, kernel_size=5, padding=2, then=_NORMED),
        Conv(64, kernel_size=5, padding=2, then=(Relu(), Pool())),
    ),
    image_size=32,
    towers=1,
    hidden=(),
    classes=10,
)

# Without the norm, which takes more than half of a step's time on a CPU.
_UNNORMED = without_norms("four-layer-no-norm", FOUR_LAYERS)

VARIANTS = (
    without_norms("no-norm", PAPER),
    without_norms("norm-1", PAPER, kept=(1,)),
    with_steps("alpha-over-n", PAPER, _alpha_over_n),
    with_steps("z-2", PAPER, _apart),
    replace(
        PAPER,
        name="no-communication",
        convs=(*PAPER.convs[:2], replace(PAPER.convs[2], grouped=True), *PAPER.convs[3:]),
    ),
    without_layers(PAPER, 3, name="no-conv3"),
    without_layers(PAPER, 4, name="no-conv4"),
    without_layers(PAPER, 3, 4, name="no-conv3-conv4"),
    FOUR_LAYERS,
    _UNNORMED,
    # Behind the ReLU, where Norm stands, so that nothing else differs; its authors put it before the unit.
    with_steps(
        "four-layer-batch-norm",
        FOUR_LAYERS,
        lambda _, step: BatchNorm(FOUR_LAYERS.convs[0].out_channels) if isinstance(step, Norm) else step,
    ),
    with_steps("four-layer-z-2", _UNNORMED, _apart),
    # A hidden fully-connected layer, where §4.2 puts dropout; its size is ours.
    replace(_UNNORMED, name="four-layer-hidden", hidden=(512,)),
)
# Figure 1's nets, with the initial weights of §5 and with those that torch gives today.
FIGURE_1 = tuple(
    FourLayerSpec(f"figure-1-{unit}{start}", unit, std)
    for start, std in (("", LEARNING.initial_std), ("-torch-start", None))
    for unit in ACTIVATIONS
)
NETS = SPECS | {spec.name: spec for spec in (*VARIANTS, *FIGURE_1)}


def build(name: str, image_size: int, dropout: float, classes: int) -> nn.Module:
    """A net out of `NETS` for images of that side, with that dropout and number of classes.

    Raises ValueError for an unknown name, and where the net has no place for that side or dropout.
    """
    spec = NETS[require_choice("name", name, NETS)]
    require_count("classes", classes, "it counts the outputs (§3.5: 1000)")
    dropout = require_number("dropout", dropout, "it is the share of units that are set to zero (§4.2: 0.5)")
    if dropout and not getattr(spec, "hidden", ()):
        raise ValueError(
            f"dropout is {dropout:g}, and {name!r} has no hidden fully-connected layer, where §4.2 puts it: "
            f"use dropout=0"
        )
    if isinstance(spec, AlexNetSpec):
        return AlexNet(replace(spec, image_size=image_size, dropout=dropout), classes)
    if image_size != spec.image_size:
        raise ValueError(f"crop is {image_size}, and {name!r} takes images of 32 pixels: use crop=32")
    return spec.build(classes)


class Scaled(nn.Module):
    """A net behind a factor for its input: 1 leaves pixels on 0-255. Its weights are the net's own."""

    def __init__(self, net: nn.Module, factor: float):
        super().__init__()
        self.net = require_net("net", net)
        self.factor = require_number("factor", factor, "it multiplies pixels (1: they stay)", gt=0.0)

    def forward(self, images: Tensor) -> Tensor:
        return self.net(images if self.factor == 1 else images * self.factor)
