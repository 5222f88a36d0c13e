"""What "Find the bug" draws, tabulates and asks."""

from collections.abc import Callable, Sequence
from functools import wraps

import torch
from torch import Tensor, nn

from ..learning import PaperSGD
from ..paper import BIAS_ONE, LEARNING, LRN, NEURONS
from .verdict import Verdict

LAYERS = ("conv1", "conv2", "conv3", "conv4", "conv5", "fc6", "fc7", "fc8")


def _reporting(check: Callable[..., Verdict]) -> Callable[..., Verdict]:
    """A check that says in one line which error a piece raised; a reader's code may raise anything."""

    @wraps(check)
    def answer(piece: object) -> Verdict:
        try:
            return check(piece)
        except Exception as error:
            # torch explains at length after a colon; the first sentence is enough to look it up.
            sentence = str(error).partition("\n")[0].partition(": [")[0]
            return Verdict(False, f"running it raised {type(error).__name__}: {sentence}")

    return answer


@_reporting
def check_first_norm(layer: Callable) -> Verdict:
    """§3.3: layer(a), feature maps (N, 96, H, W) -> normalized by the formula or as the original code."""
    factors = {"the formula": LRN.alpha, "the original code": LRN.alpha / LRN.n}

    def response(activation: float) -> float:
        lone = torch.zeros(1, 96, 1, 1)
        lone[0, 40] = activation  # all its neighbors are zero
        return layer(lone)[0, 40].item()

    small = response(1e-3) / 1e-3
    if not abs(small - LRN.k**-LRN.beta) <= 1e-3:
        return Verdict(
            False, f"a very small activation comes out {small:.2f} times as large; k = 2 makes it 0.59"
        )
    large = response(100.0)
    factor = ((100.0 / large) ** (1 / LRN.beta) - LRN.k) / 100.0**2
    if not any(abs(factor / right - 1) < 0.01 for right in factors.values()):
        known = ", ".join(f"{name} {right:.0e}" for name, right in factors.items())
        return Verdict(
            False,
            f"a lone activation of 100 comes out as {large:.1f}, as if its square were multiplied by "
            f"{factor:.0e} ({known})",
        )
    return Verdict(True, "a lone activation is scaled down as in the formula, or as in the original code.")


@_reporting
def check_conv3(layer: Callable) -> Verdict:
    """§3.5: layer(a), conv3 applied to 256 feature maps, (N, 256, 13, 13)."""
    found = layer(torch.zeros(1, 256, 13, 13)).numel()
    if found != NEURONS["conv3"]:
        return Verdict(False, f"conv3 has {found:,} neurons, and Figure 2 gives {NEURONS['conv3']:,}")
    return Verdict(True, f"{found:,} neurons, as in Figure 2.")


@_reporting
def check_first_windows(layer: Callable) -> Verdict:
    """§3.5: layer(images), (N, 3, 224, 224) -> 55 x 55 windows of 11 x 11 with stride 4, from pixel 0 on."""
    image = torch.randn(1, 3, 224, 224, generator=torch.Generator().manual_seed(35), requires_grad=True)
    maps = layer(image)

    def seen_by(part: Tensor) -> list[int]:
        """The columns of pixels that some outputs depend on."""
        gradient = torch.autograd.grad(part.sum(), image, retain_graph=True)[0]
        return (gradient != 0).any(dim=2)[0].any(dim=0).nonzero().flatten().tolist()

    if maps.shape[-2:] != (55, 55):
        unread = 224 - len(seen_by(maps))
        also = f"; columns of pixels that no window reads: {unread}" if unread else ""
        return Verdict(False, f"there are {maps.shape[-1]} windows in a row, and Figure 2 has 55{also}")
    first, last = seen_by(maps[..., 0]), seen_by(maps[..., -1])
    if first != list(range(11)) or last != list(range(216, 224)):
        return Verdict(
            False,
            f"there are 55 windows in a row; the first sees pixels {first[0]} to {first[-1]}, and a window "
            f"of 11 that starts at pixel 0 sees 0 to 10",
        )
    return Verdict(True, "55 windows; the first starts at pixel 0, the last extends past the border by 3.")


def _weighted(build: Callable) -> dict[str, nn.Module]:
    """The eight layers with weights of the network that `build()` makes, by name."""
    layers = [layer for layer in build().modules() if isinstance(layer, nn.Conv2d | nn.Linear)]
    if len(layers) != len(LAYERS):
        raise ValueError(f"a network with {len(layers)} layers that hold weights, and §3.5 has {len(LAYERS)}")
    return dict(zip(LAYERS, layers, strict=True))


@_reporting
def check_start(build: Callable) -> Verdict:
    """§5: build() makes a net of eight layers whose weights are drawn from N(0, 0.01)."""
    right = LEARNING.initial_std
    stds = {name: layer.weight.std().item() for name, layer in _weighted(build).items()}
    wrong = [name for name, std in stds.items() if not abs(std / right - 1) <= 0.1]
    if wrong:
        return Verdict(
            False,
            f"the weights do not have the standard deviation {right} of §5 in "
            f"{', '.join(wrong)}: was it asked for?",
        )
    return Verdict(True, f"the initial weights of all eight layers have a standard deviation of {right}.")


@_reporting
def check_biases(build: Callable) -> Verdict:
    """§5: build() makes a net of eight layers whose biases start at 1 where the paper says, else at 0."""
    wrong = []
    for name, layer in _weighted(build).items():
        values = layer.bias.unique().tolist()
        if values != [float(name in BIAS_ONE)]:
            wrong.append(f"{name} ({values[0]:g})" if len(values) == 1 else f"{name} (many values)")
    if wrong:
        return Verdict(False, f"the initial biases are not those of §5 in {', '.join(wrong)}")
    return Verdict(True, "the initial biases are 1 in five layers and 0 in three, as in §5.")


@_reporting
def check_random_change(dataset: Sequence) -> Verdict:
    """§4.1: a training set with random augmentation; image 0 is read 20 times."""
    reads = [dataset[0][0] for _ in range(20)]
    if not all(isinstance(read, Tensor) for read in reads):
        return Verdict(False, f"image 0 comes as {type(reads[0]).__name__}, and a network needs tensors")
    different = len({read.numpy().tobytes() for read in reads})
    if different == 1:
        return Verdict(
            False, "20 reads of image 0 gave the same picture 20 times: no augmentation reaches it"
        )
    return Verdict(True, f"20 reads of image 0 gave {different} different pictures.")


@_reporting
def check_three_sets(split: Callable) -> Verdict:
    """§5: split(train, test), two lists of image numbers -> lists for training, validation and test."""
    train, test = list(range(1000)), list(range(1000, 1200))
    learned, chosen, reported = (set(part) for part in split(list(train), list(test)))
    if not chosen:
        return Verdict(False, "the validation set is empty")
    if borrowed := chosen & set(test):
        return Verdict(
            False,
            f"{len(borrowed)} of {len(chosen)} validation images are test images: a choice made by them has "
            f"seen the test",
        )
    if both := learned & chosen:
        return Verdict(False, f"{len(both)} validation images are trained on too")
    if reported != set(test):
        return Verdict(False, f"the test set has {len(reported)} images, and {len(test)} were given for it")
    if not learned | chosen <= set(train):
        return Verdict(False, "the training set holds images that were given for the test")
    return Verdict(True, "nothing is trained or chosen by a test image, and every test image is used.")


@_reporting
def check_learns(block: nn.Module) -> Verdict:
    """§4.2: a hidden layer of 64 inputs with ReLU and dropout, which has to learn."""
    block.train()
    a = torch.ones(16, 64)
    first, second = block(a), block(a)
    if torch.equal(first, second):
        return Verdict(False, "two passes in training give the same: no unit is dropped")
    first.square().sum().backward()
    missing = [name for name, weight in block.named_parameters() if weight.grad is None]
    if missing:
        return Verdict(False, f"no gradient arrives at {', '.join(missing)}")
    block.eval()
    if not torch.equal(block(a), block(a)):
        return Verdict(False, "two passes in evaluation mode differ: units are dropped there too")
    return Verdict(True, "units are dropped in training only, and gradients arrive.")


@_reporting
def check_update(make: Callable) -> Verdict:
    """§5: make(parameters) -> the optimizer whose first steps are those of the paper's rule."""

    def path(make: Callable) -> list[float]:
        weight = nn.Parameter(torch.tensor([1.0, 1.0], dtype=torch.float64))
        optimizer, moved = make([weight]), []
        for _ in range(3):
            weight.grad = torch.tensor([0.1, 10.0], dtype=torch.float64)
            optimizer.step()
            moved += (1 - weight.detach()).tolist()  # how far from where they started
        return moved

    found, expected = path(make), path(PaperSGD)
    wrong = [
        step
        for step, pair in enumerate(zip(found, expected, strict=True))
        if not abs(pair[0] / pair[1] - 1) <= 1e-6  # so that nan is wrong too
    ]
    if not wrong:
        return Verdict(True, "after three steps the weights are those of the update rule of §5.")
    step = wrong[0] // 2
    moved, right = found[2 * step : 2 * step + 2], expected[2 * step : 2 * step + 2]
    return Verdict(
        False,
        f"under gradients of 0.1 and 10 two weights have moved {moved[0]:.2g} and {moved[1]:.2g} by step "
        f"{step + 1}; by the update rule of §5 it is {right[0]:.2g} and {right[1]:.2g}",
    )
