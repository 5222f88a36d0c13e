"""The cards of a chapter: what the paper claims, what the original code says, what was measured here."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path

import numpy as np

from .. import paper, records
from ..augmentation import views
from ..experiments import EXPERIMENTS, POINTS, Answer, Crossing, Report, named, on_record, report, run_label
from ..records import Record
from .architecture import counted_claims
from .palette import COLORS, PALETTE, VERDICTS
from .picture import NARROW, Picture, count_times, subplots
from .table import Table

NOT_YET = "not measured yet"
COUNTED = "counted_claims() of alexnet_lib.chapters.architecture"
# Nets of full size on ImageNet have no experiment of their own: the paper's run is their measurement.
PAPERS_RUN = "alexnet train --preset imagenet (needs ImageNet)"
STYLE = """<style>
.card {border: 1px solid var(--pst-color-border, #d8dee4); border-left: 5px solid; border-radius: 8px;
  padding: 12px 16px; margin: 0 0 14px}
.card > *, .card td {color: var(--pst-color-text-base, inherit)}
.card .chip {font-size: 12.5px; font-weight: 700; border-radius: 99px; padding: 2px 11px; color: #fff}
.card .title {display: flex; flex-wrap: wrap; justify-content: space-between; gap: 6px 12px; font-weight: 600}
.card .values {display: grid; grid-template-columns: repeat(auto-fit, minmax(150px, 1fr)); gap: 4px 14px}
.card .values {margin-top: 8px}
.card .who, .card details {font-size: 13px; color: var(--pst-color-text-muted, #5b6673)}
.card .value {font-size: 18px; font-weight: 700; line-height: 1.3}
.card small {font-size: 13px; font-weight: 400; color: var(--pst-color-text-muted, #5b6673)}
</style>"""


@dataclass(frozen=True)
class Finding:
    """What we have on a claim: our value, the verdict, and the command or call that gives the value."""

    value: str
    verdict: str
    command: str
    answers: tuple[Answer, ...] = ()


def finding(claim: paper.Claim, folder: Path = records.RESULTS) -> Finding:
    """Our value for a claim. What can be counted needs no run; `folder` holds the records."""
    if claim.name == "views":
        return Finding(f"{views():,}, counted", "contradicted", "views() of alexnet_lib.augmentation")
    counted = {row[0]: row[3:] for row in counted_claims().rows}
    if claim.statement in counted:
        value, verdict = counted[claim.statement]
        return Finding(f"{value}, counted", verdict, COUNTED)
    if claim.experiment and (folder / claim.experiment).is_dir():
        return _measured(claim, folder)
    return Finding(NOT_YET, "not measured", NOT_YET if claim.experiment else PAPERS_RUN)


def _measured(claim: paper.Claim, folder: Path) -> Finding:
    """The answer of a claim's experiment. Of several numbers, top-1 and top-5, the first has the verdict."""
    runs = records.load(claim.experiment, folder)
    command = "; ".join(dict.fromkeys(run.command for run in runs))
    every = report(EXPERIMENTS[claim.experiment], folder).answers if claim.experiment in EXPERIMENTS else ()
    answers = tuple(a for a in every if a.comparison.claim == claim.name and a.interval)
    if not answers:
        return Finding(f"{len(runs)} runs on record, no interval yet", "not measured", command)
    effects = "; ".join(answer.effect for answer in answers)
    return Finding(f"{effects}; {answers[0].setting}", answers[0].verdict, command, answers)


def verdict_kind(verdict: str) -> str:
    """Which of `VERDICTS` a verdict is; what follows the first words says more."""
    return next((kind for kind in VERDICTS if verdict.startswith(kind)), "not measured")


class Cards:
    """Cards below each other as HTML; elsewhere as lines of text."""

    def __init__(self, cards: Sequence[tuple[str, str]]):
        self.html, self.lines = zip(*cards, strict=True)

    def __repr__(self) -> str:
        return "\n".join(self.lines)

    def _repr_html_(self) -> str:
        return STYLE + "\n".join(self.html)


def card(
    title: str, verdict: str, values: Sequence[tuple[str, str]], picture: str = "", details: str = ""
) -> tuple[str, str]:
    """A card as HTML and as a line of text; values: who says it, and what."""
    color = PALETTE[verdict_kind(verdict)]
    colors = {"paper": "paper", "original code": "original code"}
    told = "".join(
        f'<div><div class="who">{escape(who)}</div><div class="value" '
        f'style="color: {PALETTE[colors.get(who, "ours")]}">{_small(words)}</div></div>'
        for who, words in values
    )
    if details:
        details = f"<details><summary>details</summary>{details}</details>"
    drawn = (
        f'<div class="card" style="border-left-color: {color}">'
        f'<div class="title"><span>{escape(title)}</span>'
        f'<span class="chip" style="background: {color}">{escape(verdict)}</span></div>'
        f'<div class="values">{told}</div>{picture}{details}</div>'
    )
    return drawn, f"{title} | " + " | ".join(f"{who}: {words}" for who, words in values) + f" | {verdict}"


def _small(words: str) -> str:
    """The number large, and what is in brackets behind it small."""
    number, bracket, rest = escape(words).partition(" (")
    return number + (f" <small>({rest}</small>" if bracket else "")


def claim_card(section: str) -> Cards:
    """What the paper claims in a section, what the original code says, what was measured here."""
    cards = []
    for claim in paper.claims(section):
        found = finding(claim)
        ours, details, drawn = found.value, escape(found.command), ""
        if found.answers:
            ours = "; ".join(_effect(answer) for answer in found.answers)
            details = escape(f"{found.value}. Again by: {found.command}")
            drawn = _axis(found.answers[0])
        values = [("paper", claim.paper), ("original code", claim.source or "–"), ("ours", ours)]
        cards.append(card(claim.statement, found.verdict, values, drawn, details))
    return Cards(cards)


def differences(*sections: str) -> Table:
    """Where the original code does something else than the paper states."""
    rows = tuple((d.subject, d.paper, d.source, d.where) for d in paper.differences(*sections))
    return Table("Paper and original code", ("subject", "paper", "original code", "where"), rows)


def show_experiment(name: str, folder: str | Path = records.RESULTS) -> Cards:
    """An experiment as a card: verdict, values, interval; folded: all comparisons, curves, rates, command."""
    found = report(named(name), folder)
    answered = [answer for answer in found.answers if answer.interval]
    tables = [comparisons(found), rates(found), reproduce(name, folder)]
    if not answered:
        ours, drawn = _without_answers(found), ""
        folded = tables[2:]
    else:
        first = answered[0]
        ours, drawn = f"{_effect(first)}, {first.interval.pairs} seeds", _axis(first)
        folded = [learning_curves(found), effects(answered), *tables]
    if found.answers and found.answers[0].comparison.printed is not None:
        printed = _told(found.answers[0], found.answers[0].comparison.printed)
    else:
        printed = "no number"
    html = "".join(part.data if isinstance(part, Picture) else part._repr_html_() for part in folded)
    asked = found.experiment.question
    shown = card(asked, found.verdict, [("paper", printed), ("ours", ours)], drawn, html)
    return Cards([(shown[0], "\n\n".join([shown[1], *map(repr, folded)]))])


def _without_answers(found: Report) -> str:
    """A sentence on what is missing where no comparison has an interval."""
    if found.waits_for:
        return f"not measured yet: waits for {found.waits_for}"
    return "not measured: all runs are on record, and too few came to a number"


def _told(answer: Answer, number: float) -> str:
    return f"{_scaled(answer, number):.2f} {answer.unit}"


def _scaled(answer: Answer, number: float) -> float:
    return 100 * number if answer.unit == POINTS else number


def _effect(answer: Answer) -> str:
    found = answer.interval
    low, high = (f"{_scaled(answer, end):.2f}" for end in (found.low, found.high))
    return f"{_told(answer, found.mean)} ({low} to {high})"


def _axis(answer: Answer) -> str:
    """One 95 % confidence interval on a line, with no effect and the paper's value."""
    rule, found = answer.comparison, answer.interval
    scale = math.log if rule.kind == "ratio" else float
    marks = {"no effect": rule.null_effect, "paper": rule.printed}
    marks = {words: scale(value) for words, value in marks.items() if value is not None}
    ends = [*marks.values(), scale(found.low), scale(found.high)]
    left, span = min(ends), max(ends) - min(ends) or 1.0

    def x(value: float) -> str:
        return f"{60 + 580 * (value - left) / span:.1f}"

    drawn = ['<line x1="20" x2="680" y1="34" y2="34" stroke="currentColor" opacity="0.25"/>']
    for words, value in marks.items():
        low, color = ("16", PALETTE["paper"]) if words == "paper" else ("60", "currentColor")
        drawn.append(
            f'<line x1="{x(value)}" x2="{x(value)}" y1="22" y2="46" stroke="{color}" stroke-width="2"/>'
        )
        drawn.append(f'<text x="{x(value)}" y="{low}" fill="{color}" text-anchor="middle">{words}</text>')
    mean, color = x(scale(found.mean)), PALETTE["ours"]
    drawn.append(
        f'<line x1="{x(scale(found.low))}" x2="{x(scale(found.high))}" y1="34" y2="34" stroke="{color}" '
        f'stroke-width="5"/><circle cx="{mean}" cy="34" r="8" fill="{color}"/>'
        f'<text x="{mean}" y="16" fill="{color}" text-anchor="middle" font-weight="700">ours</text>'
    )
    words = escape(f"{answer.words}: {answer.effect}", quote=True)
    return (
        f'<svg class="chart" role="img" aria-label="{words}" viewBox="0 0 700 66" font-size="13" '
        f'style="width: 100%; fill: currentColor">{"".join(drawn)}</svg>'
    )


def learning_curves(found: Report) -> Picture:
    """The mean curve over the seeds of the arms that the first comparisons name, three at most."""
    used = {run.label: run for answer in found.answers for run in answer.runs if run.curves}
    asked = found.experiment
    named_arms = [arm for a in found.answers for arm in (a.comparison.against, a.comparison.arm)]
    runs = {}
    for arm in dict.fromkeys(named_arms):
        members = [used[label] for seed in range(asked.seeds) if (label := run_label(arm, seed)) in used]
        if members and len(runs) < 3:
            runs[arm] = members
    measure = asked.comparisons[0].measure
    everywhere = all("validation error" in run.curves for members in runs.values() for run in members)
    curve = "validation error" if everywhere else "training error"
    curve = measure.curve if isinstance(measure, Crossing) else curve
    percent = 100 if "error" in curve else 1
    figure, axis = subplots(figsize=(NARROW, 3.4))
    told = []
    for (arm, members), color in zip(runs.items(), COLORS, strict=False):
        shortest = min(len(run.curves[curve]) for run in members)
        values = percent * np.array([run.curves[curve][:shortest] for run in members])
        epochs = np.arange(1, shortest + 1)
        axis.plot(epochs, values.mean(axis=0), color=color, lw=2, label=arm)
        axis.fill_between(epochs, values.min(axis=0), values.max(axis=0), color=color, alpha=0.2, lw=0)
        told.append(f"{arm} {values[:, -1].mean():.3g} after {shortest} epochs, {len(members)} seeds")
    axis.set(xlabel="epoch", ylabel=f"{curve}, %" if percent > 1 else curve, ylim=(0, None))
    axis.legend(frameon=False, fontsize=10, ncols=2, loc="lower left", bbox_to_anchor=(0.0, 1.0))
    words = f"Mean {curve} over the seeds, shaded from lowest to highest: {'; '.join(told)}."
    return Picture(figure, words)


def effects(answers: Sequence[Answer]) -> Picture:
    """A forest plot: each comparison's effect with its 95 % confidence interval, names in the margin."""
    groups = {}
    for answer in answers:
        groups.setdefault((answer.comparison.kind, answer.unit), []).append(answer)
    heights = [0.55 * len(group) + 0.9 for group in groups.values()]
    size = {"figsize": (NARROW, sum(heights)), "height_ratios": heights, "squeeze": False}
    figure, axes = subplots(len(heights), 1, **size)
    told = []
    for axis, ((kind, unit), group) in zip(axes.flat, groups.items(), strict=True):
        for row, answer in enumerate(group):
            low, mean, high = (
                _scaled(answer, end)
                for end in (answer.interval.low, answer.interval.mean, answer.interval.high)
            )
            axis.plot([low, high], [row, row], color=PALETTE["ours"], lw=2.5)
            axis.plot(mean, row, "o", color=PALETTE["ours"], markersize=8)
            printed = answer.comparison.printed
            if printed is not None:
                at = _scaled(answer, printed)
                axis.plot(at, row, "D", color="none", markeredgecolor=PALETTE["paper"], markersize=8)
            paper_too = "" if printed is None else f", in the paper {_told(answer, printed)}"
            told.append(f"{answer.words}: {answer.effect}{paper_too}, {answer.verdict}")
        axis.axvline(_scaled(group[0], group[0].comparison.null_effect), color="black", lw=1, ls="-.")
        names = [
            answer.words.replace(": ", ":\n", 1).replace(" against ", "\nagainst ", 1) for answer in group
        ]
        axis.set_yticks(range(len(group)), names, fontsize=9)
        axis.set_ylim(len(group) - 0.5, -0.6)
        if kind == "ratio":
            count_times(axis)
        axis.set_xlabel(unit)
        axis.tick_params(axis="y", length=0)
        axis.spines["left"].set_visible(False)
    return Picture(figure, f"Effects with 95 % confidence intervals: {'; '.join(told)}.")


def comparisons(found: Report) -> Table:
    """Each comparison with its two means, effect, interval and verdict."""
    yet = " yet" if found.waits_for else ""
    rows = tuple(
        (
            answer.words,
            answer.means,
            answer.effect if answer.interval else f"not measured{yet}",
            answer.verdict,
        )
        for answer in found.answers
    )
    return Table(found.experiment.question, ("comparison", "means", "effect", "verdict"), rows)


def rates(found: Report) -> Table:
    """What a run at each learning rate of a variant's grid came to, and the rate that was chosen."""
    rows = tuple((arm, _tries(found, arm), _chosen(found, arm)) for arm in found.experiment.arms)
    columns = ("variant", f"{found.experiment.criterion}, one run for each", "learning rate")
    return Table(f"How the learning rates of {found.experiment.name} were chosen", columns, rows)


def _tries(found: Report, arm: str) -> str:
    if owner := found.experiment.arms[arm].rate_of:
        return f"as {owner}"
    if not found.experiment.arms[arm].rates:
        return "not searched"
    points = found.experiment.criterion.unit == POINTS
    told = []
    for rate, score in found.tries[arm].items():
        words = "not reached" if score is None else f"{100 * score:.2f} %" if points else f"{score:.1f}"
        told.append(f"{rate:g}: {words}")
    return "; ".join(told)


def _chosen(found: Report, arm: str) -> str:
    chosen = found.rates.get(arm)
    if chosen is None:
        return "none" if arm in found.without_rate else "not known yet"
    return f"{chosen.rate:g}, the edge of the grid" if chosen.at_edge else f"{chosen.rate:g}"


def reproduce(name: str, folder: str | Path = records.RESULTS) -> Table:
    """The command that makes an experiment's runs again, and the time and memory that ours took."""
    asked = named(name)
    runs = on_record(name, folder).values()
    memory = [run.memory for run in runs if run.memory is not None]
    rows = [
        ("command", f"alexnet experiment run {name}"),
        ("runs on record", f"{len(runs)} of {asked.runs}"),
        ("data", "; ".join(sorted({run.data for run in runs})) or asked.setting.data),
    ]
    if runs:
        rows += [
            ("time of all, one after another", f"{hours(runs)} hours"),
            ("memory of the largest", f"{max(memory) / 1e9:.1f} GB" if memory else "not on record"),
            ("hardware", "; ".join(sorted({run.hardware for run in runs}))),
        ]
    return Table(f"To measure {name}", ("what", "on record"), tuple(rows))


def hours(runs: Iterable[Record]) -> str:
    """Of the runs' own time, one after another, on whatever they ran on."""
    return f"{sum(run.seconds for run in runs) / 3600:.2f}"
