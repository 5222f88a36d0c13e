"""What every notebook begins with: seeds, the source that runs, cards, tables and checkers."""

import ast
import inspect
import textwrap
from collections.abc import Callable
from types import ModuleType

import torch
from IPython.display import Code

from .evidence import claim_card, differences, show_experiment
from .picture import Picture, subplots
from .table import Table
from .verdict import Verdict, check_function, check_number

__all__ = [
    "Picture",
    "Table",
    "Verdict",
    "begin",
    "check_function",
    "check_number",
    "claim_card",
    "differences",
    "show_experiment",
    "show_source",
    "source_of",
    "subplots",
]
COLUMNS = 84  # what a listing has room for on the page


def begin(seed: int = 0) -> None:
    """Start a chapter: the same random numbers on every machine's CPU, whatever ran before."""
    torch.manual_seed(seed)


def show_source(*objects: Callable | type | ModuleType | str, whole: bool = False) -> Code:
    """The source of parts of this library, as it runs; never a copy.

    Classes and functions, or a module and the name of a value in it: show_source(architecture, "PAPER").
    Docstrings and checks of arguments are left out unless `whole` is true. Raises TypeError for anything
    without source.
    """
    try:
        sources = [source_of(*pair) for pair in _pairs(objects)]
    except (TypeError, OSError) as error:
        raise TypeError(f"show_source takes classes, functions, or a module and a name: {error}") from None
    return Code("\n\n\n".join(text if whole else algorithm(text) for text in sources), language="python")


def _pairs(objects):
    objects = list(objects)
    while objects:
        item = objects.pop(0)
        yield (item, objects.pop(0)) if objects and isinstance(objects[0], str) else (item,)


def source_of(item: Callable | type | ModuleType, name: str | None = None) -> str:
    """The text of a class, a function, or of the value called `name` in a module."""
    if name is None:
        return textwrap.dedent(inspect.getsource(item)).rstrip()
    text = inspect.getsource(item)
    for node in ast.parse(text).body:
        targets = getattr(node, "targets", [getattr(node, "target", None)])
        if name in [getattr(target, "id", None) for target in targets]:
            return ast.get_source_segment(text, node)
    raise TypeError(f"{item.__name__} sets no {name}")


def is_check(node: ast.stmt) -> bool:
    """Whether a statement only refuses arguments: `require_x(...)`, or an `if` that only raises."""
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
        called = ast.unparse(node.value.func).rpartition(".")[2]
        return called.startswith(("require_", "validate_", "_require_"))
    return isinstance(node, ast.If) and not node.orelse and all(isinstance(s, ast.Raise) for s in node.body)


def algorithm(text: str) -> str:
    """Source without docstrings and checks of arguments, and without lines that the page would cut off."""
    lines, drop = text.splitlines(), set()
    for node in ast.walk(ast.parse(text)):
        for part in getattr(node, "decorator_list", []):
            if ast.unparse(part) == "validated":
                drop.update(range(part.lineno, part.end_lineno + 1))
        body = getattr(node, "body", None)
        if not isinstance(body, list):
            continue
        documented = isinstance(node, ast.ClassDef | ast.FunctionDef) and ast.get_docstring(node) is not None
        removed = [s for i, s in enumerate(body) if (documented and i == 0) or is_check(s)]
        if len(removed) < len(body):  # else nothing would be left of it
            for statement in removed:
                drop.update(range(statement.lineno, statement.end_lineno + 1))
    kept = [line for number, line in enumerate(lines, 1) if number not in drop]
    kept = [
        line for i, line in enumerate(kept) if line or (i and kept[i - 1] and not kept[i - 1].endswith(":"))
    ]
    return "\n".join(part for line in kept for part in _wrapped(line))


def _wrapped(line: str) -> list[str]:
    """A line that is too long: its comment goes above it, else it breaks after a comma or a bracket."""
    if len(line) <= COLUMNS:
        return [line]
    indent = " " * (len(line) - len(line.lstrip()))
    if line.lstrip().startswith("#"):
        words = textwrap.wrap(line.strip("# "), COLUMNS - len(indent) - 2)
        return [f"{indent}# {part}" for part in words]
    code, mark, comment = line.partition("  # ")
    if mark:
        words = textwrap.wrap(comment, COLUMNS - len(indent) - 2)
        return [*(f"{indent}# {part}" for part in words), *_wrapped(code)]
    places = [i + 1 for i, letter in enumerate(line[:COLUMNS]) if letter in ",([" and _inside(line[: i + 1])]
    if not places:
        return [line]
    cut = max([p for p in places if line[p - 1] == ","] or places)
    return [line[:cut].rstrip(), *_wrapped(f"{indent}        {line[cut:].lstrip()}")]


def _inside(text: str) -> bool:
    """Whether a line break here is inside brackets and outside strings, so that the code stays the same."""
    quotes = text.count('"') % 2 or text.count("'") % 2
    depth = sum(text.count(letter) for letter in "([{") - sum(text.count(letter) for letter in ")]}")
    return not quotes and depth > 0
