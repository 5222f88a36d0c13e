"""A widget that lives in Jupyter, where Python drives it, and in the page, where no kernel is."""

from typing import ClassVar

import anywidget
import traitlets
from matplotlib.figure import Figure

from .bundle import asset_text, module_source, on_click_names
from .packed import Asset, load_asset
from .params import Parameter
from .twin import palette_png, twin

DIGITS = 9  # of a reference value in the page: far finer than the parity we claim, the same on every CPU


class PageWidget(anywidget.AnyWidget):
    """Base of the book's widgets.

    A subclass names its module (`page_name`, js/NAME.js), declares its parameters (params.py) and
    implements `summary` and `draw_poster`, and `reference` where torch can check the page's arithmetic.
    Jupyter picks the widget view of its output, the page its HTML twin.

    Raises TypeError for an unknown argument, ValueError or TypeError for a value that a control refuses.
    """

    page_name: ClassVar[str] = ""
    poster_size: ClassVar[tuple[float, float]] = (6.4, 4.0)  # inches at 100 dots

    params = traitlets.List(help="the controls, as params.py declares them").tag(sync=True)
    checked = traitlets.Dict(help="torch's values, and the setting that they hold for").tag(sync=True)

    def __init_subclass__(cls, **kwargs):
        # Not in the subclasses that traitlets makes when it adds traits: they hold _esm as a trait.
        if "page_name" in cls.__dict__:
            cls._esm = module_source(cls.page_name)
        super().__init_subclass__(**kwargs)

    def __init__(self, **values):
        for name in values:
            if not self.has_trait(name):
                known = ", ".join(parameter.name for parameter in self.parameters())
                raise TypeError(f"{type(self).__name__} has no argument {name!r}; it has {known}")
        super().__init__(**values)
        self.params = [parameter.control() for parameter in self.parameters()]
        self.observe(self._check, [parameter.name for parameter in self.parameters()])
        self.on_msg(self._answer)
        self._check()

    def parameters(self) -> list[Parameter]:
        """What the reader may change, in the order of declaration."""
        found = [trait for trait in self.traits().values() if isinstance(trait, Parameter)]
        return sorted(found, key=lambda parameter: parameter.place)

    def values(self) -> dict:
        """The present setting: parameter -> value."""
        return {parameter.name: getattr(self, parameter.name) for parameter in self.parameters()}

    def reference(self) -> list[float] | None:
        """torch's values for the present setting, or None where there is nothing to compute."""
        return None

    def summary(self) -> str:
        """The present setting in one sentence, word for word as the module's `summary` says it."""
        raise NotImplementedError

    def draw_poster(self, figure: Figure) -> str:
        """Draw the present setting into `figure` and return its alt text."""
        raise NotImplementedError

    def poster(self) -> tuple[bytes, str]:
        """PNG of the present setting and its alt text, for readers without JavaScript and for paper."""
        figure = Figure(figsize=self.poster_size, dpi=100, layout="constrained")
        alt = self.draw_poster(figure)
        return palette_png(figure), alt

    def page_state(self) -> dict:
        """Everything that the module reads from its model; shipped data by name instead of by value."""
        own = [name for name in self.keys if not name.startswith("_") and name not in FOREIGN]
        state = {name: getattr(self, name) for name in own}
        for name, trait in self.traits().items():
            if isinstance(trait, Asset) and state[name] == load_asset(trait.asset):
                state[name] = {"$asset": trait.asset}
        return state

    def _answer(self, _widget, message: dict, buffers: list) -> None:
        """What the notebook's view asks for; the page loads the same assets by itself."""
        if message.get("ask") == "asset" and message.get("name") in on_click_names():
            self.send({"answer": message["id"], "text": asset_text(message["name"])})

    def _check(self, _change=None) -> None:
        values = self.reference()
        if values is not None:
            rounded = [float(f"{value:.{DIGITS}g}") for value in values]
            self.checked = {"at": self.values(), "values": rounded}

    def __repr__(self) -> str:
        moved = [f"{p.name}={getattr(self, p.name)!r}" for p in self.parameters() if self._moved(p)]
        return f"{type(self).__name__}({', '.join(moved)})"

    def _moved(self, parameter: Parameter) -> bool:
        return getattr(self, parameter.name) != parameter.paper

    def _repr_mimebundle_(self, **kwargs):
        data, metadata = super()._repr_mimebundle_(**kwargs)
        picture, alt = self.poster()
        data["text/html"] = twin(self.page_name, self.page_state(), picture, alt, self.summary())
        return data, metadata


FOREIGN = set(anywidget.AnyWidget.class_trait_names())  # layout, tabbable, ...: Jupyter's own
