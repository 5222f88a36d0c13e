"""What a chapter's first cell needs: seeds, and the library's real source on the page."""

import inspect
import textwrap
from collections.abc import Callable

import torch
from IPython.display import Code


def begin(seed: int = 0) -> None:
    """Start a chapter: the same random numbers on every machine's CPU, whatever ran before."""
    torch.manual_seed(seed)


def show_source(*objects: Callable | type) -> Code:
    """The source of classes and functions of this library, as it runs; never a copy.

    Shows itself with colours in Jupyter and in the book. Raises TypeError for anything without source.
    """
    try:
        sources = [textwrap.dedent(inspect.getsource(item)).rstrip() for item in objects]
    except (TypeError, OSError) as error:
        raise TypeError(f"objects must be classes or functions written in Python: {error}") from None
    return Code("\n\n\n".join(sources), language="python")
