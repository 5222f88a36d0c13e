"""Rows on training: a whole step of the paper's net, an epoch of Figure 1's, the update rule."""

from collections.abc import Callable, Iterable
from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..architecture import AlexNet
from ..data.batches import Batches
from ..dataset import ImageSet
from ..learning import PaperSGD, TrainConfig
from ..memory import in_place
from ..normalization import LocalResponseNorm
from ..paper import LEARNING
from ..relu import FourLayerNet
from .inputs import ALONE
from .measure import Pair, Row
from .normalization import torchs_norm

BATCH = 64
EPOCH = 2560  # images of the epoch that is timed: a twentieth of CIFAR-10's
SETTINGS = {"lr": LEARNING.lr, "momentum": LEARNING.momentum, "weight_decay": LEARNING.weight_decay}


def step_of(net: nn.Module, make: Callable, images: Tensor, labels: Tensor) -> Callable[[], None]:
    """Forward, backward and update of a net on one batch."""
    optimizer = make(net.parameters(), **SETTINGS)

    def step():
        loss = F.cross_entropy(net(images), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

    return step


def as_trained(net: nn.Module, work: Callable[[], None]) -> Callable[[], None]:
    """The work with the net in place, as `train` has it: from the first call until nobody has it any more."""

    def calls():
        with in_place(net):
            while True:
                yield work()

    return partial(next, calls())


def whole_step(peer: Callable[[], nn.Module], batch: int = BATCH, tuned: bool = False) -> Pair:
    """The paper's net as `train` runs it, against another net on the same batch, as it comes.

    tuned: the other net has channels last too, and torch's fused update.
    """
    torch.manual_seed(0)
    images, labels = torch.randn(batch, 3, 224, 224), torch.randint(1000, (batch,))
    ours, theirs = AlexNet("paper").to(memory_format=torch.channels_last), peer()
    channels_last = images.contiguous(memory_format=torch.channels_last)
    if tuned:
        theirs.to(memory_format=torch.channels_last)
        run_peer = step_of(theirs, partial(torch.optim.SGD, fused=True), channels_last, labels)
    else:
        run_peer = step_of(theirs, torch.optim.SGD, images, labels)
    return Pair(as_trained(ours, step_of(ours, PaperSGD, channels_last, labels)), run_peer, batch)


def torchvisions_alexnet() -> nn.Module:
    """The net of 2014, which has no response normalization."""
    from torchvision.models import alexnet

    return alexnet()


def with_torchs_norm() -> nn.Module:
    """The paper's net with torch's layer, which works across both towers, in place of ours."""
    net = AlexNet("paper")
    for name, layer in net.features.named_children():
        if isinstance(layer, LocalResponseNorm):
            setattr(net.features, name, torchs_norm())
    return net


def part_of_an_epoch() -> Pair:
    """Figure 1's net on images like CIFAR-10's: our loop against datasets, transforms and a DataLoader."""
    from torchvision.transforms import v2

    draw = torch.Generator().manual_seed(0)
    pixels = torch.randint(0, 256, (EPOCH, 3, 32, 32), dtype=torch.uint8, generator=draw)
    labels = torch.randint(10, (EPOCH,), generator=draw)
    classes = tuple("0123456789")
    images = ImageSet(pixels, labels, classes, "noise", "train", "random pixels")
    config = TrainConfig(
        spec="figure-1-relu", image_size=32, val_fraction=0.0, max_drops=0, dropout=0.0, color_noise=0.0
    )
    batches = Batches(images, torch.arange(EPOCH), config, ALONE)
    net, usual_net = FourLayerNet().to(memory_format=torch.channels_last), _units_first(FourLayerNet())
    arrays = pixels.permute(0, 2, 3, 1).numpy()
    to_numbers = (v2.ToImage(), v2.ToDtype(torch.float32, scale=True), v2.Normalize([0.5] * 3, [0.25] * 3))
    usual = v2.Compose([v2.RandomHorizontalFlip(), *to_numbers])
    loader = torch.utils.data.DataLoader(_Usual(arrays, labels, usual), LEARNING.batch_size, shuffle=True)
    return Pair(
        as_trained(net, lambda: _epoch(net, PaperSGD, map(partial(batches.step, 0), range(batches.steps)))),
        lambda: _epoch(usual_net, torch.optim.SGD, loader),
        EPOCH,
    )


def _units_first(net: FourLayerNet) -> FourLayerNet:
    """The net as such nets are usually written, each unit before its pooling: the same numbers."""
    layers = list(net.features)
    for k in range(1, len(layers), 3):
        layers[k : k + 2] = layers[k + 1], layers[k]
    net.features = nn.Sequential(*layers)
    return net


class _Usual(torch.utils.data.Dataset):
    """What torchvision's CIFAR10 gives: an array in memory, a PIL image of each, a transform."""

    def __init__(self, arrays, labels: Tensor, transform: Callable):
        self.arrays, self.labels, self.transform = arrays, labels.tolist(), transform

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, k: int) -> tuple[Tensor, int]:
        from PIL import Image

        return self.transform(Image.fromarray(self.arrays[k])), self.labels[k]


def _epoch(net: nn.Module, make: Callable, batches: Iterable[tuple[Tensor, Tensor]]) -> None:
    optimizer = make(net.parameters(), **SETTINGS)
    for images, labels in batches:
        loss = F.cross_entropy(net(images), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()


def update(how: str) -> Pair:
    """One update of the paper's 60,965,224 numbers."""

    def on_its_own_copy(make):
        net = AlexNet("paper")
        for parameter in net.parameters():
            parameter.grad = torch.randn_like(parameter)
        return make(net.parameters())

    ours = on_its_own_copy(lambda parameters: PaperSGD(parameters, **SETTINGS))
    theirs = on_its_own_copy(lambda parameters: torch.optim.SGD(parameters, **SETTINGS, **{how: True}))
    return Pair(ours.step, theirs.step)


def rows() -> list[Row]:
    """A step against three peers, Figure 1's epoch, the update rule."""
    ours = "the paper's net with its normalization, channels last"
    found = [
        Row(
            "step/torchvision",
            ours,
            "torchvision.models.alexnet, which normalizes nothing, as it comes, with torch.optim.SGD",
            "the norm takes time; channels last, memory taken again and updates in the cache win it back",
            1.0,
            1.0,
            partial(whole_step, torchvisions_alexnet),
        ),
        Row(
            "step/torchvision-tuned",
            ours,
            "torchvision.models.alexnet with channels last and torch.optim.SGD(fused=True)",
            "the norm takes time; what wins it back from the net as it comes, this one has too",
            None,
            0.85,
            partial(whole_step, torchvisions_alexnet, tuned=True),
        ),
        Row(
            "step/torch-norm",
            ours,
            "the same net with nn.LocalResponseNorm, as it comes",
            "the norm's passes and fresh tensors; max pooling that reads whole cache lines",
            1.5,
            1.9,
            partial(whole_step, with_torchs_norm),
        ),
        Row(
            "epoch/figure-1",
            "images in memory as bytes, whole batches, channels last, pooling before the units",
            "a Dataset of PIL images, v2 transforms, a DataLoader, the units before pooling",
            "no Python for each image; pooling of whole cache lines; a quarter of the ReLUs, in place",
            1.7,
            1.8,
            part_of_an_epoch,
        ),
    ]
    for how in ("foreach", "fused"):
        found.append(
            Row(
                f"update/{how}",
                "PaperSGD, the rule of §5",
                f"torch.optim.SGD({how}=True)",
                "passes over memory: one, a cache's worth of weights at a time; foreach takes 4",
                None,
                1.0,
                partial(update, how),
            )
        )
    return found
