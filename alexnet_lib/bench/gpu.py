"""Rows on one GPU: response normalization, a step of training, and what the input adds to it.

A program hands a GPU its work and goes on. So a call here hands over as many steps as `train` does between
two looks at the loss, and then waits: a wait after each would count Python's time, when the GPU is idle.
"""

from collections.abc import Callable
from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..architecture import SPECS, AlexNet
from ..data.batches import Batches
from ..dataset import ImageSet
from ..learning import PaperSGD, TrainConfig
from ..normalization import LocalResponseNorm
from ..paper import IMAGES
from ..train import LOOK_EVERY
from ..training.ranks import World
from .arithmetic import operations_of_training
from .limits import GPU_COPY, GPU_MATRIX, machine_limits
from .measure import NotMeasured, Pair, Row, Work
from .normalization import FORMATS, SHAPES, torchs_norm
from .steps import SETTINGS, as_trained, torchvisions_alexnet, with_torchs_norm

LARGE = (512, 96, 55, 55)  # conv1's maps of 512 images: no cache holds them, as it may hold the other shapes
PASSES = 5  # over an input's bytes: forward reads and writes one, backward reads two and writes one
BATCHES = (128, 512, 1024)  # the paper's, and two that leave a GPU less time without work
GOAL_IMAGES = 32_000  # a second: 90 passes over ImageNet in an hour
GPU = torch.device("cuda", 0)


def require_gpu(device: torch.device) -> None:
    """Raise NotMeasured where the device is a GPU, and none is there."""
    if device.type == "cuda" and not torch.cuda.is_available():
        raise NotMeasured("no GPU here")


def waited_for(work: Callable[[], object], device: torch.device, times: int = 1) -> Callable[[], None]:
    """The work so many times, and then a wait until the GPU has done it."""

    def run():
        for _ in range(times):
            work()
        if device.type == "cuda":
            torch.cuda.synchronize(device)

    return run


def normalization(shape: tuple[int, ...], layout: str, device: torch.device = GPU) -> Pair:
    """Forward and backward of both layers on the same float32 activities; the share of the copy rate."""
    from .. import normalization_triton  # whose import of Triton takes long

    require_gpu(device)
    if normalization_triton.triton is None:
        raise NotMeasured("no Triton here")
    limit = machine_limits(device="cuda")[GPU_COPY]
    torch.manual_seed(0)
    a, g = (torch.randn(shape, device=device).to(memory_format=FORMATS[layout]) for _ in range(2))
    a.requires_grad_()

    def both_ways(layer: nn.Module) -> Callable[[], None]:
        # Not backward(), which may copy the gradient once more into a.grad.
        return waited_for(lambda: torch.autograd.grad(layer(a), a, g), device, LOOK_EVERY)

    moved = Work("copy", "GB", LOOK_EVERY * PASSES * a.nbytes / 1e9, limit)
    ours, peer = both_ways(LocalResponseNorm()), both_ways(torchs_norm())
    return Pair(ours, peer, LOOK_EVERY * shape[0], work=(moved,))


def step_of(net: nn.Module, make: Callable) -> Callable[[Tensor, Tensor], None]:
    """Forward and backward in bfloat16, and update, of a net on the images and labels that it is given."""
    optimizer = make(net.parameters(), **SETTINGS)

    def step(images: Tensor, labels: Tensor) -> None:
        with torch.autocast(images.device.type, torch.bfloat16):
            loss = F.cross_entropy(net(images).float(), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

    return step


def papers_net(device: torch.device) -> tuple[nn.Module, Callable[[Tensor, Tensor], None]]:
    """The paper's net, channels last, and its step, compiled as `train` has it."""
    net = AlexNet("paper").to(device, memory_format=torch.channels_last)
    return net, step_of(torch.compile(net), PaperSGD)


def whole_step(
    peer: Callable[[], nn.Module], batch: int, tuned: bool = False, device: torch.device = GPU
) -> Pair:
    """The paper's net as `train` runs it, against another net in bfloat16 on the same batch.

    tuned: the other net is compiled and has channels last too, and torch's fused update; else it is as it
    comes.
    """
    require_gpu(device)
    limit = machine_limits(device="cuda")[GPU_MATRIX]
    torch.manual_seed(0)
    images = torch.randn(batch, 3, 224, 224, device=device)
    labels = torch.randint(1000, (batch,), device=device)
    channels_last = images.contiguous(memory_format=torch.channels_last)
    net, step = papers_net(device)
    if tuned:
        theirs = torch.compile(peer().to(device, memory_format=torch.channels_last))
        run_peer = partial(step_of(theirs, partial(torch.optim.SGD, fused=True)), channels_last, labels)
    else:
        run_peer = partial(step_of(peer().to(device), torch.optim.SGD), images, labels)
    count = LOOK_EVERY * batch
    done = Work("matrix", "TFLOP", count * operations_of_training(SPECS["paper"]) / 1e12, limit)
    ours = as_trained(net, waited_for(partial(step, channels_last, labels), device, LOOK_EVERY))
    return Pair(ours, waited_for(run_peer, device, LOOK_EVERY), count, work=(done,))


def input_and_step(batch: int, device: torch.device = GPU) -> Pair:
    """Steps on batches that are cut from bytes on the GPU, against as many on one batch that is ready."""
    require_gpu(device)
    torch.manual_seed(0)
    count = LOOK_EVERY * batch
    pixels = torch.randint(0, 256, (count, 3, IMAGES.stored, IMAGES.stored), dtype=torch.uint8)
    images = ImageSet(pixels, torch.zeros(count).long(), ("noise",), "noise", "train", "random pixels")
    config = TrainConfig(val_fraction=0.0, max_drops=0, batch_size=batch)
    batches = Batches(images, torch.arange(count), config, World(0, 1, 0, device))
    if batches.images.device != device:
        raise NotMeasured(f"this GPU has no room for the bytes of {count:,} images")
    (net, step), (same_net, same_step) = papers_net(device), papers_net(device)

    def epoch():
        for number in range(batches.steps):
            step(*batches.step(0, number))

    ours = as_trained(net, waited_for(epoch, device))
    alone = waited_for(partial(same_step, *batches.step(0, 0)), device, batches.steps)
    return Pair(ours, as_trained(same_net, alone), count)


def rows() -> list[Row]:
    """Normalization in both orders of memory; a step against two peers; the input, which is to cost 5 %."""
    ours = "the paper's net with its normalization, channels last, bfloat16, compiled"
    found = [
        Row(
            f"norm-gpu/{'x'.join(map(str, shape))}/{layout}",
            "one Triton kernel each way",
            "nn.LocalResponseNorm on the same GPU",
            "3 passes back and 2 forward instead of some 20",
            None,
            None,
            partial(normalization, shape, layout),
            {"of the copy rate": 0.6},
        )
        for layout in FORMATS
        for shape in (*SHAPES, LARGE)
    ]
    for batch in BATCHES:
        found += [
            Row(
                f"step-gpu/{batch}/torchvision",
                ours,
                "torchvision.models.alexnet, channels last, bfloat16, compiled, torch.optim.SGD(fused=True)",
                "nothing for us: the norm's passes, and an update in four passes, are ours alone",
                None,
                None,
                partial(whole_step, torchvisions_alexnet, batch, tuned=True),
                {"images/s": GOAL_IMAGES},
            ),
            Row(
                f"step-gpu/{batch}/torch-norm",
                ours,
                "the same net with nn.LocalResponseNorm, bfloat16, not compiled, as it comes",
                "the norm's passes; steps that the compiler joins; max pooling of whole cache lines",
                None,
                None,
                partial(whole_step, with_torchs_norm, batch),
            ),
        ]
    for batch in BATCHES[:2]:
        found.append(
            Row(
                f"input-gpu/{batch}",
                "crops, reflections and colors out of bytes on the GPU, then the step",
                "the step alone, on a batch that is ready",
                "nothing for us: the input is to take under 5 % of the step",
                0.95,
                None,
                partial(input_and_step, batch),
            )
        )
    return found
