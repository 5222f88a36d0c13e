"""What a chapter shows of the library: short, closed under our private calls, nearly free of checks."""

import ast
import importlib
import json
import re
from pathlib import Path

import pytest

from alexnet_lib.chapters.kit import algorithm, is_check, source_of

BOOK = Path(__file__).resolve().parents[2] / "book"
FOLDED = {"hide-output", "hide-cell"}
UNFOLDED_LINES, FOLDED_LINES = 25, 40


def listings(path):
    """(tags, [(item, source), ...]) of each show_source cell; `whole=True` is the reader's own wish."""
    names = {}
    for cell in json.loads(path.read_text("utf-8"))["cells"]:
        if cell["cell_type"] != "code":
            continue
        tree = ast.parse("".join(line for line in cell["source"]))
        for node in tree.body:
            if isinstance(node, ast.ImportFrom) and node.module.startswith("alexnet_lib"):
                for alias in node.names:
                    names[alias.asname or alias.name] = (node.module, alias.name)
            call = getattr(node, "value", None)
            if isinstance(call, ast.Call) and ast.unparse(call.func) == "show_source":
                yield set(cell["metadata"].get("tags", [])), [found(arg, names) for arg in call.args]


def found(argument, names):
    if isinstance(argument, ast.Constant):
        return argument.value
    first, *rest = ast.unparse(argument).split(".")
    module, name = names[first]
    try:
        item = getattr(importlib.import_module(module), name)
    except AttributeError:
        item = importlib.import_module(f"{module}.{name}")
    for part in rest:
        item = getattr(item, part)
    return item


def sources(items):
    pairs = []
    for item in items:
        if isinstance(item, str):
            pairs[-1] = (pairs[-1][0], item)
        else:
            pairs.append((item,))
    return [algorithm(source_of(*pair)) for pair in pairs]


NOTEBOOKS = sorted(path for path in BOOK.glob("*.ipynb") if "show_source(" in path.read_text("utf-8"))


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_listing_is_short_or_folded_and_at_most_a_tenth_of_it_checks_arguments(path):
    for tags, items in listings(path):
        text = "\n\n".join(sources(items))
        lines = text.count("\n") + 1
        assert lines <= (FOLDED_LINES if tags & FOLDED else UNFOLDED_LINES), f"{items}: {lines} lines"
        checks = [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.stmt) and is_check(node)]
        assert 10 * len(checks) <= lines, items


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_shown_code_calls_no_private_function_of_ours_that_the_page_does_not_show(path):
    shown = "\n\n".join(text for _, items in listings(path) for text in sources(items))
    defined = set(re.findall(r"(?:def|class) (\w+)", shown)) | set(re.findall(r"\n +self\.(_\w+) =", shown))
    called = {
        ast.unparse(node.func).rpartition(".")[2]
        for node in ast.walk(ast.parse(shown))
        if isinstance(node, ast.Call)
    }
    hidden = {name for name in called if re.match(r"_[a-zA-Z]", name)} - defined
    assert {name for name in hidden if not name.startswith("_foreach_")} == set()
