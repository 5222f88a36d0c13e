"""Write and check book/api.md, the public names of the library with their docstrings.

    python tools/api.py store    write the page anew
    python tools/api.py check    say whether it is what the sources say today

The sources are read with `ast` and nothing is imported, so that no torch is needed. A module shows its public
classes and functions, a package what its __init__.py exports.
"""

import argparse
import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "book" / "api.md"
WIDE = 88  # a longer signature has a line for each argument
Definition = ast.FunctionDef | ast.ClassDef
HEAD = """\
# The library

What `alexnet_lib` offers, module by module, in the order in which the paper needs them; a module imports only
from those before it. A section sign names the section of the paper. This page is made from the docstrings in
the source by `tools/api.py`.
"""


def page(library: Path = ROOT / "alexnet_lib", design: Path = ROOT / "tests" / "test_design.py") -> str:
    """The whole page: a section for each module in the ORDER of the design, an entry for each public name."""
    parts = [HEAD]
    for name in order(design):
        path = library / f"{name}.py"
        source = path if path.exists() else library / name / "__init__.py"
        if source.exists():  # the order has room for modules to come
            parts.append(section(name, source))
    return "\n".join(parts)


def order(design: Path) -> list[str]:
    """The names in the tuple ORDER of the tests' file, which is read and not run."""
    for node in ast.parse(design.read_text("utf-8")).body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "ORDER":
            found = [part for part in ast.walk(node.value) if isinstance(part, ast.Constant)]
            return [part.value for part in sorted(found, key=lambda part: (part.lineno, part.col_offset))]
    raise ValueError(f"{design.name} has no ORDER, and the page follows it")


def section(name: str, source: Path) -> str:
    """One module or package under its heading."""
    tree = ast.parse(source.read_text("utf-8"))
    parts = [f"## {name}\n", as_markdown(ast.get_docstring(tree) or "")]
    data = [f"`{name}`" for name in constants(tree)]
    if data:
        parts.append(f"Data: {', '.join(data)}.\n")
    found = exported(source) if source.name == "__init__.py" else public(tree)
    parts += [entry(definition) for definition in found]
    return "\n".join(parts)


def constants(tree: ast.Module) -> Iterator[str]:
    """Public names in capitals that a module assigns."""
    for node in tree.body:
        if isinstance(node, ast.Assign):
            yield from (t.id for t in node.targets if isinstance(t, ast.Name) and re.match(r"[A-Z]", t.id))


def public(tree: ast.Module) -> list[Definition]:
    kinds = (ast.FunctionDef, ast.ClassDef)
    return [node for node in tree.body if isinstance(node, kinds) and not node.name.startswith("_")]


def exported(init: Path) -> Iterator[Definition]:
    """The definitions behind what a package offers: imported from its modules, or named in `_MODULES`."""
    tree = ast.parse(init.read_text("utf-8"))
    offered = [
        (node.module, alias.name)
        for node in tree.body
        if isinstance(node, ast.ImportFrom) and node.level == 1 and node.module  # else whole modules
        for alias in node.names
    ]
    for node in tree.body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "_MODULES":
            offered += [(module, name) for name, module in ast.literal_eval(node.value).items()]
    for module, name in offered:
        definitions = public(ast.parse((init.parent / f"{module}.py").read_text("utf-8")))
        yield from (definition for definition in definitions if definition.name == name)


def entry(definition: Definition) -> str:
    """A public name: heading, signature, docstring, and the first line of each documented method."""
    # The heading is no code, because on a phone the theme breaks no line within code.
    parts = [f"### {escaped(definition.name)}\n", f"```python\n{signature(definition)}\n```\n"]
    parts.append(as_markdown(ast.get_docstring(definition) or ""))
    if isinstance(definition, ast.ClassDef):
        methods = [node for node in definition.body if isinstance(node, ast.FunctionDef)]
        for method in methods:
            told = ast.get_docstring(method)
            if told and not method.name.startswith("_"):
                parts.append(f"- `{call(method)}`: {escaped(told.splitlines()[0])}")
    return "\n".join(parts).rstrip("\n") + "\n"


def signature(definition: Definition) -> str:
    """How a function is called, or a class: by its __init__, or as a dataclass by its fields."""
    if isinstance(definition, ast.FunctionDef):
        returns = f" -> {ast.unparse(definition.returns)}" if definition.returns else ""
        return wrapped(definition.name, arguments(definition)) + returns
    inits = [node for node in definition.body if getattr(node, "name", "") == "__init__"]
    if inits:
        return wrapped(definition.name, arguments(inits[0])[1:])
    if any("dataclass" in ast.unparse(decorator) for decorator in definition.decorator_list):
        fields = [node for node in definition.body if isinstance(node, ast.AnnAssign)]
        return wrapped(definition.name, [ast.unparse(field) for field in fields])
    return f"class {definition.name}({', '.join(map(ast.unparse, definition.bases))})"


def arguments(function: ast.FunctionDef) -> list[str]:
    """The arguments of a function, each as it is written; / and * stand between them."""
    given = function.args
    positional = [*given.posonlyargs, *given.args]
    defaults = [None] * (len(positional) - len(given.defaults)) + given.defaults
    parts = [argument(*pair) for pair in zip(positional, defaults, strict=True)]
    if given.posonlyargs:
        parts.insert(len(given.posonlyargs), "/")
    if given.vararg:
        parts.append("*" + argument(given.vararg))
    elif given.kwonlyargs:
        parts.append("*")
    parts += [argument(*pair) for pair in zip(given.kwonlyargs, given.kw_defaults, strict=True)]
    if given.kwarg:
        parts.append("**" + argument(given.kwarg))
    return parts


def argument(named: ast.arg, default: ast.expr | None = None) -> str:
    """One argument: its name, its type and its default, spaced as the sources space them."""
    if default is None:
        return ast.unparse(named)
    return f"{ast.unparse(named)}{' = ' if named.annotation else '='}{ast.unparse(default)}"


def call(method: ast.FunctionDef) -> str:
    """A method's name with its arguments, a property's alone."""
    if any(ast.unparse(decorator) == "property" for decorator in method.decorator_list):
        return method.name
    names = [part.split(":")[0].split("=")[0] for part in arguments(method)]
    return f"{method.name}({', '.join(name for name in names if name not in ('self', 'cls'))})"


def wrapped(name: str, parts: list[str]) -> str:
    line = f"{name}({', '.join(parts)})"
    return line if len(line) <= WIDE else f"{name}(\n" + "".join(f"    {part},\n" for part in parts) + ")"


def as_markdown(docstring: str) -> str:
    """A docstring's paragraphs; indented ones, which hold equations and commands, stay as they are."""
    parts = []
    for paragraph in re.split(r"\n\s*\n", docstring):
        if paragraph.startswith("    "):
            parts.append("```text\n" + "\n".join(line[4:] for line in paragraph.splitlines()) + "\n```\n")
        elif paragraph:
            parts.append(escaped(paragraph) + "\n")
    return "\n".join(parts)


def escaped(text: str) -> str:
    """Text whose stars, brackets and the like mean themselves in Markdown; code between backticks stays."""
    pieces = re.split(r"(`[^`]*`)", text)
    return "".join(
        piece if piece.startswith("`") else re.sub(r"([\\*_<>$\[\]#|~^{}])", r"\\\1", piece)
        for piece in pieces
    )


def problems() -> list[str]:
    """What is wrong with the stored page: a list of sentences, empty if nothing is."""
    stored = PAGE.read_text("utf-8") if PAGE.exists() else ""
    return [] if stored == page() else ["api.md is not what the sources say: run `python tools/api.py store`"]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("action", choices=["store", "check"])
    if parser.parse_args().action == "store":
        PAGE.write_text(page(), "utf-8")
    found = problems()
    print("\n".join(found) or "api.md: ok")
    sys.exit(bool(found))


if __name__ == "__main__":
    main()
