"""`RunExplorer`: two recorded curves and the epochs that each takes to a threshold (§3.1, §5, §6)."""

import math
import re
from collections.abc import Sequence
from dataclasses import asdict, replace

import traitlets
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from ..learning import TrainConfig
from ..records import Record, every_record
from .base import PageWidget
from .params import Choice, Slider
from .posters import BLUE, GRAY, MARK, ORANGE
from .wording import number

FIRST = "first_curves"  # the experiment that is shown first: ReLU and tanh on Figure 1's data
SHOWN = "training error"  # what Figure 1 draws
DIGITS = 4  # of a value: an error among ten thousand images has no more
PAPER = asdict(TrainConfig()) | {"milestones": []}  # settings that need no mention
THRESHOLD = 0.25  # the training error at which Figure 1 compares them (§3.1)


def recorded() -> list[Record]:
    """The errors of the package's runs, of several seeds the first: `FIRST`, then the others by name.

    A page carries all of them. So searches, losses and learning rates are left to `records`, of runs with a
    seed all but their training errors, and what one experiment has copied from another is there once.
    """
    shown = []
    for run in sorted(every_record(), key=lambda run: (run.experiment != FIRST, run.experiment)):
        if run.copied_from or re.search(r"rate-search|-seed[1-9]", run.label):
            continue
        wanted = SHOWN if run.label.endswith("-seed0") else "error"
        if errors := {name: run.curves[name] for name in run.curves if name.endswith(wanted)}:
            shown.append(replace(run, curves=errors))
    return shown


def curves_of(records: Sequence[Record]) -> dict[str, tuple[Record, str, str]]:
    """Key for links -> (record of one curve, its name, words for the reader). A repeated key gets a number.

    Raises TypeError for what is no record, ValueError for fewer than two curves or values not finite.
    """
    found = {}
    for record in records:
        if not isinstance(record, Record):
            raise TypeError(
                f"records holds {record!r}, and must hold Record alone: alexnet_lib.records.load(experiment)"
            )
        for curve, values in record.curves.items():
            name = f"{curve} of {record.label}" if record.label else curve
            words = f"{name} ({record.experiment.replace('_', ' ')})"
            if not values or not all(map(math.isfinite, values)):
                raise ValueError(
                    f"records: {words} must hold finite numbers, one for each epoch: leave it out"
                )
            key = "-".join(filter(None, (record.experiment, record.label, curve))).replace(" ", "-")
            copies = sum(known.split("~")[0] == key for known in found)
            if copies:  # another date or machine; older links keep the first
                key, words = f"{key}~{copies + 1}", f"{words}, {record.date}"
            rounded = [float(f"{value:.{DIGITS}g}") for value in values]
            found[key] = (replace(record, curves={curve: rounded}), curve, words)
    if len(found) < 2:
        raise ValueError(
            f"records hold {len(found)} curves, and two are compared: give records with at least two, or "
            f"leave records out to see all that ship with the book"
        )
    return found


def first_pair(curves: dict[str, tuple[Record, str, str]]) -> list[str]:
    """Two runs that recorded the same thing: their training errors if there are such, else what there is."""
    for wanted in (f"running {SHOWN}", SHOWN, *(curve for _, curve, _ in curves.values())):
        same = [key for key, (_, curve, _) in curves.items() if curve == wanted]
        if len(same) > 1:
            return same[:2]
    return list(curves)[:2]


def circumstances(record: Record) -> str:
    """Data, images, seed, hardware, date and setting of a run, as a caption says them."""
    setting = ", ".join(
        f"{name} {value}" for name, value in record.config.items() if value != PAPER.get(name, [])
    )
    return (
        f"{record.data}, {record.images:,} training images, seed {record.seed}, {record.hardware}, "
        f"{record.date}; {setting}"
    )


class RunExplorer(PageWidget):
    """Compare any two recorded training curves by the epochs they take to a threshold (§3.1, §5, §6).

    `records`: a list of `alexnet_lib.records.Record`; by default the errors of the package's, one seed each.
    `a` and `b`: the keys of two curves, such as "first_curves-relu-running-training-error". `threshold`: an
    epoch counts when its value, to four digits, is at or below it. All is ours, measured, and none of it the
    paper's.
    """

    page_name = "runs"
    poster_size = (5.4, 2.8)

    runs = traitlets.Dict(help="key of a curve -> its values, name and circumstances").tag(sync=True)

    def __init__(self, records: Sequence[Record] | None = None, **values):
        self.curves = curves_of(recorded() if records is None else records)
        names = {key: words for key, (_, _, words) in self.curves.items()}
        first, second = first_pair(self.curves)
        why = "errors and losses on record are there (§3.1: 25 % training error)"
        # Made here and not in the class: what can be chosen depends on the records.
        self.add_traits(
            a=Choice(first, names, "First curve"),
            b=Choice(second, names, "Second curve"),
            threshold=Slider(THRESHOLD, 0.01, 3, "Threshold", why, step=0.01),
        )
        runs = {
            key: {
                "values": record.curves[curve],
                "name": words,
                "told": circumstances(record),
                "alike": [record.data, record.images, curve],
            }
            for key, (record, curve, words) in self.curves.items()
        }
        super().__init__(runs=runs, **values)

    def reached(self, key: str) -> int | None:
        """The epoch after which a curve is first at or below the threshold."""
        record, curve, _ = self.curves[key]
        return record.first_below(curve, self.threshold)

    def summary(self) -> str:
        epochs = [self.reached(key) for key in (self.a, self.b)]
        told = [
            f"{self.runs[key]['name']} {after(epoch, len(self.runs[key]['values']))}"
            for key, epoch in zip((self.a, self.b), epochs, strict=True)
        ]
        ratio = "no ratio"
        if all(epochs):
            ratio = f"a ratio of {epochs[1]} / {epochs[0]} = {number(epochs[1] / epochs[0])}"
        alike = self.runs[self.a]["alike"] == self.runs[self.b]["alike"]
        unlike = "" if alike else ", which differ in data or measure"
        return (
            f"At or below {number(self.threshold)}: {told[0]}, {told[1]}; {ratio}, from one run each"
            f"{unlike}, measured here and not in the paper."
        )

    def draw_poster(self, figure: Figure) -> str:
        axes = figure.subplots()
        for key, color, style in ((self.a, BLUE, "-"), (self.b, ORANGE, "--")):
            values, epoch = self.runs[key]["values"], self.reached(key)
            axes.plot(range(1, len(values) + 1), values, style, color=color, label=self.runs[key]["name"])
            if epoch:
                axes.plot((epoch, epoch), (0, values[epoch - 1]), ":", color=GRAY)
                axes.plot(epoch, values[epoch - 1], "o", color=color)
        axes.axhline(self.threshold, color=MARK, linestyle="-.", linewidth=1)
        axes.set(xlabel="epoch", ylim=(0, None))
        axes.legend(frameon=False)
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        runs = [self.curves[key][0] for key in (self.a, self.b)]
        told = dict.fromkeys(f"{run.data}, {run.images:,} images, seed {run.seed}" for run in runs)
        axes.set_title("; ".join(told), fontsize=9)
        return f"Two recorded curves over their epochs and a line at the threshold. {self.summary()}"


def after(epoch: int | None, epochs: int) -> str:
    """When a curve reached the threshold, as the summary says it."""
    if epoch is None:
        return f"in none of its {epochs} epochs"
    return f"after {epoch} epoch{'' if epoch == 1 else 's'}"
