"""What can be said of speed without a clock: operations of a step, and what several GPUs cost each other."""

from ..spec import AlexNetSpec, trace

# Bytes a second that one GPU sends while it receives as many: what the makers print, not what a program gets.
LINKS = {
    "NVLink of an H100 SXM": 450e9,  # NVIDIA's data sheet: 900 GB/s, both directions together
    "PCIe 5.0, 16 lanes": 32e9 * 16 / 8 * 128 / 130,  # its standard: 32 GT/s a lane, 128 bits of every 130
}


def operations_of_training(spec: AlexNetSpec) -> int:
    """Additions and multiplications that convolutions and layers of units do for one image, both ways.

    Backward takes twice forward, once for the weights and once for what the layer has read, except for the
    first layer: nobody asks for the gradient of the image.
    """
    each = [layer.multiply_accumulates for layer in trace(spec)]
    return 2 * (3 * sum(each) - each[0])


def backward_share(spec: AlexNetSpec) -> float:
    """How much of these operations backward is."""
    each = [layer.multiply_accumulates for layer in trace(spec)]
    return 1 - 2 * sum(each) / operations_of_training(spec)


def all_reduce_seconds(count: int, gpus: int, rate: float) -> float:
    """How long GPUs in a ring take at best until each has the sum of all gradients.

    count: bytes of one GPU's gradients. rate: bytes a second that a GPU sends to the next one while it
    receives as many. In a ring of n a GPU sends an n-th of them 2 (n - 1) times: to add up, then to spread.
    """
    return 2 * (gpus - 1) / gpus * count / rate


def efficiency(step: float, exchange: float, hidden: float = 0.0) -> float:
    """Images a second of n GPUs, divided by n times those of one that works alone.

    All in seconds. step: of one GPU alone; exchange: of the gradients; hidden: the most of it that passes
    while the GPU computes.
    """
    return step / (step + max(0.0, exchange - hidden))


def gradient_bytes(spec: AlexNetSpec) -> int:
    """What the processes exchange in a step: a float32 number for each parameter, whatever the precision."""
    return 4 * sum(layer.parameters for layer in trace(spec))
