"""The paper's tables 1 and 2 (§6), the 2012 source's logs beside them, and the contest's own page."""

from dataclasses import dataclass

from .table import Table

NONE = "–"


@dataclass(frozen=True)
class Logged:
    """Errors that a comment in the 2012 source gives for one net, as fractions: layers/layer-params-N.cfg."""

    run: str
    top1: float
    top5: float

    def __str__(self) -> str:
        return f"{100 * self.top1:.2f} % / {100 * self.top5:.2f} %"

    def points(self, other: "Logged", sign: str = "+") -> str:
        """Top-1 / top-5 error minus another one's, in points; with sign="" a plus is left out."""
        return f"{100 * (self.top1 - other.top1):{sign}.2f} / {100 * (self.top5 - other.top5):{sign}.2f}"

    def above(self, other: "Logged") -> str:
        """How far top-1 / top-5 error lie above another one's, in words."""
        return f"{self.points(other, sign='')} points"


TEST_2010 = Logged("145-2010", 0.374727, 0.169987)
TEST_2010_CENTER = Logged("145-2010", 0.390247, 0.182953)
VALIDATION_2012 = Logged("145", 0.406640, 0.182100)
CONTINUED = Logged("145", 0.402500, 0.179940)  # the same run, resumed with a higher rate, to epoch 135
PRETRAINED_2011 = Logged("146-2012-2011", 0.389900, 0.166220)

# Each net with one crop and with ten: set, center, ten.
VIEWS = (
    ("ILSVRC-2010 test", TEST_2010_CENTER, TEST_2010),
    ("ILSVRC-2010 validation", Logged("137", 0.394153, 0.182784), Logged("137", 0.377960, 0.171020)),
    (
        "ILSVRC-2012 validation",
        Logged("141-2009", 0.415920, 0.186780),
        Logged("141-2009", 0.395620, 0.172060),
    ),
)

# The two winning entries on the contest's page are named by the nets in them, and these by their runs.
ENTRIES = {"5 CNNs": "131-137-145-135-145f", "7 CNNs*": "141-146.2009-131-137-145-146.2011-145f"}
ENTRY_ERRORS = {"7 CNNs*": 0.15315, "5 CNNs": 0.16422, "SIFT + FVs": 0.26172}  # top-5, test, as that page has
# Name in the entries -> sets it was trained on, in order; errors on ILSVRC-2012 validation, ten crops.
NETS = {
    "131": ("ILSVRC-2012", Logged("131", 0.409340, 0.185740)),
    "135": ("ILSVRC-2012", Logged("135", 0.410700, 0.184160)),
    "137": ("ILSVRC-2012", Logged("137", 0.407820, 0.183440)),
    "145": ("ILSVRC-2012", VALIDATION_2012),
    "145f": ("a set noted as 2012-full", None),
    "141": ("ILSVRC-2012, Fall 2009, ILSVRC-2012", Logged("141-2009", 0.395620, 0.172060)),
    "146.2009": ("ILSVRC-2012, Fall 2009, ILSVRC-2012", Logged("146-2012-2009", 0.391000, 0.168760)),
    "146.2011": ("ILSVRC-2012, Fall 2009, Fall 2011, ILSVRC-2012", PRETRAINED_2011),
}


def results_2010() -> Table:
    """Table 1: test errors on ILSVRC-2010, and the center-crop errors that §6 gives in its text."""
    rows = (
        ("Sparse coding, best of the contest", "47.1 %", "28.2 %", NONE),
        ("SIFT + Fisher vectors, published later", "45.7 %", "25.7 %", NONE),
        ("CNN", "37.5 %", "17.0 %", f"{TEST_2010} (run {TEST_2010.run})"),
        ("CNN, center crop alone (text of §6)", "39.0 %", "18.3 %", f"{TEST_2010_CENTER} (the same run)"),
    )
    columns = ("model", "paper: top-1", "paper: top-5", "source 2012")
    return Table("Errors on the test set of ILSVRC-2010 (Table 1)", columns, rows)


def results_2012() -> Table:
    """Table 2: errors on ILSVRC-2012; * for nets that were trained on other ImageNet releases first."""
    rows = (
        ("SIFT + FVs, second best entry", NONE, NONE, "26.2 %", NONE),
        ("1 CNN", "40.7 %", "18.2 %", NONE, f"{VALIDATION_2012} (run {VALIDATION_2012.run})"),
        ("5 CNNs, averaged", "38.1 %", "16.4 %", "16.4 %", NONE),
        ("1 CNN*", "39.0 %", "16.6 %", NONE, f"{PRETRAINED_2011} (run {PRETRAINED_2011.run})"),
        ("7 CNNs*, averaged", "36.7 %", "15.4 %", "15.3 %", NONE),
    )
    columns = ("model", "top-1, validation", "top-5, validation", "top-5, test", "source 2012, validation")
    return Table("Errors on ILSVRC-2012 (Table 2), all from the paper but the last column", columns, rows)


def logged_views() -> Table:
    """What ten crops saved against the center crop, for each net of the 2012 source that has both."""
    rows = tuple(
        (f"{ten.run}, {data}", str(center), str(ten), center.above(ten)) for data, center, ten in VIEWS
    )
    columns = ("run and set", "center crop", "ten crops", "saved")
    return Table("Top-1 / top-5 error with one crop and with ten, from the 2012 source", columns, rows)


def contest_nets() -> Table:
    """The nets in the two winning entries, with what the 2012 source's notes say of the run of that name."""
    members = {name: files.split("-") for name, files in ENTRIES.items()}
    rows = tuple(
        (
            f"net {name}",
            trained,
            "not in the notes" if logged is None else f"{logged}",
            *("yes" if name in nets else "no" for nets in members.values()),
        )
        for name, (trained, logged) in NETS.items()
    )
    columns = (
        "net",
        "trained on, in this order",
        "top-1 / top-5, validation",
        *(f"in the {name}" for name in members),
    )
    return Table("The nets whose predictions were averaged in 2012", columns, rows)
