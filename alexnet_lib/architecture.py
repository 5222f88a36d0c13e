"""The eight layers of Figure 2 (§3.5): written out, then as ten lines of data, then built from such lines."""

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial

import torch
import torch.fx
import torch.nn.functional as F
from torch import Tensor, nn

from .dropout import PaperDropout
from .guard import Count, Fraction, Index, NonNegative, require_choice, validate_fields, validated
from .normalization import LocalResponseNorm, SpatialResponseNorm
from .paper import LEARNING, LRN, POOLING
from .pooling import output_size
from .towers import TOWERS, require_even_share


# fmt: off
def plain_alexnet() -> nn.Sequential:
    """AlexNet, line by line: `AlexNet("paper")` is the same net, but starts from the paper's weights (§5)."""
    norm = partial(LocalResponseNorm, towers=2)
    return nn.Sequential(                                        # (N, 3, 224, 224)
        nn.ZeroPad2d((0, 3, 0, 3)),                              # (N, 3, 227, 227)
        nn.Conv2d(3, 96, 11, stride=4), nn.ReLU(),               # (N, 96, 55, 55)
        norm(n=5, k=2.0, alpha=1e-4, beta=0.75),                 # (N, 96, 55, 55)
        nn.MaxPool2d(3, stride=2),                               # (N, 96, 27, 27)
        nn.Conv2d(96, 256, 5, padding=2, groups=2), nn.ReLU(),   # (N, 256, 27, 27)
        norm(n=5, k=2.0, alpha=1e-4, beta=0.75),                 # (N, 256, 27, 27)
        nn.MaxPool2d(3, stride=2),                               # (N, 256, 13, 13)
        nn.Conv2d(256, 384, 3, padding=1), nn.ReLU(),            # (N, 384, 13, 13)
        nn.Conv2d(384, 384, 3, padding=1, groups=2), nn.ReLU(),  # (N, 384, 13, 13)
        nn.Conv2d(384, 256, 3, padding=1, groups=2), nn.ReLU(),  # (N, 256, 13, 13)
        nn.MaxPool2d(3, stride=2),                               # (N, 256, 6, 6)
        nn.Flatten(),                                            # (N, 9216)
        nn.Linear(9216, 4096), nn.ReLU(), PaperDropout(0.5),     # (N, 4096)
        nn.Linear(4096, 4096), nn.ReLU(), PaperDropout(0.5),     # (N, 4096)
        nn.Linear(4096, 1000),                                   # (N, 1000) scores
    )
# fmt: on


@dataclass(frozen=True)
class Relu:
    """max(0, x) (§3.1)."""

    def module(self, channels: int) -> nn.Module:
        return nn.ReLU()


@dataclass(frozen=True)
class Tanh:
    """The saturating unit that §3.1 compares with."""

    def module(self, channels: int) -> nn.Module:
        return nn.Tanh()


@dataclass(frozen=True)
class Norm:
    """Response normalization (§3.3); `towers=2` keeps its windows on one GPU."""

    n: int = LRN.n
    k: float = LRN.k
    alpha: float = LRN.alpha
    beta: float = LRN.beta
    towers: int = TOWERS
    alpha_over_n: bool = False

    def module(self, channels: int) -> nn.Module:
        return LocalResponseNorm(**vars(self))


@dataclass(frozen=True)
class SpatialNorm:
    """The second norm of layer 2 in the original code, over n x n pixels; the paper has none."""

    n: int = 5
    k: float = 1.0
    alpha: float = 1e-3
    beta: float = LRN.beta

    def module(self, channels: int) -> nn.Module:
        return SpatialResponseNorm(**vars(self))


@validated
@dataclass(frozen=True)
class Pool:
    """Max pooling (§3.4)."""

    z: Count = POOLING.z
    s: Count = POOLING.s
    ceil_mode: bool = False  # count a window that hangs over the far edge

    def module(self, channels: int) -> nn.Module:
        return nn.MaxPool2d(self.z, self.s, ceil_mode=self.ceil_mode)

    def output_size(self, size: int) -> int:
        return output_size(size, self.z, self.s, ceil_mode=self.ceil_mode)


@dataclass(frozen=True)
class BatchNorm:
    """Batch normalization, which came three years after the paper: for comparisons only."""

    def module(self, channels: int) -> nn.Module:
        return nn.BatchNorm2d(channels)


Step = Relu | Tanh | Norm | SpatialNorm | Pool | BatchNorm
STEP_NAMES = {
    Relu: "relu",
    Tanh: "tanh",
    Norm: "norm",
    SpatialNorm: "spatial_norm",
    Pool: "pool",
    BatchNorm: "batch_norm",
}


@dataclass(frozen=True)
class Conv:
    """A convolution and what follows it, in order (§3.5).

    `ceil_mode` lets the last windows hang over the far edge, `grouped` lets kernels read only the channels
    of their own tower (§3.2). `std` None keeps torch's own initial weights and biases.
    """

    out_channels: Count
    kernel_size: Count
    stride: Count = 1
    padding: Index = 0
    ceil_mode: bool = False
    grouped: bool = False
    then: tuple[Step, ...] = (Relu(),)
    std: NonNegative | None = LEARNING.initial_std
    bias: float = 0.0

    def __post_init__(self):
        validate_fields(self)
        if len({type(step) for step in self.then}) < len(self.then):
            raise ValueError(f"then is {self.then}, and layers are named by step: give each kind once")
        for step in self.then:
            step.module(self.out_channels)  # refuses numbers that its layer cannot take

    def output_size(self, size: int) -> int:
        """The side of the feature maps behind this convolution and its pooling, from the side before."""
        size = output_size(size, self.kernel_size, self.stride, self.padding, self.ceil_mode)
        for step in self.then:
            size = step.output_size(size) if isinstance(step, Pool) else size
        return size


@dataclass(frozen=True)
class AlexNetSpec:
    """One form of the net. Every field that a re-implementation has changed is here.

    Raises ValueError or TypeError, naming the field, for what cannot be built.
    """

    name: str
    convs: tuple[Conv, ...]
    image_size: Count = 224
    towers: Count = TOWERS
    hidden: tuple[Count, ...] = (4096, 4096)
    hidden_unit: Relu | Tanh = Relu()
    hidden_std: NonNegative | None = LEARNING.initial_std
    hidden_bias: float = 1.0
    dropout: Fraction = LEARNING.dropout
    dropout_inverted: bool = False  # torch's form: divides in training, leaves test time alone
    dropout_on_inputs: bool = False  # of fc6 and fc7, not on their outputs
    classes: Count = 1000
    last_bias: float = 0.0  # of the scores

    def __post_init__(self):
        validate_fields(self)
        if not self.convs or self.convs[0].grouped:
            raise ValueError("convs must start with a convolution that is not grouped: it reads all 3 colors")
        for number, conv in enumerate(self.convs, 1):
            for towers in (self.towers, *(step.towers for step in conv.then if isinstance(step, Norm))):
                require_even_share(f"conv{number}", conv.out_channels, towers)
        for number, units in enumerate(self.hidden, 1 + len(self.convs)):
            require_even_share(f"fc{number}", units, self.towers, "units")
        self.features()

    def features(self) -> int:
        """How many numbers the last convolutional layer hands to the first fully-connected one."""
        size = self.image_size
        for number, conv in enumerate(self.convs, 1):
            try:
                size = conv.output_size(size)
            except ValueError as error:
                raise ValueError(
                    f"image_size is {self.image_size}, and in layer {number} of {self.name!r} maps run "
                    f"out of pixels ({error}): give a larger image_size (§3.5: 224)"
                ) from None
        return self.convs[-1].out_channels * size**2


# fmt: off
PAPER = AlexNetSpec(
    "paper",
    convs=(
        Conv(96, 11, stride=4, ceil_mode=True, then=(Relu(), Norm(), Pool())),
        Conv(256, 5, padding=2, grouped=True, bias=1,
             then=(Relu(), Norm(), Pool())),
        Conv(384, 3, padding=1),
        Conv(384, 3, padding=1, grouped=True, bias=1),
        Conv(256, 3, padding=1, grouped=True, bias=1, then=(Relu(), Pool())),
    ),
)
# fmt: on


def __getattr__(name: str) -> dict[str, AlexNetSpec]:
    """SPECS: PAPER and the other nets of that name, out of specs.py, which imports this module."""
    if name == "SPECS":
        from .specs import SPECS

        return SPECS
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


class CeilConv2d(nn.Conv2d):
    """A convolution whose last windows hang over the far edge, so that no pixel is left out (§3.5).

    The original code counts windows with ceil (layer.py:1004): 224 pixels, 11 x 11, stride 4 give 55, and
    the last window of a row sees 3 columns beyond the picture, which count as zero.
    """

    def forward(self, a: Tensor) -> Tensor:
        z, s, padding = self.kernel_size, self.stride, self.padding
        below, right = ((z[d] - a.shape[d - 2] - 2 * padding[d]) % s[d] for d in (0, 1))
        return super().forward(F.pad(a, (0, right, 0, below)))


class AlexNet(nn.Module):
    """Five convolutional and three fully-connected layers (§3.5, Figure 2).

    spec: a name from `SPECS` or an `AlexNetSpec`; "paper" has two towers, 55x55 windows in conv1, and
    normalization inside the tower behind the ReLU. classes: outputs; by default the spec's own number.

    (N, 3, image_size, image_size) float -> (N, classes) scores before the softmax. The scale of the input
    matters: pixels 0-255 with the mean image subtracted (§2), but for "torchvision" and "review-004" pixels
    0-1 with each color's mean subtracted, divided by its deviation.

    Weights start as the spec says (§5). The state of torchvision's `alexnet` loads into
    AlexNet("torchvision"), also inside another module; `torchvision_state` is the way back.
    """

    @validated
    def __init__(self, spec: str | AlexNetSpec = "paper", classes: Count | None = None):
        super().__init__()
        if isinstance(spec, str):
            from .specs import SPECS  # here, because specs.py imports this module

            spec = SPECS[require_choice("spec", spec, SPECS)]
        self.spec = spec if classes is None else replace(spec, classes=int(classes))
        self.features = nn.Sequential(convolutional_layers(self.spec))
        self.classifier = nn.Sequential(fully_connected_layers(self.spec))
        self.register_load_state_dict_pre_hook(_accept_torchvision_names)

    def forward(self, images: Tensor) -> Tensor:  # (N, 3, image_size, image_size)
        require_images(images, self.spec)
        return self.classifier(torch.flatten(self.features(images), 1))  # (N, classes)


def convolutional_layers(spec: AlexNetSpec) -> OrderedDict[str, nn.Module]:
    """conv1, relu1, norm1, ... of a spec."""
    layers, channels = OrderedDict(), 3
    for number, conv in enumerate(spec.convs, 1):
        kind = CeilConv2d if conv.ceil_mode else nn.Conv2d
        groups = spec.towers if conv.grouped else 1
        layer = kind(channels, conv.out_channels, conv.kernel_size, conv.stride, conv.padding, groups=groups)
        layers[f"conv{number}"] = initialized(layer, conv.std, conv.bias)
        for step in conv.then:
            layers[f"{STEP_NAMES[type(step)]}{number}"] = step.module(conv.out_channels)
        channels = conv.out_channels
    return layers


def fully_connected_layers(spec: AlexNetSpec) -> OrderedDict[str, nn.Module]:
    """fc6, relu6, dropout6, ... of a spec; the last layer, which gives the scores, stands alone."""
    layers, inputs, number = OrderedDict(), spec.features(), 1 + len(spec.convs)
    for units in spec.hidden:
        layer = initialized(nn.Linear(inputs, units), spec.hidden_std, spec.hidden_bias)
        unit = f"{STEP_NAMES[type(spec.hidden_unit)]}{number}", spec.hidden_unit.module(units)
        drop = nn.Dropout(spec.dropout) if spec.dropout_inverted else PaperDropout(spec.dropout)
        parts = [(f"fc{number}", layer), unit]
        parts.insert(0 if spec.dropout_on_inputs else 2, (f"dropout{number}", drop))
        layers.update(parts)
        inputs, number = units, number + 1
    std = None if spec.hidden_std is None else LEARNING.initial_std
    layers[f"fc{number}"] = initialized(nn.Linear(inputs, spec.classes), std, spec.last_bias)
    return layers


def initialized(layer: nn.Module, std: float | None, bias: float) -> nn.Module:
    """The layer with weights from N(0, std) and these biases (§5); None keeps torch's own."""
    if std is not None:
        nn.init.normal_(layer.weight, std=std)
        nn.init.constant_(layer.bias, bias)
    return layer


@torch.fx.wrap
def require_images(images: Tensor, spec: AlexNetSpec) -> None:
    """Refuse what is no batch of images for this net; while a tracer is at work, sizes are no numbers."""
    if not isinstance(images, Tensor) or not images.is_floating_point():
        kind = images.dtype if isinstance(images, Tensor) else type(images).__name__
        raise TypeError(f"images are {kind}, and the net takes floats (§2): pass images.float() - mean")
    shape = 3, spec.image_size, spec.image_size
    if not torch.jit.is_tracing() and (images.dim() != 4 or images.shape[1:] != shape):
        raise ValueError(
            f"images are {tuple(images.shape)}, and {spec.name!r} takes (N, {', '.join(map(str, shape))}): "
            f"crop, or build from replace(SPECS[...], image_size=...)"
        )


TORCHVISION_NAMES = {  # torchvision numbers its modules; ours have names
    "features.conv1": "features.0",
    "features.conv2": "features.3",
    "features.conv3": "features.6",
    "features.conv4": "features.8",
    "features.conv5": "features.10",
    "classifier.fc6": "classifier.1",
    "classifier.fc7": "classifier.4",
    "classifier.fc8": "classifier.6",
}


def torchvision_state(net: AlexNet) -> dict[str, Tensor]:
    """The net's state under the names of torchvision's `alexnet`, whose `load_state_dict` takes it."""
    state = net.state_dict()
    return {
        f"{theirs}.{kind}": state[f"{ours}.{kind}"]
        for ours, theirs in TORCHVISION_NAMES.items()
        for kind in ("weight", "bias")
    }


def _accept_torchvision_names(module: AlexNet, state: Mapping[str, Tensor], prefix: str, *_) -> None:
    if f"{prefix}features.0.weight" in state:
        for ours, theirs in TORCHVISION_NAMES.items():
            for kind in ("weight", "bias"):
                if f"{prefix}{theirs}.{kind}" in state:
                    state[f"{prefix}{ours}.{kind}"] = state.pop(f"{prefix}{theirs}.{kind}")
