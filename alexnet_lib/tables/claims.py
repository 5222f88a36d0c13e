"""What the paper claims, what the 2012 source says, what was measured here."""

from .. import paper
from ..augmentation import views
from .table import Table


def claim_card(section: str) -> Table:
    """What the paper claims in a section, what the 2012 source says, what was measured here."""
    rows = tuple(
        (claim.statement, claim.paper, claim.source or "nothing in the package", *_ours(claim))
        for claim in paper.claims(section)
    )
    return Table(f"Claims of §{section}", ("claim", "paper", "source 2012", "ours", "verdict"), rows)


def _ours(claim: paper.Claim) -> tuple[str, str]:
    """Our value and the verdict. What can be counted needs no run."""
    if claim.name == "views":
        return f"{views():,}, counted", "contradicted"
    return "not measured yet", "not measured"


def differences(*sections: str) -> Table:
    """Where the 2012 source does something else than the paper prints."""
    rows = tuple((d.subject, d.paper, d.source, d.where) for d in paper.differences(*sections))
    return Table("Paper and source 2012", ("subject", "paper", "source 2012", "where"), rows)
