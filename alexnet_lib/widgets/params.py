"""What a reader may change in a widget: each parameter declared once, for Python, Jupyter and the page.

A parameter is a trait with a label, a range and the paper's value. The control, the URL hash, the reset
button, the checks in Python and the tests all follow from this one declaration.
"""

from collections.abc import Sequence
from itertools import count

import traitlets

from ..guard import require_choice, require_count, require_number


class Parameter(traitlets.TraitType):
    """A synchronized trait that the page shows as one control; `why` explains the rule in an error."""

    kind = ""
    _created = count()

    def __init__(self, paper, label: str, why: str = ""):
        self.paper, self.label, self.why = paper, label, why
        self.place = next(Parameter._created)  # traitlets lists traits by name, a reader wants our order
        super().__init__(default_value=paper)
        self.tag(sync=True)

    def control(self) -> dict:
        """What the JavaScript needs to draw the control and to check a value from the URL."""
        return {"name": self.name, "kind": self.kind, "label": self.label, "paper": self.paper}


class Slider(Parameter):
    """A number from `low` to `high`.

    `step` is the distance of two positions; on a `log` scale it is the number of positions in a factor of
    ten. A whole-number `paper` makes a whole-number parameter. `unit` is a plural: "channels".
    """

    kind = "slider"

    def __init__(self, paper, low, high, label: str, why: str, *, step=1, log: bool = False, unit: str = ""):
        self.low, self.high, self.step, self.log, self.unit = low, high, step, log, unit
        self.whole = isinstance(paper, int)
        super().__init__(paper, label, why)

    def validate(self, obj, value):
        if self.whole:
            value = require_count(self.name, value, self.why, ge=self.low)
        number = require_number(self.name, value, self.why, ge=self.low, le=self.high)
        return int(number) if self.whole else number

    def control(self) -> dict:
        scale = {"min": self.low, "max": self.high, "step": self.step, "log": self.log}
        return super().control() | scale | {"whole": self.whole, "unit": self.unit}


class Draw(Slider):
    """The seed of a random draw: a button that takes the next whole number, and begins again after `high`."""

    kind = "draw"


class Steps(Parameter):
    """One of a few numbers or words, in the given order, on a slider."""

    kind = "steps"

    def __init__(self, values: Sequence[float | str], label: str, paper=None, unit: str = ""):
        self.values, self.unit = list(values), unit
        super().__init__(self.values[0] if paper is None else paper, label)

    def validate(self, obj, value):
        if value not in self.values:
            listed = ", ".join(map(str, self.values))
            raise ValueError(f"{self.name} is {value!r}, which is not on the grid; choose from {listed}")
        return value

    def control(self) -> dict:
        return super().control() | {"values": self.values, "words": self.words(), "unit": self.unit}

    def words(self) -> list[str]:
        """How each value is written: 0.00001 is "1e-05" in Python and in the page."""
        return [value if isinstance(value, str) else f"{value:g}" for value in self.values]


class Choice(Parameter):
    """One of a few named settings; `options` maps the value to the words that the reader sees."""

    kind = "choice"

    def __init__(self, paper: str, options: dict[str, str], label: str):
        self.options = options
        super().__init__(paper, label)

    def validate(self, obj, value):
        return require_choice(self.name, value, self.options)

    def control(self) -> dict:
        return super().control() | {"options": list(self.options.items())}


class Toggle(Parameter):
    """On or off."""

    kind = "toggle"

    def validate(self, obj, value):
        if not isinstance(value, bool):
            raise TypeError(f"{self.name} is {value!r}, and must be True or False")
        return value
