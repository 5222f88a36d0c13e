"""How fast the library is, beside named peers and the machine's limits; drawn from the records."""

from collections.abc import Sequence
from pathlib import Path

from .. import bench
from ..architecture import SPECS
from ..bench import Measured, Session
from ..bench.arithmetic import LINKS, all_reduce_seconds, backward_share, efficiency, gradient_bytes
from ..bench.gpu import BATCHES, GOAL_IMAGES
from ..guard import Count, Positive, require_path, validated
from ..records import fields_of
from .table import Table


def speed(label: str, *groups: str, folder: str | Path = bench.RESULTS) -> Table:
    """The rows of the newest session of a label: the median ratio of its rounds, and the range of them.

    groups: "norm" is every row "norm/..."; without groups, all. A row that could not be measured says why.
    Raises ValueError for a label or a group without a record.
    """
    found = bench.latest(label, folder)
    rows = tuple(
        (row.name, *_measured(row), _number(row.predicted), row.peer)
        for row in bench.chosen(found.rows, groups)
    )
    columns = ("row", "times as fast", "range", "goal", "images/s", "predicted", "peer")
    return Table(f"Speed: {_named(groups)}; {_circumstances(found)}", columns, rows)


def beside(label: str, *groups: str, folder: str | Path = bench.RESULTS) -> Table:
    """What the rows of `speed` say besides: rates with a goal, shares of the machine's limits, memory.

    Raises ValueError for a label or a group without a record.
    """
    found = bench.latest(label, folder)
    rows = tuple(
        (row.name, name, *_reached(row, name))
        for row in bench.chosen(found.rows, groups)
        for name in row.goals | row.also
    )
    columns = ("row", "what", "on record", "goal")
    return Table(f"Beside the ratios: {_named(groups)}; {_circumstances(found)}", columns, rows)


def limits(label: str, folder: str | Path = bench.RESULTS) -> Table:
    """What the machine of a session can do at best, and under which circumstances it was measured."""
    found = bench.latest(label, folder)
    rows = [
        *((name, f"{value:.3g}") for name, value in found.limits.items()),
        ("hardware", found.hardware),
        ("busy processes at the end, of cores", f"{found.load:.1f} of {found.cores}"),
        *((name, version) for name, version in found.versions.items()),
        ("command", found.command),
    ]
    return Table(f"The machine, {_circumstances(found)}", ("what", "on record"), tuple(rows))


@validated
def several_gpus(images_per_second: Positive = GOAL_IMAGES, batches: Sequence[Count] = BATCHES) -> Table:
    """What several GPUs would make of one that does so many images a second: arithmetic, not a measurement.

    Each has the whole net and as many images a step; then all add up their gradients in a ring. batches:
    images of one GPU. From the efficiency where nothing of this is hidden to that where all of backward
    hides it, which is more than a program reaches: conv1's gradients come last.
    """
    net = SPECS["paper"]
    count, hides = gradient_bytes(net), backward_share(net)
    rows = []
    for link, rate in LINKS.items():
        for gpus in (2, 4, 8):
            exchange = all_reduce_seconds(count, gpus, rate)
            steps = [batch / images_per_second for batch in batches]
            cells = (
                f"{efficiency(step, exchange):.0%} to {efficiency(step, exchange, hides * step):.0%}"
                for step in steps
            )
            rows.append((link, str(gpus), f"{1e3 * exchange:.2f} ms", *cells))
    caption = (
        f"Efficiency of several GPUs by arithmetic, nothing measured. One does {images_per_second:,.0f} "
        f"images/s; a step's gradients are {count / 1e6:.0f} MB; backward is {hides:.0%} of a step"
    )
    columns = ("link", "GPUs", "exchange", *(f"{batch} images each" for batch in batches))
    return Table(caption, columns, tuple(rows))


def pages(folder: str | Path = bench.RESULTS) -> Table:
    """From key to picture in each widget's slowest slider, and the first page's weight, by the newest record.

    Measured in a browser by benchmarks/widget_latency.py. Raises ValueError where nothing is on record.
    """
    stored = sorted(require_path("folder", folder, "records lie in it").glob("pages/*.json"))
    if not stored:
        raise ValueError(f"folder is {str(folder)!r}, and holds no record of the pages: name another")
    found = fields_of(stored[-1])
    first = found["first_page"]
    caption = (
        f"Milliseconds from key to picture, {found['browser']}, {found['presses']} presses a slider, "
        f"{found['load']:.1f} busy processes on {found['cores']} cores, {found['date']}. The first page "
        f"takes {first['kb']:.0f} kB without its fonts, in {first['files']} files."
    )
    rows = tuple(
        (
            row["widget"],
            row["slider"],
            f"{row['p50_ms']:.0f}",
            f"{row['p95_ms']:.0f}",
            f"{row['html_kb']:.1f}",
        )
        for row in found["rows"]
    )
    columns = ("widget", "slowest slider", "median", "95 of 100 below", "kB of HTML, gzip")
    return Table(caption, columns, rows)


def _measured(row: Measured) -> tuple[str, str, str, str]:
    """The ratio of a row, its range, its goal and whether that is met, images a second; or what it lacks."""
    if row.missing:
        return "not measured yet", row.missing, _number(row.goal), ""
    low, high = row.spread
    met = {True: ", met", False: ", missed", None: ""}[row.meets_goal]
    rate = "" if row.images is None else f"{row.images_per_second:,.0f}"
    return f"{row.ratio:.2f}", f"{low:.2f} to {high:.2f}", _number(row.goal) + met, rate


def _reached(row: Measured, name: str) -> tuple[str, str]:
    """A number beside a row's ratio, and its goal and whether that is met."""
    met = {True: ", met", False: ", missed", None: ""}[row.reaches(name)]
    value, goal = row.beside.get(name), row.goals.get(name)
    shown = "not measured yet" if value is None else _quantity(value)
    return shown, "none" if goal is None else _quantity(goal) + met


def _quantity(value: float) -> str:
    return f"{value:,.0f}" if value >= 1000 else f"{value:.3g}"


def _named(groups: tuple[str, ...]) -> str:
    return ", ".join(groups) or "all rows"  # captions of one page differ


def _circumstances(found: Session) -> str:
    """What a caption says of a session: threads, rounds, date, and whether freed memory was kept."""
    rounds = max((len(row.ratios) for row in found.rows), default=0)
    threads = "1 thread" if found.threads == 1 else f"{found.threads} threads"
    kept = ", memory kept" if "--keep-memory" in found.command.split() else ""
    return f"{threads}, {rounds} rounds{kept}, {found.date}"


def _number(value: float | None) -> str:
    return "none" if value is None else f"{value:g}"
