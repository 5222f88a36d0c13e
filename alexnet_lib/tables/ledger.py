"""The ledger: every checkable claim of the paper, its three values, and the verdict."""

from collections.abc import Iterator

from .. import paper, records
from ..qualitative import recorded_first_layer
from .architecture import counted_claims
from .claims import COUNTED, NOT_YET, finding
from .qualitative import qualitative_claims
from .table import Table

VERDICTS = ("reproduced", "same sign", "not at this scale", "contradicted", "not measured")
# The sizes of §1 are counted where the net is built, and stand in both chapters.
CHAPTERS = {"1": "1, 3.5"}


def verdict_kind(verdict: str) -> str:
    """Which of `VERDICTS` a verdict is; what follows the first words says more. ValueError for none."""
    for kind in VERDICTS:
        if verdict.startswith(kind):
            return kind
    raise ValueError(f"verdict is {verdict!r}, and must begin with one of: {', '.join(VERDICTS)}")


def claim_ledger() -> Table:
    """Every claim: of `paper.CLAIMS`, of the sizes that can be counted, and of §6.1's pictures."""
    rows = sorted([*_listed(), *_counted(), *_seen()], key=lambda row: _place(row[5]))
    columns = ("claim", "paper", "source 2012", "ours", "verdict", "chapter", "measured by")
    return Table("What the paper claims, and what was found", columns, tuple(rows))


def verdict_counts() -> Table:
    """How many claims of the ledger have each verdict."""
    kinds = [verdict_kind(verdict) for verdict in claim_ledger().column("verdict")]
    rows = [(kind, str(kinds.count(kind))) for kind in VERDICTS]
    return Table("Claims by verdict", ("verdict", "claims"), (*rows, ("all", str(len(kinds)))))


def _listed() -> Iterator[tuple[str, ...]]:
    for claim in paper.CLAIMS:
        found = finding(claim)
        source = claim.source or "nothing in the package"
        chapter = CHAPTERS.get(claim.section, claim.section)
        yield claim.statement, claim.paper, source, found.value, found.verdict, chapter, found.command


def _counted() -> Iterator[tuple[str, ...]]:
    known = {claim.statement for claim in paper.CLAIMS}
    for statement, printed, source, value, verdict in counted_claims().rows:
        if statement not in known:
            chapter = "3.5" if statement.startswith("Figure 2") else CHAPTERS["1"]
            yield statement, printed, source, f"{value}, counted", verdict, chapter, COUNTED


def _seen() -> Iterator[tuple[str, ...]]:
    record = records.load("first_layer")[-1]
    table = qualitative_claims(recorded_first_layer().weight, record.config.get("towers", 1))
    known = {claim.statement for claim in paper.CLAIMS}
    for row in (row for row in table.rows if row[0] not in known):
        measured = verdict_kind(row[-1]) != "not measured"
        yield *row, "6.1", record.command if measured else NOT_YET


def _place(chapter: str) -> list[int]:
    """Where a chapter stands in the book: "4.1" after "3.5"."""
    return [int(number) for number in chapter.split(",")[0].split(".")]
