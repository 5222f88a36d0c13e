"""What chapter 5 draws, tabulates and asks."""

import math
from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

from ..learning import PaperSGD, Plateau
from ..paper import IMAGES, LEARNING
from .palette import BLUE, GRAY, GREEN, ORANGE
from .picture import NARROW, Picture, styled, subplots
from .table import Table
from .verdict import Verdict, check_function, check_number

LOOKS = ((BLUE, "-"), (ORANGE, "--"), (GREEN, "-."), (GRAY, ":"))


def momentum_average(momentum: float, gradients: Sequence[float], velocity: Sequence[float]) -> Picture:
    """What momentum averages (§5): the weight of each past gradient, and noisy gradients with their average.

    velocity: the average of the gradients so far at each step, on the gradients' own scale.
    """
    figure, (above, below) = subplots(2, 1, figsize=(NARROW, 5.0))
    ages = range(31)
    left = [momentum**age for age in ages]
    half = math.ceil(math.log(0.5) / math.log(momentum))
    above.bar(ages, left, color=[BLUE if age < half else GRAY for age in ages], width=0.7)
    above.set(xlabel="steps since the gradient", ylabel="weight of a gradient", xlim=(-0.6, 30.6))
    above.text(half, 0.62, f"below one half after {half} steps", fontsize=11, color=GRAY, fontweight="bold")
    below.plot(gradients, ".", color=GRAY, markersize=5)
    below.plot(velocity, color=BLUE, lw=2.4)
    below.set(xlabel="step", ylabel="gradient, average")
    below.set_title("dots: gradients; line: their average with these weights", fontsize=10.5, loc="left")
    return Picture(
        figure,
        f"Above, the weight of a gradient by its age: {momentum:g} to the power of the age, below one half "
        f"after {half} steps and {left[-1]:.2f} after 30. Below, {len(gradients)} noisy gradients as dots "
        f"and their average as a smoother line.",
    )


def step_lengths(rules: dict[str, Sequence[float]], drop: int) -> Picture:
    """How long each step is by two update rules, when the rate is divided after step `drop` (§5)."""
    figure, axis = subplots(figsize=(NARROW, 3.4))
    told = []
    for (name, lengths), (color, style) in styled(rules, LOOKS):
        axis.semilogy(range(1, len(lengths) + 1), lengths, style, color=color, lw=2.4, label=name)
        told.append(f"{name} {lengths[drop] / lengths[drop - 1]:.2f}")
    axis.axvline(drop + 0.5, color=GRAY, ls=":", lw=1.5)
    axis.set(xlabel="step", ylabel="length of the step", xlim=(0.5, len(lengths) + 0.5))
    axis.legend(frameon=False, fontsize=10.5)
    return Picture(
        figure,
        f"Length of each step over {len(lengths)} steps, on a scale of powers of ten; the rate is divided by "
        f"ten after step {drop}. The next step as a share of the one before it: {', '.join(told)}.",
    )


def plateaus(errors: Sequence[float], rates: Sequence[float]) -> Picture:
    """A validation error over epochs, and below it the rate of each epoch (§5)."""
    figure, (above, below) = subplots(2, 1, figsize=(NARROW, 4.4), sharex=True)
    epochs = range(1, len(errors) + 1)
    above.plot(epochs, [100 * error for error in errors], "o-", color=BLUE, lw=2, ms=4)
    above.set(ylabel="validation error, %", ylim=(0, None))
    below.step(epochs, rates, where="mid", color=ORANGE, lw=2.4)
    below.set(yscale="log", xlabel="epoch", ylabel="learning rate")
    changes = [epoch + 1 for epoch in range(1, len(rates)) if rates[epoch] != rates[epoch - 1]]
    for axis in (above, below):
        for epoch in changes:
            axis.axvline(epoch - 0.5, color=GRAY, ls=":", lw=1.5)
    lower = ", ".join(f"{rates[epoch - 1]:g} from epoch {epoch}" for epoch in changes)
    return Picture(
        figure,
        f"A validation error over {len(errors)} epochs, and below it the learning rate: {rates[0]:g}, "
        f"{lower or 'the same throughout'}.",
    )


def first_signals(arms: dict[str, dict[str, tuple[float, float]]]) -> Picture:
    """What each layer of an untrained net hands on; arms: name -> layer -> (spread between pictures, open).

    Spread: how far a unit's output lies apart from picture to picture. Open: the share of ReLUs above zero;
    the last layer has none, and its share is not drawn.
    """
    figure, (above, below) = subplots(2, 1, figsize=(NARROW, 5.6), sharex=True)
    told = []
    for number, ((name, found), (color, style)) in enumerate(styled(arms, LOOKS)):
        spreads, shares = zip(*found.values(), strict=True)
        line = {"color": color, "ls": style, "marker": "os^D"[number], "lw": 2.2}
        above.plot(spreads, label=name, **line)
        below.plot([100 * share for share in shares[:-1]], **line)
        least, most = min(shares[:-1]), max(shares[:-1])
        told.append(f"{name}: spread {spreads[0]:.1g} to {spreads[-1]:.1g}, open {least:.0%} to {most:.0%}")
    above.set(yscale="log", ylabel="spread between pictures")
    above.legend(frameon=False, fontsize=10.5, loc="lower left")
    below.set(ylabel="ReLUs above zero, %", ylim=(-3, 103))
    below.set_xticks(range(len(found)), found, fontsize=10)
    first, *_, last = found
    return Picture(figure, f"Two measures of each layer's output, {first} to {last}. {'; '.join(told)}.")


def losses(panels: dict[str, dict[str, Sequence[float]]], classes: int, window: int = 5) -> Picture:
    """Training losses over steps, each point a mean of `window` steps, and the line of a net that guesses.

    panels: title -> name of the run -> the loss of each step. A loss above the picture is drawn at its edge,
    and one that is no number leaves a hole.
    """
    shape = {"figsize": (NARROW, 2.9 * len(panels)), "sharex": True, "squeeze": False}
    figure, axes = subplots(len(panels), 1, **shape)
    guess, most, told = math.log(classes), 1.35 * math.log(classes), []
    for axis, (title, runs) in zip(axes.flat, panels.items(), strict=True):
        for (name, values), (color, style) in styled(runs, LOOKS):
            places = range(window, len(values) + 1, window)
            means = [sum(values[end - window : end]) / window for end in places]
            axis.plot(places, [min(mean, most) for mean in means], style, color=color, lw=2.4, label=name)
            told.append(f"{name} {'ends below' if means[-1] < 0.96 * guess else 'does not get below'} it")
        axis.axhline(guess, color="black", lw=1)
        axis.text(1, guess - 0.04, f"ln {classes}", fontsize=10, va="top", clip_on=True)
        axis.set(ylabel="loss", ylim=(0.45 * guess, 1.01 * most))
        axis.set_title(title, fontsize=11, loc="left", pad=26)
        axis.legend(frameon=False, fontsize=10, ncol=3, loc="lower left", bbox_to_anchor=(-0.02, 0.98))
    axes.flat[-1].set_xlabel("step")
    return Picture(
        figure, f"Training loss over steps, with a line at ln {classes} = {guess:.2f}. {'; '.join(told)}."
    )


def decay_half_lives(rates: Sequence[float], images: int = IMAGES.training_images) -> Table:
    """How long weight decay alone takes to halve a weight, by arithmetic from §5's numbers.

    A pull of weight_decay * rate a step, and momentum that adds up to 1 / (1 - momentum) of it.
    """
    passes, rows = images // LEARNING.batch_size, []
    for rate in rates:
        steps = math.log(2) * (1 - LEARNING.momentum) / (LEARNING.weight_decay * rate)
        rows.append((f"{rate:g}", f"{float(f'{steps:.2g}'):,.0f}", f"{float(f'{steps / passes:.2g}'):,g}"))
    columns = ("learning rate", "steps", "passes over the training set")
    return Table("Weight decay alone halves a weight in (arithmetic)", columns, tuple(rows))


CLASSES = 1000
PULLED_TO = 0.5


def check_first_loss(answer: float) -> Verdict:
    """§5: the loss of a net with 1000 classes that finds all of them equally likely."""
    return check_number(
        answer,
        math.log(CLASSES),
        "Hint: each class has the probability 1/1000, and the loss is minus the natural logarithm of the "
        "right class's probability.",
        "ln 1000; whoever sees this number and no other has a net that tells no pictures apart.",
        tolerance=1e-3,
    )


def check_decay_steps(answer: float) -> Verdict:
    """§5: steps until weight decay alone has halved a weight, at the first rate and with momentum."""
    pull = LEARNING.weight_decay * LEARNING.lr / (1 - LEARNING.momentum)
    return check_number(
        answer,
        math.log(PULLED_TO) / math.log1p(-pull),
        "Hint: one step pulls by 0.0005 times 0.01 times the weight, and momentum makes ten times that of "
        "it. How often must 1 minus this be multiplied to make 1/2?",
        "about one and a half passes over the training set, at the first rate.",
        tolerance=0.01,
    )


def _papers_walk(start: Tensor, gradients: Tensor, rates: Sequence[float]) -> Tensor:
    weight = nn.Parameter(start.clone())
    optimizer, places = PaperSGD([weight]), []
    for gradient, rate in zip(gradients, rates, strict=True):
        optimizer.param_groups[0]["lr"] = rate
        weight.grad = gradient
        optimizer.step()
        places.append(weight.detach().clone())
    return torch.stack(places)


def check_walk(answer: Callable) -> Verdict:
    """§5: walk(start, gradients, rates): the weights (n,) after each step, as (steps, n)."""
    draw = torch.Generator().manual_seed(5)
    start = 20 * torch.randn(4, generator=draw, dtype=torch.float64)
    gradients = torch.randn(12, 4, generator=draw, dtype=torch.float64)
    return check_function(
        answer,
        _papers_walk,
        [
            (start, gradients[:1], [0.01]),
            (start, gradients, [0.01] * 12),
            (start, gradients, [0.1, 0.01] * 6),
        ],
        "Hint: the velocity begins at zero; it keeps 0.9 of itself, loses 0.0005 times rate times weight, "
        "and loses rate times gradient; only then is it added to the weight. The rate of a step acts "
        "on what this step adds, not on the old velocity.",
        "also when the rate changes, which is where torch.optim.SGD goes another way.",
        tolerance=1e-7,
    )


def _plateaus(errors: Sequence[float], patience: int) -> list[int]:
    plateau = Plateau(patience=patience)
    return [epoch for epoch, error in enumerate(errors, 1) if plateau.step(error)]


def check_division_epochs(answer: Callable) -> Verdict:
    """§5: divisions(errors, patience) -> after which epochs, from 1, the rate is divided; three at most."""
    falling = [0.9, 0.8, 0.7, 0.6]
    return check_function(
        answer,
        _plateaus,
        [
            (falling, 2),
            ([*falling, 0.61, 0.6, 0.5, 0.5, 0.5], 2),  # equal to the best is no improvement
            ([*falling, 0.7, 0.65, 0.62, 0.61], 2),  # better than the epoch before is not below the best
            ([0.5] * 20, 3),  # at most three
        ],
        "Hint: count the epochs in a row that brought no error below the best so far; after `patience` of "
        "them divide and count from zero again. After three divisions the rate stays.",
        "the best so far is what counts, and after three divisions the rate stays.",
    )
