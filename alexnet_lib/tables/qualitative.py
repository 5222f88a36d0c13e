"""What §6.1 claims, beside what one record of kernels can say to it."""

from torch import Tensor

from ..guard import Count, validated
from ..paper import claims
from ..qualitative import colorfulness, tower_gap
from .claims import finding
from .table import Table

NOT_MEASURED = ("not measured yet", "not measured")


@validated
def qualitative_claims(kernels: Tensor, towers: Count) -> Table:
    """The claims of §6.1; `kernels` (N, 3, h, w) are those of one recorded net with that many towers."""
    colorfulness(kernels)  # refuses what are no kernels
    if towers == 1:
        ours = ("no towers in the recorded net", "not measured")
    else:
        gap = tower_gap(kernels, towers)
        # One net cannot show what every net does, however clear its own gap is.
        ours = repr(gap), "same sign, one net" if gap.p <= 0.05 else "not at this scale, one net"
    nothing = "nothing in the package"
    (every_run,) = claims("6.1")
    found = finding(every_run)
    rows = (
        (
            "The kernels of one tower are mostly color-blind, those of the other mostly color-specific",
            "yes (Figure 3)",
            nothing,
            *ours,
        ),
        (every_run.statement, every_run.paper, nothing, found.value, found.verdict),
        (
            "Most of the five best labels are plausible, off-center objects included",
            "yes (Figure 4, eight images)",
            nothing,
            *NOT_MEASURED,
        ),
        (
            "The nearest images by the last hidden layer are alike in content and not in pixels",
            "yes (Figure 4, five queries)",
            "findsimilar.py, no numbers",
            *NOT_MEASURED,
        ),
    )
    return Table("Claims of §6.1", ("claim", "paper", "source 2012", "ours", "verdict"), rows)
