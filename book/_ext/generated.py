"""Sphinx extension: what pages show that is read from files at build time, so that none of it is kept in git.

A page asks for a part by a line that holds only `<!-- generated: NAME -->`:

    api          the public names of the library, from the sources, which are parsed and not imported
    experiments  one row for each recorded experiment: runs, learning rates tried, hardware, hours
    speed        the table and the chart of benchmarks/speed.json

The log of all runs is written beside the pages as `_static/runs.csv`. It imports the standard library and
Sphinx only: building the page needs no torch.
"""

import ast
import csv
import json
import re
from collections import defaultdict
from collections.abc import Iterator
from html import escape
from pathlib import Path

from sphinx.application import Sphinx
from sphinx.errors import ExtensionError

ROOT = Path(__file__).resolve().parents[2]
LIBRARY = ROOT / "alexnet_lib"
# The sections of the paper in their order; tests/test_design.py holds the imports to it.
SECTIONS = (
    *("paper", "dataset", "relu", "towers", "normalization", "pooling", "architecture", "specs", "counts"),
    *("distributed", "augmentation", "dropout", "learning", "train", "evaluation", "qualitative", "records"),
    "cli",
)
FOLDERS = ("use", "data", "training", "fast", "experiments", "widgets")
MARK = re.compile(r"^<!-- generated: (\w+) -->$", re.MULTILINE)
WIDE = 88  # characters; a longer signature gets a line for each argument
Definition = ast.FunctionDef | ast.ClassDef


# The API page


def api(library: Path = LIBRARY) -> str:
    """Markdown: a heading for each module with its docstring, an entry for each public class and function."""
    files = [library / f"{name}.py" for name in (*SECTIONS, "guard")]
    for folder in FOLDERS:
        files += sorted((library / folder).glob("*.py"))
    return "\n".join(module(path, library) for path in files if path.exists())


def module(path: Path, library: Path) -> str:
    """One module; an empty text if it has no public name."""
    tree = ast.parse(path.read_text("utf-8"))
    found = public(tree.body)
    name = ".".join(path.relative_to(library).with_suffix("").parts).removesuffix(".__init__")
    head = f"## {escaped(name)}\n\n{markdown(ast.get_docstring(tree) or '')}"
    return "\n".join([head, *map(entry, found)]) if found else ""


def public(body: list[ast.stmt]) -> list[Definition]:
    return [node for node in body if isinstance(node, Definition) and not node.name.startswith("_")]


def entry(definition: Definition) -> str:
    """Heading, signature, docstring; of a class also the first line of each documented method."""
    # No code in the heading: on a phone the theme breaks no line within code.
    text = f"### {escaped(definition.name)}\n\n```python\n{signature(definition)}\n```\n\n"
    text += markdown(ast.get_docstring(definition) or "")
    if isinstance(definition, ast.ClassDef):
        for method in public(definition.body):
            if told := ast.get_docstring(method):
                text += f"- `{method.name}`: {escaped(told.splitlines()[0])}\n"
    return text


def signature(definition: Definition) -> str:
    """How it is called: a function, a class by its __init__, a dataclass by its fields."""
    if isinstance(definition, ast.FunctionDef):
        call = wrapped(definition.name, arguments(definition.args))
        return call + (f" -> {ast.unparse(definition.returns)}" if definition.returns else "")
    for node in definition.body:
        if isinstance(node, ast.FunctionDef) and node.name == "__init__":
            return wrapped(definition.name, arguments(node.args)[1:])
    fields = [ast.unparse(node) for node in definition.body if isinstance(node, ast.AnnAssign)]
    if any("dataclass" in ast.unparse(decorator) for decorator in definition.decorator_list):
        return wrapped(definition.name, fields)
    return f"class {definition.name}({', '.join(map(ast.unparse, definition.bases))})"


def arguments(given: ast.arguments) -> list[str]:
    """Each argument as it is written: ast.unparse joins them by commas, so they are unparsed one by one."""
    places = [*given.posonlyargs, *given.args]
    defaults = [None] * (len(places) - len(given.defaults)) + given.defaults
    parts = [argument(*pair) for pair in zip(places, defaults, strict=True)]
    if given.posonlyargs:
        parts.insert(len(given.posonlyargs), "/")
    if given.vararg or given.kwonlyargs:
        parts.append("*" + (argument(given.vararg) if given.vararg else ""))
    parts += [argument(*pair) for pair in zip(given.kwonlyargs, given.kw_defaults, strict=True)]
    return [*parts, "**" + argument(given.kwarg)] if given.kwarg else parts


def argument(named: ast.arg, default: ast.expr | None = None) -> str:
    equals = " = " if named.annotation else "="
    return ast.unparse(named) + (f"{equals}{ast.unparse(default)}" if default else "")


def wrapped(name: str, parts: list[str]) -> str:
    line = f"{name}({', '.join(parts)})"
    return line if len(line) <= WIDE else f"{name}(\n" + "".join(f"    {part},\n" for part in parts) + ")"


def markdown(docstring: str) -> str:
    """A docstring's paragraphs; indented ones hold equations and commands, and stay as they are."""
    parts = []
    for paragraph in filter(None, re.split(r"\n\s*\n", docstring)):
        code = paragraph.startswith("    ")
        parts.append(f"```text\n{paragraph}\n```\n" if code else escaped(paragraph) + "\n")
    return "\n".join([*parts, ""])


def escaped(text: str) -> str:
    """Text whose stars and brackets are not Markdown; code between backticks stays."""
    pieces = re.split(r"(`[^`]*`)", text)
    return "".join(p if p[:1] == "`" else re.sub(r"([\\*_<>$\[\]#|~^{}])", r"\\\1", p) for p in pieces)


# The recorded runs


def runs(folder: Path = LIBRARY / "results") -> Iterator[dict]:
    """Every record, as its JSON file has it."""
    for path in sorted(folder.glob("*/*.json")):
        yield json.loads(path.read_text("utf-8"))


def write_log(path: Path) -> None:
    """All runs as one CSV, with the settings and results of each as columns."""
    rows = [
        {key: value for key, value in run.items() if not isinstance(value, dict | list)}
        | {f"config.{key}": value for key, value in run["config"].items()}
        | {f"result.{key}": value for key, value in run["results"].items()}
        for run in runs()
    ]
    columns = dict.fromkeys(column for row in rows for column in row)  # in the order of their first use
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, columns)
        writer.writeheader()
        writer.writerows(rows)


def experiments() -> str:
    """A Markdown table of the recorded experiments."""
    of = defaultdict(list)
    for run in runs():
        of[run["experiment"]].append(run)
    lines = ["experiment | images | runs | learning rates tried | hours"]
    for name, found in of.items():
        rates = sorted(
            {float(run["label"].rpartition("-")[2]) for run in found if "rate-search" in run["label"]}
        )
        images = ", ".join(sorted({f"{run['images']:,} of {run['data']}" for run in found}))
        hours = sum(run["seconds"] for run in found) / 3600
        lines.append(f"{name} | {images} | {len(found)} | {', '.join(f'{r:g}' for r in rates)} | {hours:.1f}")
    lines.insert(1, "---|---|---|---|---")
    return "".join(f"| {line} |\n" for line in lines)


# The speed


def speed(path: Path = ROOT / "benchmarks" / "speed.json") -> str:
    """The measured ratios as a chart and a table."""
    if not path.exists():
        return "*Not measured yet: `make bench` does it.*"
    found = json.loads(path.read_text("utf-8"))
    rows = "".join(
        f"| {row['what']} | {row['ours']} | {row['baseline']} | **{row['ratio']:.2f}** "
        f"({row['low']:.2f} to {row['high']:.2f}) |\n"
        for row in found["rows"]
    )
    head = "| what | ours | baseline | times as fast |\n|---|---|---|---|\n"
    return f"{chart(found['rows'])}\n\n{head}{rows}\n{escaped(found['machine'])}\n"


def chart(rows: list[dict]) -> str:
    """Bars of the ratios as an SVG, in the color of the page's text; the dashed line is the baseline."""
    unit, top = 330 / max(row["ratio"] for row in rows), 16
    parts = []
    for at, row in enumerate(rows):
        y, width = top + 26 * at, unit * row["ratio"]
        parts.append(
            f'<text x="292" y="{y + 14}" text-anchor="end">{escape(row["what"])}</text>'
            f'<rect x="300" y="{y}" width="{width:.0f}" height="18" rx="2" opacity="0.55"/>'
            f'<text x="{306 + width:.0f}" y="{y + 14}">{row["ratio"]:.2f}</text>'
        )
    bottom, one = top + 26 * len(rows), 300 + unit
    parts.append(
        f'<line x1="{one:.0f}" x2="{one:.0f}" y1="8" y2="{bottom}" stroke="currentColor"'
        ' stroke-dasharray="4 4"/>'
    )
    told = "; ".join(f"{row['what']} {row['ratio']:.2f}" for row in rows)
    return (
        f'<svg role="img" aria-label="Times as fast as the baseline: {escape(told)}."'
        f' viewBox="0 0 690 {bottom + 8}"'
        f' fill="currentColor" font-size="14" style="max-width: 100%">{"".join(parts)}</svg>'
    )


PARTS = {"api": api, "experiments": experiments, "speed": speed}


def fill(_app: Sphinx, docname: str, source: list[str]) -> None:
    """Replace each mark of a page by its part."""

    def part(mark: re.Match) -> str:
        if mark[1] not in PARTS:
            raise ExtensionError(
                f"{docname} asks for the generated part {mark[1]!r}: there are {', '.join(PARTS)}"
            )
        return PARTS[mark[1]]()

    source[0] = MARK.sub(part, source[0])


def add_log(app: Sphinx) -> None:
    static = Path(app.doctreedir) / "generated"
    static.mkdir(parents=True, exist_ok=True)
    write_log(static / "runs.csv")
    app.config.html_static_path.append(str(static))


def setup(app: Sphinx) -> dict:
    app.connect("source-read", fill)
    app.connect("builder-inited", add_log)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
