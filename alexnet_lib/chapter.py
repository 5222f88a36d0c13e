"""What a chapter's cells share: seeds, the library's real source on the page, and what was measured."""

import inspect
import textwrap
from collections.abc import Callable
from pathlib import Path

import torch
from IPython.display import Code, Markdown, display

from . import figures, records, tables
from .experiments import named, report
from .guard import require_count


def begin(seed: int = 0) -> None:
    """Start a chapter: the same random numbers on every machine's CPU, whatever ran before."""
    torch.manual_seed(require_count("seed", seed, "it starts the random numbers", ge=0))


def show_source(*objects: Callable | type) -> Code:
    """The source of classes and functions of this library, as it runs; never a copy.

    Shows itself with colors in Jupyter and in the book. Raises TypeError for anything without source.
    """
    if not objects:
        raise ValueError("objects is empty, and must be classes or functions: show_source(LocalResponseNorm)")
    try:
        sources = [textwrap.dedent(inspect.getsource(item)).rstrip() for item in objects]
    except (TypeError, OSError) as error:
        raise TypeError(f"objects must be classes or functions written in Python: {error}") from None
    return Code("\n\n\n".join(sources), language="python")


def show_experiment(name: str, folder: str | Path = records.RESULTS) -> None:
    """Show how far an experiment has come, and how to make it again; all from the records (§3-§7).

    With an interval: the figure and how to read it. Without: what is waited for. Once an arm has been
    measured: each comparison with effect, verdict and rule, and how the rates were chosen. Raises ValueError
    for an unknown experiment.
    """
    found = report(named(name), folder)
    if any(answer.interval for answer in found.answers):
        display(figures.experiment(name, folder))
    display(Markdown(figures.experiment_caption(name, folder)))
    if any(answer.runs for answer in found.answers):
        display(tables.experiment(name, folder))
        display(tables.rates(name, folder))
    display(tables.reproduce(name, folder))
