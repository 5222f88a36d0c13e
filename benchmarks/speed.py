"""How fast the library is, as ratios to a named baseline that is timed in the same run.

    python benchmarks/speed.py                           every row, on the GPU if there is one
    python benchmarks/speed.py lrn step --rounds 9       rows whose name begins so
    python benchmarks/speed.py --record                  and writes speed.json, which the book shows

Ours and the baseline take turns, so a busy machine slows both alike. A row reports the median of the rounds'
ratios, the lowest and the highest. Above 1, ours is faster.
"""

import argparse
import json
import os
import platform
import statistics
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from datetime import date
from functools import partial
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.profiler import ProfilerActivity, profile
from torch.utils.benchmark import Timer
from torchvision.models import alexnet
from torchvision.transforms import v2

from alexnet_lib import fast
from alexnet_lib.architecture import AlexNet
from alexnet_lib.augmentation import PCAColorNoise, RandomCropFlip
from alexnet_lib.learning import PaperSGD
from alexnet_lib.normalization import LocalResponseNorm

RECORD = Path(__file__).with_name("speed.json")
BATCH = 32  # images of a step
HERE = "cuda" if torch.cuda.is_available() else "cpu"
SECONDS = 0.2  # at least, for one side of a round
FORMATS = {"contiguous": torch.contiguous_format, "channels_last": torch.channels_last}
Call = Callable[[], object]


@dataclass(frozen=True)
class Row:
    """One comparison. prepare: makes two calls, ours and the baseline; images: how many one call takes."""

    what: str
    ours: str
    baseline: str
    prepare: Callable[[], tuple[Call, Call]]
    images: int


@dataclass(frozen=True)
class Measured:
    """ratio: the baseline's time divided by ours, median over the rounds; low and high: the extremes.

    memory: the most bytes that ours and the baseline allocate in a call; None on a GPU.
    """

    what: str
    ours: str
    baseline: str
    ratio: float
    low: float
    high: float
    images_per_second: float
    memory: tuple[int, int] | None


def measure(row: Row, rounds: int, device: str) -> Measured:
    """Time the baseline and ours in turn; the first call of each, which warms up, is not counted."""
    calls = row.prepare()
    timers = [Timer("call()", globals={"call": call}, num_threads=torch.get_num_threads()) for call in calls]
    counts = [max(1, round(SECONDS / timer.timeit(1).median)) for timer in timers]
    times = [[t.timeit(n).median for t, n in zip(timers, counts, strict=True)] for _ in range(rounds)]
    ratios = [baseline / ours for ours, baseline in times]
    memory = tuple(map(peak_memory, calls)) if device == "cpu" else None
    rate = row.images / statistics.median(ours for ours, _ in times)
    extremes = statistics.median(ratios), min(ratios), max(ratios)
    return Measured(
        row.what, row.ours, row.baseline, *(round(r, 3) for r in extremes), round(rate, 1), memory
    )


def peak_memory(call: Call) -> int:
    """The most bytes that the tensors made during a call take at one time, on the CPU."""
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True, acc_events=True) as seen:
        call()
    held = most = 0
    for event in seen.profiler.kineto_results.events():
        if event.name() == "[memory]":
            held += event.nbytes()
            most = max(most, held)
    return most


# Response normalization


def torch_lrn() -> nn.Module:
    """torch's layer with the paper's constants; it divides alpha by n."""
    return nn.LocalResponseNorm(5, alpha=5e-4, beta=0.75, k=2.0)


def lrn(shape: tuple[int, ...], memory_format: torch.memory_format, device: str) -> tuple[Call, Call]:
    """One forward and backward pass of the layer."""
    a, gradient = (torch.randn(shape, device=device).to(memory_format=memory_format) for _ in range(2))
    a.requires_grad_()

    def forward_backward(layer: nn.Module) -> None:
        a.grad = None
        layer(a).backward(gradient)

    # Within a container, because `use` takes a network.
    ours = fast.use(nn.Sequential(LocalResponseNorm()))
    return partial(forward_backward, ours), partial(forward_backward, torch_lrn())


# One training step


def step(net: nn.Module, make: Callable, device: str, precision: torch.dtype = torch.float32) -> Call:
    """Forward pass, backward pass and update on one batch, in channels_last."""
    images = torch.randn(BATCH, 3, 224, 224, device=device).to(memory_format=torch.channels_last)
    labels = torch.randint(1000, (BATCH,), device=device)
    net = net.to(device, memory_format=torch.channels_last)
    optimizer = make(net.parameters(), lr=0.01, momentum=0.9, weight_decay=5e-4)

    def run() -> None:
        with torch.autocast(device, precision, enabled=precision != torch.float32):
            loss = F.cross_entropy(net(images), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

    return run


def paper_step(device: str, precision: torch.dtype = torch.float32) -> Call:
    return step(fast.use(AlexNet("paper")), PaperSGD, device, precision)


def torchvision_step(device: str, precision: torch.dtype) -> Call:
    return step(alexnet(), partial(torch.optim.SGD, fused=True), device, precision)


def torch_lrn_step(device: str) -> Call:
    """The paper's network with torch's normalization, which runs across both towers."""
    net = AlexNet("paper")
    for name, layer in net.features.named_children():
        if isinstance(layer, LocalResponseNorm):
            setattr(net.features, name, torch_lrn())
    return step(net, PaperSGD, device)


# The update, and the input


def update(device: str) -> tuple[Call, Call]:
    """One update of the paper's 60,965,224 parameters."""

    def of(make: Callable) -> Call:
        net = AlexNet("paper").to(device)
        for parameter in net.parameters():
            parameter.grad = torch.randn_like(parameter)
        return make(net.parameters(), lr=0.01, momentum=0.9, weight_decay=5e-4).step

    return of(PaperSGD), of(partial(torch.optim.SGD, foreach=True))


def augment() -> tuple[Call, Call]:
    """A batch of 128 crops, flipped and with color noise, from stored images of 256 pixels."""
    images = torch.randint(0, 256, (128, 3, 256, 256), dtype=torch.uint8)
    crop, noise = RandomCropFlip(224), PCAColorNoise().fit(images)
    values, vectors = noise.eigenvalues.float(), noise.eigenvectors.float()

    def colored(image: Tensor) -> Tensor:
        return image + 255 * (vectors @ (0.1 * torch.randn(3) * values))[:, None, None]

    usual = v2.Compose([v2.RandomCrop(224), v2.RandomHorizontalFlip(), v2.ToDtype(torch.float32), colored])
    return lambda: noise(crop(images)), lambda: torch.stack([usual(image) for image in images])


def rows(device: str) -> Iterator[Row]:
    for name, memory_format in FORMATS.items():
        for shape in ((32, 96, 55, 55), (128, 256, 13, 13)):
            what = f"lrn {'x'.join(map(str, shape))} {name}"
            prepare = partial(lrn, shape, memory_format, device)
            yield Row(what, "fast.use(LocalResponseNorm())", "nn.LocalResponseNorm", prepare, shape[0])
    # A processor without instructions for bfloat16 emulates it: that would measure the emulation.
    half = device == "cuda" or cpu_has_bfloat16()
    for precision in (torch.float32, torch.bfloat16)[: 1 + half]:
        name = str(precision).removeprefix("torch.")

        def pair(precision=precision):
            return paper_step(device, precision), torchvision_step(device, precision)

        tuned = "torchvision's alexnet, no LRN, channels_last, fused SGD"
        yield Row(f"step {name}", "the paper's network, fast.use", tuned, pair, BATCH)

    def against_torch_lrn():
        return paper_step(device), torch_lrn_step(device)

    def against_float32():
        return paper_step(device, torch.bfloat16), paper_step(device)

    ours = "the paper's network, fast.use"
    yield Row("step torch-lrn", ours, "the same with nn.LocalResponseNorm", against_torch_lrn, BATCH)
    if half:
        tuned = "the same in float32"
        yield Row("step bfloat16/float32", f"{ours}, bfloat16 autocast", tuned, against_float32, BATCH)
    yield Row(
        "update", "PaperSGD, the rule of §5", "torch.optim.SGD(foreach=True)", partial(update, device), 1
    )
    if device == "cpu":
        usual = "torchvision's v2 transforms, image by image"
        yield Row("augment", "RandomCropFlip and PCAColorNoise, a batch at once", usual, augment, 128)


def cpu_has_bfloat16() -> bool:
    return torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported()


def machine(device: str, rounds: int) -> str:
    """Where and when it was measured, in one sentence."""
    name = torch.cuda.get_device_name() if device == "cuda" else f"{platform.machine()} CPU"
    threads = torch.get_num_threads()
    load = f"{os.getloadavg()[0]:.1f}"
    return (
        f"{name}, {threads} thread{'s' * (threads > 1)}, load {load} at the end, {rounds} rounds, "
        f"torch {torch.__version__}, {date.today()}: "
        f"`python benchmarks/speed.py --rounds {rounds} --threads {threads}`."
    )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("names", nargs="*", help="rows whose name begins so; without, all")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--device", choices=("cpu", "cuda"), default=HERE)
    parser.add_argument("--record", action="store_true", help="write speed.json")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    torch.manual_seed(0)
    found = []
    for row in rows(arguments.device):
        if not arguments.names or row.what.startswith(tuple(arguments.names)):
            found.append(measure(row, arguments.rounds, arguments.device))
            one = found[-1]
            ratio = f"{one.ratio:6.2f}  ({one.low:.2f} to {one.high:.2f})"
            print(f"{one.what:36} {ratio}  {one.images_per_second:,.0f} images/s", flush=True)
    if arguments.record:
        record = {
            "machine": machine(arguments.device, arguments.rounds),
            "rows": [asdict(one) for one in found],
        }
        RECORD.write_text(json.dumps(record, indent=1, ensure_ascii=False) + "\n", "utf-8")


if __name__ == "__main__":
    main()
