"""Shapes, parameters, multiply-accumulates and receptive fields of a net, by arithmetic alone (§3.5)."""

from collections.abc import Iterator
from dataclasses import dataclass

from .architecture import STEP_NAMES, AlexNetSpec, BatchNorm, Pool, SpatialNorm
from .guard import validated
from .pooling import output_size
from .towers import crossing_numbers


@dataclass(frozen=True)
class LayerTrace:
    """One layer's output and cost for one image. `size` is None behind the convolutions."""

    name: str
    channels: int
    size: int | None
    parameters: int = 0
    multiply_accumulates: int = 0
    receptive_field: int | None = None  # side, in input pixels, of what one output sees
    stride: int | None = None  # input pixels between neighboring outputs
    reads_all: bool = True  # the channels of both towers

    @property
    def numbers(self) -> int:
        """How many numbers the layer puts out for one image."""
        return self.channels * (self.size or 1) ** 2

    @property
    def neurons(self) -> int:
        """Neurons as Figure 2 counts them: outputs of convolutional and fully-connected layers."""
        return self.numbers if self.name.startswith(("conv", "fc")) else 0


@validated
def trace(spec: AlexNetSpec) -> Iterator[LayerTrace]:
    """Shapes, parameters, multiply-accumulates and receptive fields, layer by layer (§3.5)."""
    channels, size, field, stride = 3, spec.image_size, 1, 1
    for number, conv in enumerate(spec.convs, 1):
        read = channels // spec.towers if conv.grouped else channels
        channels = conv.out_channels
        weights = channels * read * conv.kernel_size**2
        size = output_size(size, conv.kernel_size, conv.stride, conv.padding, conv.ceil_mode)
        field, stride = field + (conv.kernel_size - 1) * stride, stride * conv.stride
        cost = weights + channels, weights * size**2
        yield LayerTrace(f"conv{number}", channels, size, *cost, field, stride, not conv.grouped)
        for step in conv.then:
            if isinstance(step, Pool):
                size = step.output_size(size)
                field, stride = field + (step.z - 1) * stride, stride * step.s
            elif isinstance(step, SpatialNorm):
                field += (step.n - 1) * stride
            # Batch normalization learns two numbers for each channel, and reads no other channel.
            learned = 2 * channels if isinstance(step, BatchNorm) else 0
            name = f"{STEP_NAMES[type(step)]}{number}"
            yield LayerTrace(name, channels, size, learned, 0, field, stride, reads_all=not learned)
    inputs = channels * size**2
    for number, units in enumerate((*spec.hidden, spec.classes), 1 + len(spec.convs)):
        yield LayerTrace(f"fc{number}", units, None, inputs * units + units, inputs * units)
        inputs = units


def crossings(spec: AlexNetSpec) -> dict[str, int]:
    """Numbers that cross between the towers for one image, by the layer that reads them (§3.2)."""
    found, below = {}, None
    for layer in trace(spec):
        if below and layer.parameters and layer.reads_all and spec.towers > 1:
            found[layer.name] = crossing_numbers(
                below.channels, below.size or 1, below.size or 1, spec.towers
            )
        below = layer
    return found
