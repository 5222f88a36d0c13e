"""Every net that a run can train, by name: PAPER, the nets that other accounts call AlexNet, what the
experiments change in them, and the small nets for CIFAR-10 (§3.1, §3.3).
"""

import os
from collections.abc import Callable
from dataclasses import dataclass, replace

from torch import Tensor, nn

from .architecture import (
    PAPER,
    AlexNet,
    AlexNetSpec,
    BatchNorm,
    Conv,
    Norm,
    Pool,
    Relu,
    SpatialNorm,
    Step,
    Tanh,
    initialized,
)
from .guard import Count, Fraction, NonNegative, Positive, require_choice, validate_fields, validated
from .paper import LEARNING
from .relu import ACTIVATIONS, FourLayerNet


@validated
def with_steps(name: str, spec: AlexNetSpec, change: Callable[[int, Step], Step | None]) -> AlexNetSpec:
    """A spec with changed steps: `change` gets a layer's number, from 1, and a step; None drops the step."""
    convs = []
    for number, conv in enumerate(spec.convs, 1):
        steps = (change(number, step) for step in conv.then)
        convs.append(replace(conv, then=tuple(step for step in steps if step)))
    return replace(spec, name=name, convs=tuple(convs))


def with_step(name: str, spec: AlexNetSpec, kind: type, new: Step) -> AlexNetSpec:
    """A spec with `new` in place of every step of one kind."""
    return with_steps(name, spec, lambda _, step: new if isinstance(step, kind) else step)


def without_norms(name: str, spec: AlexNetSpec, kept: tuple[int, ...] = ()) -> AlexNetSpec:
    """A spec without response normalization but in the layers of the numbers `kept` (§3.3)."""
    drop = lambda number, step: step if number in kept or not isinstance(step, Norm) else None  # noqa: E731
    return with_steps(name, spec, drop)


def without_layers(spec: AlexNetSpec, *numbers: int, name: str = "") -> AlexNetSpec:
    """A spec without the convolutional layers of these numbers, counted from 1; the rest stays as it is (§7).

    What followed the layer goes with it, and a layer that read its own tower reads its own tower still.
    Raises ValueError for a number that the net does not have.
    """
    if not set(numbers) <= set(range(1, 1 + len(spec.convs))):
        raise ValueError(f"numbers are {numbers}, and {spec.name!r} has the layers 1 to {len(spec.convs)}")
    convs = tuple(conv for number, conv in enumerate(spec.convs, 1) if number not in numbers)
    return replace(spec, name=name or name_without(numbers), convs=convs)


def name_without(numbers: tuple[int, ...]) -> str:
    """What a net without some layers is called: "without conv3 and conv4"."""
    return f"without {' and '.join(f'conv{number}' for number in numbers)}" if numbers else "all five"


SOURCE_NORM = Norm(alpha_over_n=True)
SOURCE_2012 = replace(  # layers-145.cfg
    PAPER,
    name="source-2012",
    convs=(
        replace(PAPER.convs[0], then=(SOURCE_NORM, Pool(), Relu())),
        replace(PAPER.convs[1], then=(Relu(), SOURCE_NORM, SpatialNorm(), Pool())),
        *(replace(conv, std=0.03) for conv in PAPER.convs[2:4]),
        # Pooling before the ReLU changes nothing here: both keep the order of numbers.
        replace(PAPER.convs[4], std=0.03, then=(Pool(), Relu())),
    ),
)

FULL_WIDTH = with_step("full-width", PAPER, Norm, Norm(towers=1))
FULL_WIDTH = replace(
    FULL_WIDTH, towers=1, convs=tuple(replace(conv, grouped=False) for conv in FULL_WIDTH.convs)
)
ONE_GPU = replace(  # §3.2's comparison: half of the kernels, but for conv5 (its footnote)
    FULL_WIDTH,
    name="one-gpu",
    convs=(
        *(replace(conv, out_channels=conv.out_channels // 2) for conv in FULL_WIDTH.convs[:4]),
        FULL_WIDTH.convs[4],
    ),
)

CAFFE_NORM = Norm(k=1.0, towers=1, alpha_over_n=True)
CAFFE = replace(  # 227 pixels and no ceil_mode; windows of the norm run across both halves
    PAPER,
    name="caffe",
    image_size=227,
    convs=(
        replace(PAPER.convs[0], ceil_mode=False, then=(Relu(), CAFFE_NORM, Pool())),
        replace(PAPER.convs[1], bias=0.1, then=(Relu(), CAFFE_NORM, Pool())),
        PAPER.convs[2],
        *(replace(conv, bias=0.1) for conv in PAPER.convs[3:]),
    ),
    hidden_std=0.005,
    hidden_bias=0.1,
    dropout_inverted=True,
)

TORCHVISION = AlexNetSpec(  # after "One weird trick", 2014: one tower, narrower, no normalization
    "torchvision",
    convs=(
        Conv(64, kernel_size=11, stride=4, padding=2, std=None, then=(Relu(), Pool())),
        Conv(192, kernel_size=5, padding=2, std=None, then=(Relu(), Pool())),
        Conv(384, kernel_size=3, padding=1, std=None),
        Conv(256, kernel_size=3, padding=1, std=None),
        Conv(256, kernel_size=3, padding=1, std=None, then=(Relu(), Pool())),
    ),
    towers=1,
    hidden_std=None,
    dropout_inverted=True,
    dropout_on_inputs=True,
)

REVIEW_NORM = Norm(towers=1, alpha_over_n=True)  # torch's own layer
REVIEW_004 = replace(  # ten classes, 227 pixels, one tower; the first norm's alpha is ten times the paper's
    FULL_WIDTH,
    name="review-004",
    image_size=227,
    convs=(
        replace(
            FULL_WIDTH.convs[0],
            ceil_mode=False,
            std=None,
            then=(Relu(), replace(REVIEW_NORM, alpha=1e-3), Pool()),
        ),
        replace(FULL_WIDTH.convs[1], std=None, then=(Relu(), REVIEW_NORM, Pool())),
        *(replace(conv, std=None) for conv in FULL_WIDTH.convs[2:]),
    ),
    hidden_std=None,
    dropout_inverted=True,
    dropout_on_inputs=True,
    classes=10,
)

SPECS = {
    spec.name: spec for spec in (PAPER, SOURCE_2012, ONE_GPU, FULL_WIDTH, CAFFE, TORCHVISION, REVIEW_004)
}

TANH = with_step("paper-tanh", PAPER, Relu, Tanh())  # biases 0: ones were chosen to wake ReLUs (§5)
TANH = replace(
    TANH, convs=tuple(replace(conv, bias=0.0) for conv in TANH.convs), hidden_unit=Tanh(), hidden_bias=0.0
)
ABLATIONS = (
    without_norms("no-norm", PAPER),
    without_norms("norm-1", PAPER, kept=(1,)),
    with_step("alpha-over-n", PAPER, Norm, SOURCE_NORM),
    with_step("z-2", PAPER, Pool, Pool(z=2, s=2)),
    replace(
        PAPER,
        name="no-communication",
        convs=(*PAPER.convs[:2], replace(PAPER.convs[2], grouped=True), *PAPER.convs[3:]),
    ),
    without_layers(PAPER, 3, name="no-conv3"),
    without_layers(PAPER, 4, name="no-conv4"),
    without_layers(PAPER, 3, 4, name="no-conv3-conv4"),
    TANH,
)

# The net of §3.3's remark on CIFAR-10. The paper gives no sizes; these are Figure 1's (see `FourLayerNet`),
# with the norm where layers 1 and 2 of the large net have it. Windows are counted without ceil_mode.
FOUR_LAYERS = AlexNetSpec(
    "four-layer",
    convs=(
        Conv(32, kernel_size=5, padding=2, then=(Relu(), Norm(towers=1), Pool())),
        Conv(32, kernel_size=5, padding=2, then=(Relu(), Norm(towers=1), Pool())),
        Conv(64, kernel_size=5, padding=2, then=(Relu(), Pool())),
    ),
    image_size=32,
    towers=1,
    hidden=(),
    classes=10,
)
UNNORMED = without_norms("four-layer-no-norm", FOUR_LAYERS)
SMALL = (
    FOUR_LAYERS,
    UNNORMED,
    # Behind the ReLU, where Norm stands, so that nothing else differs; its authors put it before the unit.
    with_step("four-layer-batch-norm", FOUR_LAYERS, Norm, BatchNorm()),
    with_step("four-layer-z-2", UNNORMED, Pool, Pool(z=2, s=2)),
    # A hidden fully-connected layer, where §4.2 puts dropout; its size is ours.
    replace(UNNORMED, name="four-layer-hidden", hidden=(512,)),
)


@dataclass(frozen=True)
class FourLayerSpec:
    """A `FourLayerNet` with its unit and its first weights: N(0, std) and biases 0, or torch's for None."""

    name: str
    activation: str
    std: NonNegative | None = LEARNING.initial_std
    image_size: Count = 32  # of CIFAR-10

    def __post_init__(self):
        validate_fields(self)
        require_choice("activation", self.activation, ACTIVATIONS)

    def build(self, classes: int) -> nn.Module:
        net = FourLayerNet(self.activation, classes)
        for layer in net.modules():
            if isinstance(layer, nn.Conv2d | nn.Linear):
                initialized(layer, self.std, 0.0)
        return net


# Figure 1's nets, with the initial weights of §5 and with those that torch gives today.
FIGURE_1 = tuple(
    FourLayerSpec(f"figure-1-{unit}{start}", unit, std)
    for start, std in (("", LEARNING.initial_std), ("-torch-start", None))
    for unit in ACTIVATIONS
)
NETS = SPECS | {spec.name: spec for spec in (*ABLATIONS, *SMALL, *FIGURE_1)}


def from_cuda_convnet(
    layers_cfg: str | os.PathLike, params_cfg: str | os.PathLike | None = None, image_size: int = 224
) -> AlexNetSpec:
    """The network that a definition of the original code describes, such as layers/layers-145.cfg.

    layers_cfg: the .cfg file, or its text. params_cfg: the file of training settings, which also holds the
    constants of the normalizations; by default those of run 145. image_size: the side of a crop, which
    neither file says (§4.1: 224). All windows are counted with ceil, those of convolutions and of pooling.

    Raises ValueError, naming layer and key, for what a spec cannot have: other layer types, inputs that are
    no chain of towers, numbers that contradict each other.
    """
    from .use.cuda_convnet import read_spec  # here: everything else of this file needs no reader

    return read_spec(layers_cfg, params_cfg, image_size)


INITS = ("paper", "source-2012", "xavier", "he")


@validated
def build(name: str, image_size: Count, dropout: Fraction, classes: Count, init: str = "paper") -> nn.Module:
    """A net out of `NETS` for images of that side, with that dropout and number of classes.

    init: "paper" starts as the spec says; "source-2012" too, but draws the 3x3 kernels (conv3 to conv5) from
    N(0, 0.03); "xavier" draws every layer by Xavier's rule, made for tanh, and "he" by He's, made for ReLU,
    both with biases 0.

    Raises ValueError for an unknown name, and where the net has no place for that side, dropout or start.
    """
    spec = NETS[require_choice("name", name, NETS)]
    require_choice("init", init, INITS)
    if dropout and not getattr(spec, "hidden", ()):
        raise ValueError(
            f"dropout is {dropout:g}, and {name!r} has no hidden layer for it (§4.2): use dropout=0"
        )
    if isinstance(spec, AlexNetSpec):
        net = AlexNet(replace(spec, image_size=image_size, dropout=dropout), classes)
    elif image_size == spec.image_size:
        net = spec.build(classes)
    else:
        raise ValueError(f"crop is {image_size}, and {name!r} takes images of 32 pixels: use crop=32")
    return started(net, init)


def started(net: nn.Module, init: str) -> nn.Module:
    """The net with its weights drawn anew as `init` says."""
    layers = [layer for layer in net.modules() if isinstance(layer, nn.Conv2d | nn.Linear)]
    small = [layer for layer in layers if getattr(layer, "kernel_size", None) == (3, 3)]
    if init == "source-2012":
        if not small:
            raise ValueError("init is 'source-2012', and this net has no 3x3 kernels for it: use 'paper'")
        for layer in small:
            nn.init.normal_(layer.weight, std=0.03)
    elif init == "xavier":
        for layer in layers:
            nn.init.xavier_normal_(layer.weight)
            nn.init.zeros_(layer.bias)
    elif init == "he":
        for layer in layers:
            nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
            nn.init.zeros_(layer.bias)
    return net


class InputScale(nn.Module):
    """A net behind a factor for its input: 1 leaves pixels on 0-255. Its weights are the net's own."""

    @validated
    def __init__(self, net: nn.Module, factor: Positive):
        super().__init__()
        self.net, self.factor = net, factor

    def forward(self, images: Tensor) -> Tensor:
        return self.net(images if self.factor == 1 else images * self.factor)
