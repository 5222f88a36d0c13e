"""Figure of §1: what a training costs in time."""

from typing import Annotated

from ..guard import Bounds, validated
from .picture import BLUE, NARROW, ORANGE, Picture, subplots

UNITS = {"minute": 60, "hour": 3600, "day": 86_400, "month": 30 * 86_400, "year": 365 * 86_400}


@validated
def time_by_speed(
    operations: Annotated[float, Bounds(1.0, 1e25)], days: Annotated[float, Bounds(1e-6, 1e6)]
) -> Picture:
    """How long `operations` take at any sustained speed, with the speed implied by `days` marked (§1)."""
    implied = operations / (days * UNITS["day"])
    speeds = (1e9, 1e15)
    figure, axis = subplots(figsize=(NARROW, 3.8))
    axis.loglog(speeds, [operations / speed for speed in speeds], color=BLUE, linewidth=2.5)
    axis.plot(implied, operations / implied, "o", color=ORANGE, markersize=10)
    words = f"2012: {days:g} days,\n{implied / 1e12:.2f} · 10¹² a second"
    axis.annotate(
        words, (implied, operations / implied), (10, 8), textcoords="offset points", color=ORANGE, fontsize=11
    )
    axis.set_yticks(list(UNITS.values()), list(UNITS), fontsize=11)
    axis.minorticks_off()
    axis.grid(axis="y", color="#dddddd")
    axis.set(xlabel="operations a second, sustained", ylabel="time of one training", xlim=speeds)
    axis.spines[["top", "right"]].set_visible(False)
    figure.tight_layout()
    return Picture(
        figure,
        f"Time of one training against operations a second, a falling straight line on logarithmic axes: "
        f"{days:g} days at {implied / 1e12:.2f} million million operations a second, as in 2012; ten times "
        f"the speed takes a tenth of the time.",
    )
