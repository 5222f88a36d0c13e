"""What chapter 1 draws, tabulates and asks."""

from collections.abc import Callable

from ..paper import IMAGES, LEARNING
from .palette import BLUE, GRAY, ORANGE
from .picture import NARROW, Picture, subplots
from .verdict import Verdict, check_function, check_number

UNITS = {"minute": 60, "hour": 3600, "day": 86_400, "month": 30 * 86_400, "year": 365 * 86_400}


def time_by_speed(operations: float, days: float) -> Picture:
    """How long `operations` take at any sustained speed, with the speed implied by `days` marked (§1)."""
    implied = operations / (days * UNITS["day"])
    speeds = (1e9, 1e15)
    figure, axis = subplots(figsize=(NARROW, 3.8))
    axis.loglog(speeds, [operations / speed for speed in speeds], color=BLUE, linewidth=2.5)
    axis.plot(implied, operations / implied, "o", color=ORANGE, markersize=10)
    words = f"2012: {days:g} days,\n{implied / 1e12:.2f} · 10¹² per second"
    axis.annotate(
        words, (implied, operations / implied), (10, 8), textcoords="offset points", color=ORANGE, fontsize=11
    )
    axis.set_yticks(list(UNITS.values()), list(UNITS), fontsize=11)
    axis.minorticks_off()
    axis.grid(axis="y", color=(GRAY, 0.3))
    axis.set(xlabel="operations per second, sustained", ylabel="time of one training", xlim=speeds)
    return Picture(
        figure,
        f"Time of one training against operations per second, a falling straight line on logarithmic axes: "
        f"{days:g} days at {implied / 1e12:.2f} million million operations per second, as in 2012; ten times "
        f"the speed takes a tenth of the time.",
    )


# Top-5 error of the winner: the organizers' report (russakovsky2015) for 2010 to 2014, with the paper's own
# number for 2012; he2016 for 2015. The person is from the same report.
WINNERS = {2010: 28.2, 2011: 25.8, 2012: 15.3, 2013: 11.7, 2014: 6.7, 2015: 3.6}
PERSON = 5.1


def error_by_year() -> Picture:
    """The winner's top-5 error in the ImageNet competition, by year."""
    figure, axis = subplots(figsize=(NARROW, 3.2))
    colors = [ORANGE if year == 2012 else BLUE if year > 2012 else GRAY for year in WINNERS]
    axis.bar([str(year) for year in WINNERS], WINNERS.values(), color=colors, width=0.62)
    for place, (year, error) in enumerate(WINNERS.items()):
        words = f"{error:g} %" + ("\nAlexNet" if year == 2012 else "")
        above = max(error, PERSON) if year == 2015 else error  # clear of the dashed line
        axis.annotate(words, (place, above), (0, 4), textcoords="offset points", ha="center", fontsize=11)
    axis.axhline(PERSON, color=GRAY, linestyle="--", linewidth=1)
    axis.annotate(f"a trained\nperson: {PERSON:g} %", (5.5, PERSON), va="center", fontsize=10)
    axis.set(ylabel="top-5 error of the winner, %", ylim=(0, 33), xlim=(-0.5, 6.6))
    axis.spines[["top", "right"]].set_visible(False)
    told = ", ".join(f"{year} {error:g} %" for year, error in WINNERS.items())
    return Picture(
        figure,
        f"Top-5 error of the winner of the ImageNet competition: {told}. Gray, before 2012: hand-made "
        f"features; orange: AlexNet; blue: later networks. A trained person makes {PERSON:g} % errors.",
    )


PARAMETERS = 60_965_224  # of the paper's network, counted in §3.5


def check_updates(answer: float) -> Verdict:
    """§1: how many times are all weights updated in the paper's training?"""
    return check_number(
        answer,
        LEARNING.epochs * IMAGES.training_images / LEARNING.batch_size,
        "Hint: one update for each batch of 128 images, and each of 1.2 million images is seen 90 times.",
        "so each of 60 million weights was moved over eight hundred thousand times.",
        tolerance=1e-3,
    )


def check_weight_memory(answer: float) -> Verdict:
    """§1: gigabytes for the weights, their gradient and the velocity, four bytes per number."""
    return check_number(
        answer,
        3 * 4 * PARAMETERS / 1e9,
        "Hint: 60,965,224 weights, three times over, four bytes each; a gigabyte is 10^9 bytes here.",
        "a quarter of a 3 GB card, before a single image is in it.",
        tolerance=0.01,
    )


def _training_macs(layers: list[int]) -> int:
    return 3 * sum(layers) - layers[0]


def check_training_macs(answer: Callable) -> Verdict:
    """§1: training_macs(layers): multiply-accumulates of one training step for one image.

    layers: those of the forward pass, first layer first.
    """
    return check_function(
        answer,
        _training_macs,
        [([5],), ([10, 20],), ([105, 224, 150, 112, 75, 38, 17, 4],)],
        "Hint: once in the forward pass, and twice per layer in the backward pass: once for the gradient of "
        "its weights and once for the gradient of its input. The first layer needs no gradient of its input.",
        "three times the forward pass, minus the first layer once, because its input is only pixels.",
    )
