"""The page for teachers: its links open figures at settings that exist, and its exercises are there."""

import json
import re
from pathlib import Path

import pytest

from alexnet_lib import widgets

BOOK = Path(__file__).resolve().parent.parent / "book"
PAGE = (BOOK / "for_teachers.md").read_text("utf-8")
SETTINGS = re.findall(r'href="widget_gallery\.html#([^"]+)"', PAGE)
# "3.5: 1 to 4", "3.1: 2 and 3", "3.3: 3" in a cell of a table.
NAMED = re.findall(r"\b(\d(?:\.\d)?): (\d)(?:( to | and )(\d))?", PAGE)


@pytest.fixture(scope="module")
def figures():
    """Every explorer by the name that it has in a link."""
    made = [getattr(widgets, name)() for name in widgets.__all__ if name != "page_interact"]
    return {figure.page_name: figure for figure in made}


def wrong_settings(setting, figures):
    """What a link asks for and the figure does not have."""
    for part in setting.split("&"):
        prefix, name, text = re.fullmatch(r"(\w+)\.(\w+)=(.+)", part).groups()
        figure = figures.get(prefix)
        if figure is None or name not in figure.trait_names():
            yield f"{prefix}.{name} is no parameter"
            continue
        kind = type(getattr(figure, name))
        try:
            setattr(figure, name, kind(text))
        except (TypeError, ValueError) as error:
            yield str(error)


def test_a_link_opens_a_figure_at_a_setting_that_it_has(figures):
    assert [problem for setting in SETTINGS for problem in wrong_settings(setting, figures)] == []
    for wrong, words in [("lrn.m=3", "no parameter"), ("lrm.n=3", "no parameter"), ("lrn.n=99", "n is 99")]:
        assert words in next(wrong_settings(wrong, figures))


def test_every_figure_but_one_is_used_and_every_link_is_checked(figures):
    used = {part.split(".")[0] for setting in SETTINGS for part in setting.split("&")}
    # The curves are the records of the day; the network has a page of its own, which is linked; the others
    # show nothing before a reader's click.
    assert set(figures) - used == {"runs", "net", "walk", "race", "growth", "units", "teach"}
    assert PAGE.count("<a href=") == len(SETTINGS)


def exercises_of(chapter):
    (path,) = BOOK.glob(f"{chapter.replace('.', '_')}_[a-z]*.ipynb")
    cells = json.loads(path.read_text("utf-8"))["cells"]
    return re.findall(
        r"^\*\*(\d)\. (?:Warm-up|Build|Think)", "\n".join("".join(c["source"]) for c in cells), re.M
    )


def test_a_named_exercise_exists():
    assert len(NAMED) >= 8
    for chapter, first, joint, last in NAMED:
        assert first in exercises_of(chapter)
        assert not joint or last in exercises_of(chapter)


def test_every_page_that_is_linked_is_there():
    linked = re.findall(r"\]\((\w+\.(?:ipynb|md))\)", PAGE)
    assert [name for name in set(linked) if not (BOOK / name).exists()] == []
    chapters = {path.name for path in BOOK.glob("*.ipynb")}
    assert chapters - set(linked) == set()
