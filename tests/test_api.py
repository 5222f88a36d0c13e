"""tools/api.py: the page of the library is what the sources say, and shows what a module offers."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest
from test_design import ORDER

ROOT = Path(__file__).resolve().parent.parent
# tools/ is no package: its programs are run by name.
sys.path.insert(0, str(ROOT / "tools"))
import api  # noqa: E402

SOURCE = '''"""A module (§3.3).

    a <- b * c

It is `plain_text` with a * and one_name.
"""

FEW = (1, 2)
_hidden = 3


@dataclass(frozen=True)
class Row:
    """A row."""

    name: str
    size: int = 2

    @property
    def wide(self) -> bool:
        """Whether it is wide."""

    def grown(self, by: int = 1, *, most=None) -> "Row":
        """A larger row.

        This is not shown.
        """

    def silent(self): ...


class Layer(Module):
    """A layer."""

    def __init__(self, n: int = 5, /, *rest, k=2.0, **more): ...


class Stop(ValueError):
    """An error."""


def count(rows: list, letters: str = "a,b(c") -> int:
    """How many."""


def _private(): ...
'''


PART = '''
def seen():
    """Offered."""


def unseen():
    """Not."""


class Later:
    """Offered when it is asked for."""
'''


@pytest.fixture
def library(tmp_path):
    """A library of one module and one package, with a design that orders them."""
    (tmp_path / "lib" / "group").mkdir(parents=True)
    (tmp_path / "lib" / "one.py").write_text(SOURCE, "utf-8")
    (tmp_path / "lib" / "group" / "__init__.py").write_text(
        '"""A package."""\n\nfrom os import path\n\nfrom .part import seen\n\n_MODULES = {"Later": "part"}\n',
        "utf-8",
    )
    (tmp_path / "lib" / "group" / "part.py").write_text(PART, "utf-8")
    (tmp_path / "design.py").write_text('ORDER = (\n    *("one", "to_come"),\n    "group",\n)\n', "utf-8")
    return api.page(tmp_path / "lib", tmp_path / "design.py")


def test_the_stored_page_is_what_the_sources_say():
    assert api.problems() == []


def test_the_page_follows_the_order_of_the_design():
    assert api.order(ROOT / "tests" / "test_design.py") == list(ORDER)


def test_nothing_of_the_library_is_imported():
    code = "import sys; sys.path.insert(0, 'tools'); import api; api.page(); print(*sys.modules)"
    shown = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert not {"torch", "numpy", "alexnet_lib"} & {name.split(".")[0] for name in shown.stdout.split()}


def test_every_public_class_and_function_of_a_module_has_an_entry():
    headings = [line for line in api.page().splitlines() if line.startswith("#")]
    tree = ast.parse((ROOT / "alexnet_lib" / "normalization.py").read_text("utf-8"))
    names = [node.name for node in tree.body if isinstance(node, ast.ClassDef | ast.FunctionDef)]
    start = headings.index("## normalization")
    shown = headings[start + 1 : start + 1 + len([name for name in names if name[0] != "_"])]
    assert shown == [f"### {api.escaped(name)}" for name in names if name[0] != "_"]


def test_modules_come_in_order_and_those_to_come_are_left_out(library):
    sections = [line for line in library.splitlines() if line.startswith("## ")]
    assert sections == ["## one", "## group"]


def test_a_package_shows_what_it_offers_and_nothing_else(library):
    group = library[library.index("## group") :]
    assert [line for line in group.splitlines() if line.startswith("###")] == ["### seen", "### Later"]


def test_private_names_are_left_out_and_constants_are_named(library):
    assert "_private" not in library
    assert "Data: `FEW`." in library
    assert "hidden" not in library


def test_a_dataclass_is_shown_by_its_fields_and_a_class_by_its_init(library):
    assert "Row(name: str, size: int = 2)" in library
    assert "Layer(n: int = 5, /, *rest, k=2.0, **more)" in library
    assert "class Stop(ValueError)" in library
    assert "count(rows: list, letters: str = 'a,b(c') -> int" in library


def test_documented_methods_have_their_first_line_and_properties_no_brackets(library):
    assert "- `wide`: Whether it is wide." in library
    assert "- `grown(by, *, most)`: A larger row." in library
    assert "This is not shown" not in library
    assert "silent" not in library


def test_equations_stay_and_marks_in_text_mean_themselves(library):
    assert "```text\na <- b * c\n```" in library
    assert r"It is `plain_text` with a \* and one\_name." in library


def test_a_long_signature_has_a_line_for_each_argument():
    definition = ast.parse(f"def f({', '.join(f'argument_{n}: int' for n in range(8))}): ...").body[0]
    assert api.signature(definition).startswith("f(\n    argument_0: int,\n    argument_1: int,\n")


def test_a_page_that_is_out_of_date_is_named_with_the_way_out(tmp_path, monkeypatch):
    monkeypatch.setattr(api, "PAGE", tmp_path / "api.md")
    assert "python tools/api.py store" in api.problems()[0]
    api.PAGE.write_text(api.page() + "one word", "utf-8")
    assert len(api.problems()) == 1


def test_a_design_without_an_order_is_refused(tmp_path):
    (tmp_path / "design.py").write_text("A = 1\n", "utf-8")
    with pytest.raises(ValueError, match=r"design\.py has no ORDER"):
        api.order(tmp_path / "design.py")
