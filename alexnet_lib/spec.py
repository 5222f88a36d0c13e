"""A net of the paper's kind as data (§3.5), and its shapes and costs by arithmetic alone.

A spec says what follows each convolution, in order, so that the questions that accounts of this net
disagree on (where normalization stands, which windows hang over the edge, who reads which maps) are
plain to see in it. `architecture` builds the net.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from numbers import Integral

from torch import nn

from .guard import require_count, require_flag, require_kind, require_number
from .normalization import LocalResponseNorm, SpatialResponseNorm
from .paper import LEARNING, LRN, POOLING
from .pooling import MaxPool, output_size
from .towers import TOWERS, crossing_numbers, require_even_share


@dataclass(frozen=True)
class Relu:
    """max(0, x) (§3.1)."""

    def module(self) -> nn.Module:
        return nn.ReLU()


@dataclass(frozen=True)
class Norm:
    """Response normalization (§3.3); `towers=2` keeps its windows on one GPU."""

    n: int = LRN.n
    k: float = LRN.k
    alpha: float = LRN.alpha
    beta: float = LRN.beta
    towers: int = TOWERS
    alpha_over_n: bool = False

    def module(self) -> nn.Module:
        return LocalResponseNorm(
            self.n, self.k, self.alpha, self.beta, towers=self.towers, alpha_over_n=self.alpha_over_n
        )


@dataclass(frozen=True)
class SpatialNorm:
    """The second norm of layer 2 in the 2012 source, over n x n pixels; the paper has none."""

    n: int = 5

    def module(self) -> nn.Module:
        return SpatialResponseNorm(self.n)


@dataclass(frozen=True)
class Pool:
    """Max pooling (§3.4)."""

    z: int = POOLING.z
    s: int = POOLING.s

    def module(self) -> nn.Module:
        return MaxPool(self.z, self.s)


@dataclass(frozen=True)
class BatchNorm:
    """torch's batch normalization of `maps` maps, as many as its convolution has: for comparisons only.

    It came three years after the paper. It learns a scale and a shift for each map, and keeps running means
    and variances, by which it normalizes outside of training.
    """

    maps: int

    def __post_init__(self):
        require_count("maps", self.maps, "it counts the maps of its convolution")

    def module(self) -> nn.Module:
        return nn.BatchNorm2d(self.maps)


Step = Relu | Norm | SpatialNorm | Pool | BatchNorm
STEP_NAMES = {
    Relu: "relu",
    Norm: "norm",
    SpatialNorm: "spatial_norm",
    Pool: "pool",
    BatchNorm: "batch_norm",
}


def require_tuple(name: str, values: object, kinds: tuple[type, ...], example: str) -> tuple:
    """Return `values` if it is a tuple of `kinds`; a list would make the spec one that can change."""
    if not isinstance(values, tuple) or not all(isinstance(value, kinds) for value in values):
        raise TypeError(f"{name} is {values!r}, and must be a tuple such as ({example}) (§3.5)")
    return values


def require_start(std_name: str, std: float | None, bias_name: str, bias: float) -> None:
    """Refuse initial weights and biases that cannot be drawn (§5)."""
    if std is not None:
        require_number(std_name, std, "it is the spread of the initial weights (§5: 0.01)", ge=0.0)
    require_number(bias_name, bias, "it is the value of the initial biases (§5: 0 or 1)")


@dataclass(frozen=True)
class Conv:
    """A convolution of `maps` kernels of z x z, s pixels apart, and what follows it, in order (§3.5).

    `ceil_mode` lets the last windows hang over the far edge (ceil), `grouped` lets kernels read only the
    maps of their own tower. `std` None keeps torch's default initial weights and biases.
    """

    out_channels: int
    kernel_size: int
    stride: int = 1
    padding: int = 0
    ceil_mode: bool = False
    grouped: bool = False
    then: tuple[Step, ...] = (Relu(),)
    std: float | None = LEARNING.initial_std
    bias: float = 0.0

    def __post_init__(self):
        require_count("out_channels", self.out_channels, "it counts kernels (§3.5: 96 in conv1)")
        require_count(
            "kernel_size", self.kernel_size, "it is the side of a kernel in pixels (§3.5: 11 in conv1)"
        )
        require_count(
            "stride", self.stride, "it is the distance of windows in pixels (§3.5: 4 in conv1, else 1)"
        )
        require_count("padding", self.padding, "it is a border in pixels", ge=0)
        require_flag("ceil_mode", self.ceil_mode, "it lets the last windows hang over the edge (§3.5)")
        require_flag("grouped", self.grouped, "kernels read their own tower's maps, or all (§3.2)")
        require_start("std", self.std, "bias", self.bias)
        require_tuple("then", self.then, tuple(STEP_NAMES), "Relu(), Pool()")
        if len({type(step) for step in self.then}) < len(self.then):
            raise ValueError(
                f"then is {self.then}, and a layer is named after its step, as relu1 or pool1: "
                f"give each kind once"
            )
        for step in self.then:
            if isinstance(step, BatchNorm) and step.maps != self.out_channels:
                raise ValueError(
                    f"maps is {step.maps} in BatchNorm, and the convolution before it has {self.out_channels}: it "
                    f"normalizes each of them. Use BatchNorm({self.out_channels})"
                )
            step.module()  # refuses numbers that its layer cannot take


@dataclass(frozen=True)
class AlexNetSpec:
    """One form of the net. Every field that a re-implementation has changed is here.

    Raises ValueError or TypeError, naming field, value, section and way out, for what cannot be built.
    """

    name: str
    convs: tuple[Conv, ...]
    image_size: int = 224
    towers: int = TOWERS
    hidden: tuple[int, ...] = (4096, 4096)
    hidden_std: float | None = LEARNING.initial_std
    hidden_bias: float = 1.0
    dropout: float = LEARNING.dropout
    dropout_inverted: bool = False  # torch's form: divides in training, leaves test time alone
    dropout_on_inputs: bool = False  # of fc6 and fc7, not on their outputs
    classes: int = 1000

    def __post_init__(self):
        require_kind("name", self.name, str)
        require_flag("dropout_inverted", self.dropout_inverted, "torch's form divides in training (§4.2)")
        require_flag("dropout_on_inputs", self.dropout_on_inputs, "inputs are masked, or outputs (§4.2)")
        require_count("image_size", self.image_size, "it is the input's side in pixels (§3.5: 224)")
        require_count("towers", self.towers, "§3.2 has 2, a net on one GPU has 1")
        require_count("classes", self.classes, "it counts the outputs (§3.5: 1000)")
        require_number("dropout", self.dropout, "it is a probability (§4.2: 0.5)", ge=0.0, le=1.0)
        require_start("hidden_std", self.hidden_std, "hidden_bias", self.hidden_bias)
        if not require_tuple("convs", self.convs, (Conv,), "Conv(96, kernel_size=11, stride=4), ..."):
            raise ValueError(
                "convs is empty, and the net starts with convolutions (§3.5 has five): give at least one"
            )
        if self.convs[0].grouped and self.towers > 1:
            raise ValueError(
                "conv1 has grouped=True, and the colors of a picture live on no tower: §3.5 shows all "
                "three to both. Use grouped=False"
            )
        for number, conv in enumerate(self.convs, 1):
            for towers in (self.towers, *(step.towers for step in conv.then if isinstance(step, Norm))):
                require_even_share(f"conv{number}", conv.out_channels, towers)
        require_tuple("hidden", self.hidden, (Integral,), "4096, 4096")
        for number, units in enumerate(self.hidden, 1 + len(self.convs)):
            require_count("hidden", units, f"it counts the units of fc{number} (§3.5: 4096)")
            require_even_share(f"fc{number}", units, self.towers, "units")
        tuple(trace(self))  # a map that runs out of pixels names its layer


@dataclass(frozen=True)
class LayerTrace:
    """One layer's output and cost for one image. `side` is None behind the convolutions."""

    name: str
    maps: int
    side: int | None
    parameters: int = 0
    multiply_accumulates: int = 0
    receptive_field: int | None = None  # side, in input pixels, of what one output sees
    stride: int | None = None  # input pixels between neighboring outputs
    reads_all: bool = True

    @property
    def numbers(self) -> int:
        """How many numbers the layer puts out for one image."""
        return self.maps * (self.side or 1) ** 2

    @property
    def neurons(self) -> int:
        """Neurons as Figure 2 counts them: outputs of convolutional and fully-connected layers."""
        return self.numbers if self.name.startswith(("conv", "fc")) else 0


def trace(spec: AlexNetSpec) -> Iterator[LayerTrace]:
    """Shapes, parameters, multiply-accumulates and receptive fields, layer by layer (§3.5)."""
    require_kind("spec", spec, AlexNetSpec)
    maps, side, field, stride = 3, spec.image_size, 1, 1
    for number, conv in enumerate(spec.convs, 1):
        try:
            side = output_size(side, conv.kernel_size, conv.stride, conv.padding, conv.ceil_mode)
            field, stride = field + (conv.kernel_size - 1) * stride, stride * conv.stride
            read = maps // spec.towers if conv.grouped else maps
            weights, maps = conv.out_channels * read * conv.kernel_size**2, conv.out_channels
            macs = weights * side**2
            yield LayerTrace(
                f"conv{number}", maps, side, weights + maps, macs, field, stride, not conv.grouped
            )
            for step in conv.then:
                if isinstance(step, Pool):
                    side = output_size(side, step.z, step.s)
                    field, stride = field + (step.z - 1) * stride, stride * step.s
                elif isinstance(step, SpatialNorm):
                    field += (step.n - 1) * stride
                # Batch normalization learns two numbers for each map, and reads no map but that one.
                learned = 2 * maps if isinstance(step, BatchNorm) else 0
                name = f"{STEP_NAMES[type(step)]}{number}"
                yield LayerTrace(name, maps, side, learned, 0, field, stride, reads_all=not learned)
        except ValueError as error:
            raise ValueError(
                f"image_size is {spec.image_size}, and in layer {number} of {spec.name!r} maps run out of "
                f"pixels ({error}). §3.5 uses 224: give a larger image_size"
            ) from None
    inputs = maps * side**2
    for number, units in enumerate((*spec.hidden, spec.classes), 1 + len(spec.convs)):
        yield LayerTrace(f"fc{number}", units, None, inputs * units + units, inputs * units)
        inputs = units


def crossings(spec: AlexNetSpec) -> dict[str, int]:
    """Numbers that cross between the towers for one image, by the layer that reads them (§3.2)."""
    found, below = {}, None
    for layer in trace(spec):
        if below and layer.parameters and layer.reads_all and spec.towers > 1:
            found[layer.name] = crossing_numbers(below.maps, below.side or 1, below.side or 1, spec.towers)
        below = layer
    return found
