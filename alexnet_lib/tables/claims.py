"""What the paper claims, what the 2012 source says, what was measured here."""

from dataclasses import dataclass
from pathlib import Path

from .. import paper, records
from ..augmentation import views
from ..experiments import EXPERIMENTS, report
from ..guard import require_choice
from .architecture import counted_claims
from .table import Table

NOT_YET = "not measured yet"
COUNTED = "counted_claims() of alexnet_lib.tables"
# Nets of full size on ImageNet have no experiment of their own: the paper's run is their measurement.
PAPERS_RUN = "alexnet train --preset imagenet (needs ImageNet)"


@dataclass(frozen=True)
class Finding:
    """What we have on a claim: our value, the verdict, and the command or call that gives the value."""

    value: str
    verdict: str
    command: str


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
    answers = []
    if claim.experiment in EXPERIMENTS:
        every = report(EXPERIMENTS[claim.experiment], folder).answers
        answers = [answer for answer in every if answer.comparison.claim == claim.name and answer.interval]
    if not answers:
        return Finding(f"{len(runs)} runs on record, no interval yet", "not measured", command)
    effects = "; ".join(answer.effect for answer in answers)
    return Finding(f"{effects}; {answers[0].circumstances}", answers[0].verdict, command)


def claim_card(section: str) -> Table:
    """What the paper claims in a section, what the 2012 source says, what was measured here."""
    rows = []
    for claim in paper.claims(section):
        found = finding(claim)
        source = claim.source or "nothing in the package"
        rows.append((claim.statement, claim.paper, source, found.value, found.verdict))
    return Table(f"Claims of §{section}", ("claim", "paper", "source 2012", "ours", "verdict"), tuple(rows))


def differences(*sections: str) -> Table:
    """Where the 2012 source does something else than the paper prints."""
    known = [row.section for row in paper.DIFFERENCES + paper.FURTHER_DIFFERENCES]
    for section in sections:
        require_choice("sections", section, dict.fromkeys(known))
    rows = tuple((d.subject, d.paper, d.source, d.where) for d in paper.differences(*sections))
    return Table("Paper and source 2012", ("subject", "paper", "source 2012", "where"), rows)
