"""`page_interact`: what `ipywidgets.interact` does, for a page without a kernel."""

import base64
import itertools
from collections.abc import Callable, Sequence
from math import prod

import matplotlib.pyplot as plt
import traitlets
from matplotlib.figure import Figure

from .base import PageWidget
from .params import Steps
from .twin import palette_png

MOST_FRAMES = 64


def page_interact(f: Callable, **grids: Sequence) -> "Frames":
    """Run `f` on every setting of the grids now, and let the reader's sliders pick one result.

        page_interact(plot_relu, slope=[0, 0.01, 0.1])

    `f` takes the grids' names and returns a matplotlib figure or anything that prints. The first line of
    its docstring is the title. Raises ValueError for no grid, an empty one, or more than 64 settings, and
    TypeError when `f` returns None.
    """
    if not grids or not all(len(values) for values in grids.values()):
        raise ValueError(
            "page_interact needs values to choose from: give each argument of f a list, k=[1, 2]"
        )
    count = prod(len(values) for values in grids.values())
    if count > MOST_FRAMES:
        raise ValueError(
            f"page_interact has {count} settings, and a page carries at most {MOST_FRAMES} results: "
            f"give shorter lists, or write a widget that computes in the page"
        )
    settings = (dict(zip(grids, values, strict=True)) for values in itertools.product(*grids.values()))
    frames = [_frame(f, setting) for setting in settings]
    title = (f.__doc__ or f.__name__).strip().splitlines()[0].rstrip(".")
    return Frames(title, frames, grids)


def _frame(f: Callable, setting: dict) -> dict:
    result = f(**setting)
    if result is None:
        raise TypeError(f"{f.__name__} returns None at {setting}: return a figure or text, not print it")
    if not isinstance(result, Figure):
        return {"kind": "text", "data": str(result)}
    picture = palette_png(result)
    plt.close(result)  # or Jupyter shows it a second time
    return {"kind": "png", "data": base64.b64encode(picture).decode("ascii")}


class Frames(PageWidget):
    """Made by `page_interact`; its parameters are the grids."""

    page_name = "frames"
    poster_size = (6.4, 2.0)

    title = traitlets.Unicode().tag(sync=True)
    frames = traitlets.List().tag(sync=True)

    def __init__(self, title: str, frames: list[dict], grids: dict[str, Sequence]):
        self.add_traits(**{name: Steps(values, name) for name, values in grids.items()})
        super().__init__(title=title, frames=frames)

    def frame(self) -> dict:
        """The result of the present setting."""
        index = 0
        for parameter in self.parameters():
            index = index * len(parameter.values) + parameter.values.index(getattr(self, parameter.name))
        return self.frames[index]

    def summary(self) -> str:
        chosen = [
            f"{p.label} = {p.words()[p.values.index(getattr(self, p.name))]}" for p in self.parameters()
        ]
        return f"{self.title}: {', '.join(chosen)}."

    def poster(self) -> tuple[bytes, str]:
        if self.frame()["kind"] == "png":
            return base64.b64decode(self.frame()["data"]), self.summary()
        return super().poster()

    def draw_poster(self, figure: Figure) -> str:
        figure.text(0.02, 0.95, self.frame()["data"], family="monospace", verticalalignment="top")
        return f"{self.summary()} {self.frame()['data']}"
