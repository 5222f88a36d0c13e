"""The figure of a session of measurements: how many times as fast as its peer each row is."""

from pathlib import Path

from .. import bench
from .picture import BLUE, GRAY, NARROW, ORANGE, Picture, count_times, subplots


def speed(label: str, *groups: str, folder: str | Path = bench.RESULTS) -> Picture:
    """Of each measured row the median ratio of the rounds as a dot, their range as a bar, the goal as a mark.

    label and groups as for `tables.speed`. Raises ValueError where nothing of them was measured.
    """
    rows = [row for row in bench.chosen(bench.latest(label, folder).rows, groups) if not row.missing]
    if not rows:
        raise ValueError(
            f"groups is {groups}, and no row of them was measured under the label {label!r}: see tables.speed"
        )
    figure, axis = subplots(figsize=(NARROW, 0.5 * len(rows) + 1.0), layout="constrained")
    drawn = axis.get_yaxis_transform()
    for place, row in enumerate(rows):
        low, high = row.spread
        axis.plot([low, high], [place, place], color=BLUE, lw=2.5)
        axis.plot(row.ratio, place, "o", color=BLUE, markersize=8)
        if row.goal is not None:
            axis.plot(row.goal, place, "|", color=ORANGE, markersize=16, markeredgewidth=2.5)
        axis.text(0.0, place - 0.3, row.name, fontsize=10, transform=drawn)
    axis.axvline(1.0, color=GRAY, lw=1, ls="-.")
    axis.set_yticks([])
    axis.set_ylim(len(rows) - 0.6, -0.8)
    count_times(axis)
    axis.set_xlabel("times as fast as the peer; the mark is the goal")
    axis.spines[["top", "right", "left"]].set_visible(False)
    told = (
        f"{row.name} {row.ratio:.2f}" + ("" if row.goal is None else f" (goal {row.goal:g})") for row in rows
    )
    return Picture(figure, f"Times as fast as the peer, medians: {'; '.join(told)}.")
