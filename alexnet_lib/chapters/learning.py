"""What chapter 5 draws, tabulates and asks."""

import math
from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

from ..counts import trace
from ..learning import PaperSGD, Plateau
from ..paper import IMAGES, LEARNING
from ..specs import SPECS
from .palette import BLUE, GRAY, GREEN, ORANGE
from .picture import NARROW, Picture, styled, subplots
from .table import Table
from .verdict import Verdict, check_function, check_number

LOOKS = ((BLUE, "-"), (ORANGE, "--"), (GREEN, "-."), (GRAY, ":"))


def momentum_average(momentum: float, gradients: Sequence[float], average: Sequence[float]) -> Picture:
    """How much each past gradient counts in the velocity, and noisy gradients with their average (§5)."""
    figure, (above, below) = subplots(2, 1, figsize=(NARROW, 4.6))
    left = [momentum**age for age in range(31)]
    half = math.ceil(math.log(0.5) / math.log(momentum))
    above.bar(range(31), left, color=[BLUE if age < half else GRAY for age in range(31)], width=0.7)
    above.set(xlabel="steps since the gradient", ylabel="what is left of it", xlim=(-0.6, 30.6))
    above.text(half, 0.62, f"below one half after {half} steps", fontsize=11, color=GRAY, fontweight="bold")
    below.plot(gradients, ".", color=GRAY, markersize=5)
    below.plot(average, color=BLUE, lw=2.4)
    below.set(xlabel="step", ylabel="gradient")
    below.set_title("dots: one gradient each; line: their running average", fontsize=10.5, loc="left")
    return Picture(
        figure,
        f"Above, what is left of a gradient by its age: {momentum:g} to the power of the age, below one half "
        f"after {half} steps and {left[-1]:.2f} after 30. Below, {len(gradients)} noisy gradients as dots "
        f"and their running average as a much smoother line.",
    )


def step_lengths(rules: dict[str, Sequence[float]], drop: int) -> Picture:
    """How long each step is by two update rules, when the learning rate is divided after step `drop` (§5)."""
    figure, axis = subplots(figsize=(NARROW, 3.2))
    told = []
    for (name, lengths), (color, style) in styled(rules, LOOKS):
        axis.semilogy(range(1, len(lengths) + 1), lengths, style, color=color, lw=2.4, label=name)
        told.append(f"{name} {lengths[drop] / lengths[drop - 1]:.2f}")
    axis.axvline(drop + 0.5, color=GRAY, ls=":", lw=1.5)
    axis.set(xlabel="step", ylabel="length of the step", xlim=(0.5, len(lengths) + 0.5))
    axis.legend(frameon=False, fontsize=10.5)
    return Picture(
        figure,
        f"Length of each step over {len(lengths)} steps, on a scale of powers of ten; the learning rate is "
        f"divided by ten after step {drop}. The next step as a fraction of the one before: "
        f"{', '.join(told)}.",
    )


def schedules(distances: dict[str, Sequence[float]], drop: int) -> Picture:
    """How far from the minimum noisy gradients leave the weights, by schedule; one divides at `drop` (§5)."""
    figure, axis = subplots(figsize=(NARROW, 3.4))
    told = []
    for (name, values), (color, style) in styled(distances, LOOKS):
        axis.semilogy(range(1, len(values) + 1), values, style, color=color, lw=2.4, label=name)
        told.append(f"{name} ends {values[-1]:.2f} away")
    axis.axvline(drop + 0.5, color=GRAY, ls=":", lw=1.5)
    ticks = (0.1, 0.2, 0.5, 1, 2, 5, 10)
    axis.set(xlabel="step", ylabel="distance from the minimum", ylim=(0.1, 12))
    axis.set_yticks(ticks, [f"{tick:g}" for tick in ticks])
    axis.minorticks_off()
    axis.legend(frameon=False, fontsize=10.5)
    return Picture(
        figure, f"Distance from the minimum over {len(values)} steps with noisy gradients. {'; '.join(told)}."
    )


def fan_in_table() -> Table:
    """Fan-in of each layer, what N(0, 0.01) makes of a signal there, and other standard deviations (§5)."""
    net, code = SPECS["paper"], SPECS["source-2012"]
    stds = [*(conv.std for conv in code.convs), code.hidden_std, code.hidden_std, LEARNING.initial_std]
    layers, inputs, rows = [layer for layer in trace(net) if layer.parameters], net.features(), []
    for number, (layer, std) in enumerate(zip(layers, stds, strict=True)):
        if number < len(net.convs):
            count = layer.parameters // layer.channels - 1  # less the bias
        else:
            count, inputs = inputs, layer.channels
        he = (2 / count) ** 0.5
        rows.append((layer.name, f"{count:,}", f"{he:.3f}", f"{LEARNING.initial_std / he:.2f}", f"{std:g}"))
    columns = ("layer", "fan-in", "He's rule", "0.01 passes on", "original code")
    return Table("Standard deviation of the initial weights", columns, tuple(rows))


def first_signals(variants: dict[str, dict[str, tuple[float, float]]]) -> Picture:
    """What each layer of an untrained network passes on; variants: name -> layer -> (deviation, active).

    Deviation: the standard deviation of its outputs over images. Active: the fraction of ReLUs above zero;
    the last layer has none, and its fraction is not drawn.
    """
    figure, (above, below) = subplots(2, 1, figsize=(NARROW, 5.4), sharex=True)
    told = []
    for number, ((name, found), (color, style)) in enumerate(styled(variants, LOOKS)):
        deviations, active = zip(*found.values(), strict=True)
        line = {"color": color, "ls": style, "marker": "os^D"[number], "lw": 2.2}
        above.plot(deviations, label=name, **line)
        below.plot([100 * fraction for fraction in active[:-1]], **line)
        ends = f"standard deviation {deviations[0]:.1g} to {deviations[-1]:.1g}"
        told.append(f"{name}: {ends}, active {min(active[:-1]):.0%} to {max(active[:-1]):.0%}")
    above.set(yscale="log", ylabel="std. dev. over images")
    above.legend(frameon=False, fontsize=10.5, loc="lower left")
    below.set(ylabel="active ReLUs, %", ylim=(-3, 103))
    below.set_xticks(range(len(found)), found, fontsize=10)
    first, *_, last = found
    return Picture(figure, f"Two measures of each layer's output, {first} to {last}. {'; '.join(told)}.")


def losses(panels: dict[str, dict[str, Sequence[float]]], classes: int, window: int = 5) -> Picture:
    """Training losses over steps, each point a mean of `window` steps, and the line of a uniform guess.

    panels: title -> name of the run -> the loss of each step. A loss above the picture is drawn at its edge,
    and NaN leaves a hole.
    """
    shape = {"figsize": (NARROW, 2.7 * len(panels)), "sharex": True, "squeeze": False}
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

    A pull of weight_decay * learning rate a step, and momentum that adds up to 1 / (1 - momentum) of it.
    """
    passes, rows = images // LEARNING.batch_size, []
    for rate in rates:
        steps = math.log(2) * (1 - LEARNING.momentum) / (LEARNING.weight_decay * rate)
        rows.append(
            (
                f"{rate:.5f}".rstrip("0"),
                f"{float(f'{steps:.2g}'):,.0f}",
                f"{float(f'{steps / passes:.2g}'):,g}",
            )
        )
    return Table("Half-life of a weight under decay alone", ("learning rate", "steps", "epochs"), tuple(rows))


CLASSES = 1000
PULLED_TO = 0.5


def check_first_loss(answer: float) -> Verdict:
    """§5: the loss of a network with 1000 classes that finds all of them equally likely."""
    return check_number(
        answer,
        math.log(CLASSES),
        "Hint: each class has the probability 1/1000, and the loss is minus the natural logarithm of the "
        "correct class's probability.",
        "ln 1000. If your loss stays at this number, all images look alike to the last layer.",
        tolerance=1e-3,
    )


def check_decay_steps(answer: float) -> Verdict:
    """§5: steps until weight decay alone has halved a weight, at the first learning rate, with momentum."""
    pull = LEARNING.weight_decay * LEARNING.lr / (1 - LEARNING.momentum)
    return check_number(
        answer,
        math.log(PULLED_TO) / math.log1p(-pull),
        "Hint: one step pulls by 0.0005 times 0.01 times the weight, and momentum makes that ten times as "
        "much. How often must you multiply by 1 minus this to reach 1/2?",
        "about one and a half epochs, at the first learning rate.",
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
        "Hint: the velocity begins at zero. It keeps 0.9 of itself, loses 0.0005 times learning rate times "
        "weight, and loses learning rate times gradient; only then is it added to the weight. The learning "
        "rate of a step acts on what this step adds, not on the old velocity.",
        "also when the learning rate changes, which is where torch.optim.SGD goes another way.",
        tolerance=1e-7,
    )


def _plateaus(errors: Sequence[float], patience: int) -> list[int]:
    plateau = Plateau(patience=patience)
    return [epoch for epoch, error in enumerate(errors, 1) if plateau.step(error)]


def check_division_epochs(answer: Callable) -> Verdict:
    """§5: divisions(errors, patience) -> the epochs, from 1, after which lr is divided; three at most."""
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
        "them divide and count from zero again. After three divisions the learning rate stays.",
        "the best so far is what counts, and after three divisions the learning rate stays.",
    )
