"""The claim ledger: one line for each claim of the paper, and what was found."""

from dataclasses import replace
from functools import cache
from html import escape
from pathlib import Path

from .. import paper, records
from ..augmentation import views
from ..experiments import EXPERIMENTS, POINTS, Answer, Report, report
from ..experiments.model import verdict
from ..qualitative import recorded_first_layer
from .architecture import counted_claims
from .evidence import verdict_kind
from .palette import PALETTE
from .qualitative import qualitative_claims
from .table import Table

ASKED_NOT = "cannot be asked here"
NOTHING = "–"
# section, line, claim of `paper.CLAIMS` (or our name for one that has no number), and the paper's words where
# `paper.CLAIMS` has none.
LINES = (
    ("1", "Parameters of the network", "parameters", ""),
    ("1", "Neurons of the network", "neurons", ""),
    ("1", "Each convolutional layer's fraction of the parameters", "fraction", ""),
    ("3.1", "Figure 1: tanh against ReLU, epochs to 25 % training error", "relu-speed", ""),
    ("3.2", "Two towers against one with half the channels", "two-towers", ""),
    ("3.3", "Response normalization (LRN)", "lrn", ""),
    ("3.3", "LRN on CIFAR-10: test error without and with", "lrn-cifar", ""),
    ("3.4", "Overlapping pooling", "overlap", ""),
    ("3.4", "Overlapping pooling makes overfitting harder", "overlap-overfitting", ""),
    ("3.5", "Figure 2: nine sizes in the caption", "sizes", ""),
    ("4.1", "Training views of one image", "views", ""),
    ("4.1", "Without random crops and flips the network overfits", "crops", "yes, no number"),
    ("4.1", "PCA color augmentation", "color-noise", ""),
    ("4.1", "Ten crops against the center crop", "ten-crops", ""),
    ("4.2", "Without dropout the network overfits", "dropout", "yes, no number"),
    ("4.2", "Dropout against none: iterations to converge", "dropout-time", ""),
    ("5", "Weight decay lowers even the training error", "weight-decay", ""),
    ("6", "ILSVRC-2010, test error", "error-2010", ""),
    ("6", "ILSVRC-2012, validation error", "error-2012", ""),
    ("6", "Average of five networks", "averaged-nets", ""),
    ("6.1", "Figure 3: one tower color-blind, one not, in every run", "tower-colors", ""),
    ("6.1", "Figure 4: sensible labels, similar neighbors", "figure-4", "yes, 13 images"),
    ("7", "One middle layer removed", "depth", ""),
)
PAGES = {  # section -> its page
    "1": "3_5_overall_architecture",
    "3.1": "3_1_relu_nonlinearity",
    "3.2": "3_2_training_on_multiple_gpus",
    "3.3": "3_3_local_response_normalization",
    "3.4": "3_4_overlapping_pooling",
    "3.5": "3_5_overall_architecture",
    "4.1": "4_1_data_augmentation",
    "4.2": "4_2_dropout",
    "5": "5_details_of_learning",
    "6": "6_results",
    "6.1": "6_1_qualitative_evaluations",
    "7": "7_discussion",
}
# A claim that its own experiment has not answered yet -> the comparison on CIFAR-10 that speaks to it: the
# experiment, and the number of the comparison in it.
AT_SMALL_SCALE = {
    "overlap": ("overlapping-pooling-cifar", 0),
    "overlap-overfitting": ("overlapping-pooling-cifar", 1),
    "crops": ("augmentation-cifar", 0),
    "color-noise": ("augmentation-cifar", 1),
    "ten-crops": ("augmentation-cifar", 2),
    "dropout-time": ("dropout-few-images", 2),
    "dropout": ("dropout-few-images", 1),
    "weight-decay": ("weight-decay-long", 0),
    "averaged-nets": ("averaged-nets-cifar", 0),
}
UNDERFITS = {"overlap-overfitting"}  # nothing to cure in this small network
# What a reader may filter by: claims whose words have one color.
KINDS = {
    PALETTE["reproduced"]: "agrees",
    PALETTE["effect"]: "same direction",
    PALETTE["no effect"]: "undecided",
    PALETTE["contradicted"]: "differs",
    PALETTE["not measured"]: "not asked here",
}
WHY_NOT = {"error-2010": "needs all ImageNet", "error-2012": "needs all ImageNet"}
CIFAR_10 = 50_000  # training images; ours use fewer


class Ledger(Table):
    """The table, close enough set for one screen, with links to the chapters."""

    def _repr_html_(self) -> str:
        rows = "\n".join(
            f'<tr data-verdict="{KINDS[_color(row[-1])]}">{_cells(row)}</tr>' for row in self.rows
        )
        head = "".join(f'<th scope="col">{escape(name)}</th>' for name in self.columns)
        return (
            "<style>table.ledger.ledger :is(td, th) {padding: 2px 9px 2px 0; font-size: 13px; "
            "line-height: 1.35; text-align: left; vertical-align: top; white-space: nowrap}\n"
            "table.ledger.ledger {margin: 0} table.ledger td .dot {display: inline-block; width: 9px; "
            "height: 9px; border-radius: 50%; margin-right: 6px}</style>\n"
            f'<div role="region" aria-label="{escape(self.caption)}" tabindex="0" style="overflow-x: auto">'
            f'<table class="table ledger"><caption>{escape(self.caption)}</caption>\n'
            f"<thead><tr>{head}</tr></thead>\n<tbody>\n{rows}\n</tbody></table></div>"
        )


def _cells(row: tuple[str, ...]) -> str:
    section, *middle, words = row
    cells = [f'<a href="{PAGES[section]}.html">{section}</a>', *map(escape, middle)]
    cells.append(f'<span class="dot" style="background: {_color(words)}"></span>{escape(words)}')
    return "".join(f"<td>{cell}</td>" for cell in cells)


def _color(words: str) -> str:
    counted = {"counted: agrees": "reproduced", "counted: misprint": "contradicted"}
    counted |= {"counted: differs": "contradicted", "same direction": "effect"}
    return PALETTE[counted.get(words) or verdict_kind(words)]


def claim_ledger() -> Ledger:
    """The claims of the paper in its order: what it says, what the log of 2012 says, what we found."""
    claims = {claim.name: claim for claim in paper.CLAIMS}
    rows = []
    for section, line, name, said in LINES:
        counted = _counted(name)
        said = said or (counted[0] if counted else _short(claims[name].paper))
        log = _short(claims[name].source) if name in claims and claims[name].source else NOTHING
        rows.append((section, line, said, log, *(counted[1:] if counted else _found(name))))
    missing = sum(row[-1] == ASKED_NOT for row in rows)
    caption = (
        f"{len(rows)} claims; {missing} cannot be asked here. Errors saved: top-1 / top-5, ours top-1 with "
    )
    caption += "its 95 % confidence interval"
    columns = ("§", "claim", "the paper", "original code", "here, at small scale", "in words")
    return Ledger(caption, columns, tuple(rows))


def _short(told: str) -> str:
    """A value without the remark that follows it."""
    return told.partition(" (")[0].partition(":")[0]


def _counted(name: str) -> tuple[str, str, str] | None:
    """The paper's value, ours and the words, for what can be counted."""
    if name == "views":
        (claim,) = (claim for claim in paper.claims("4.1") if claim.name == name)
        return claim.paper, f"{views()}", _agrees(int(claim.paper) == views())
    names = ("parameters", "neurons", "sizes", "fraction")
    if name not in names:
        return None
    said, _, ours, words = counted_claims().rows[names.index(name)][1:]
    if name == "sizes":
        return said, ours.partition(", not")[0].replace(" agree", ""), "counted: misprint"
    if name == "fraction":
        ours = f"up to {ours.rpartition(' to ')[2]}"
    return said, ours, _agrees(words.startswith("reproduced"))


def _agrees(same: bool) -> str:
    return "counted: agrees" if same else "counted: differs"


def _found(name: str) -> tuple[str, str]:
    """Our value and the words, for what needs training."""
    if name == "figure-4":
        return "needs 1000 classes", ASKED_NOT
    answer = _answer(name)
    if answer is None and name == "tower-colors":
        _, _, _, value, words = qualitative_claims(recorded_first_layer().weight).rows[0]
        return value.rpartition("; ")[2], words
    if answer is None:
        return WHY_NOT.get(name, "runs still missing"), ASKED_NOT
    if name == "relu-speed":
        return f"{_mean(answer)}; in {_tanh_ahead()} other settings tanh is ahead", _words(name, answer)
    if name == "tower-colors":
        chance, gap = (sum(gaps) / len(answer.pairs) for gaps in zip(*answer.pairs.values(), strict=True))
        return f"gap {gap:.2f}, by chance {chance:.2f}; {len(answer.pairs)} networks", _words(name, answer)
    if name == "lrn-cifar":
        told = f"{_levels(answer)}, at {_part_of_cifar(answer)} of the data"
        return told, f"{_words(name, answer)}, in points"
    levels = {"crops": "test error", "dropout": "test minus training error"}  # claims about overfitting
    told = f"{levels[name]} {_levels(answer)}" if name in levels else _mean(answer, interval=True)
    return told + ("; it underfits" if name in UNDERFITS else ""), _words(name, answer)


@cache
def _report(name: str, folder: Path = records.RESULTS) -> Report:
    return report(EXPERIMENTS[name], folder)


def _answer(name: str) -> Answer | None:
    """That of the claim's own experiment, else the one at small scale that speaks to it."""
    for claim in paper.CLAIMS:
        if claim.name == name and claim.experiment in EXPERIMENTS:
            for answer in _report(claim.experiment).answers:
                if answer.comparison.claim == name and answer.interval:
                    return answer
    if name not in AT_SMALL_SCALE:
        return None
    experiment, number = AT_SMALL_SCALE[name]
    answer = _report(experiment).answers[number]
    return answer if answer.interval else None


def _words(name: str, answer: Answer) -> str:
    """How our interval compares with the paper's number, also where the experiment itself prints none."""
    asked = [each for one in EXPERIMENTS.values() for each in one.comparisons if each.claim == name]
    printed = answer.comparison.printed or next((each.printed for each in asked), None)
    words = verdict(replace(answer.comparison, printed=printed), answer.interval)
    return "same direction" if words == "effect" else words


def _mean(answer: Answer, *, interval: bool = False) -> str:
    scale = 100 if answer.unit == POINTS else 1
    found = answer.interval
    low, mean, high = (f"{scale * end:.2f}" for end in (found.low, found.mean, found.high))
    return f"{mean} {answer.unit}" + (f" ({low} to {high})" if interval else "")


def _levels(answer: Answer) -> str:
    """The two mean errors, without and with the part in question."""
    ours, theirs = (sum(errors) / len(errors) for errors in zip(*answer.pairs.values(), strict=True))
    return f"{100 * theirs:.1f} → {100 * ours:.1f} %"


def _part_of_cifar(answer: Answer) -> str:
    parts = {1: "all", 2: "half", 5: "a fifth", 10: "a tenth"}
    return parts[round(CIFAR_10 / answer.runs[0].images)]


def _tanh_ahead() -> str:
    """In how many of the other pairs of Figure 1's networks tanh is faster than ReLU."""
    others = _report("relu-against-tanh").answers[1:]
    count = sum(bool(each.interval) and each.verdict == "opposite" for each in others)
    return ("no", "one", "two", "three", "four")[count]
