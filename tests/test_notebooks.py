"""tools/notebooks.py: what it keeps, what it drops, and what it says about a chapter that is not clean."""

import base64
import re
import sys
from pathlib import Path

import nbformat
import pytest
from nbclient.exceptions import CellExecutionError
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

# tools/ is no package: its programs are run by name.
sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tools"))
import notebooks

ALT = "A line that rises from one to three."
SHOW = f"""from IPython.display import display
forms = {{"image/png": "aGVsbG8=", "text/plain": {ALT!r}}}
display(forms, raw=True, metadata={{"image/png": {{"alt": {ALT!r}}}}})"""


def stored(tmp_path, *cells, **metadata):
    """A chapter file with these cells, numbered as if they had run."""
    code = [cell for cell in cells if cell.cell_type == "code"]
    for count, cell in enumerate(code, start=1):
        cell.execution_count = cell.execution_count or count
    path = tmp_path / "x.ipynb"
    nbformat.write(new_notebook(cells=list(cells), metadata={**notebooks.METADATA, **metadata}), path)
    return path


def picture(size=5, alt=ALT, known=ALT):
    data = {"image/png": base64.b64encode(bytes(size)).decode()}
    output = new_output("display_data", data, metadata={"image/png": {"alt": alt}})
    return new_code_cell(outputs=[output], metadata={"mystnb": {"image": {"alt": known}}})


def printed(text, name="stdout"):
    return new_code_cell(outputs=[new_output("stream", name=name, text=text)])


def shown(**forms):
    return new_code_cell(
        outputs=[new_output("display_data", {k.replace("_", "/", 1): v for k, v in forms.items()})]
    )


@pytest.fixture
def executed(tmp_path):
    """A chapter with a picture, a print and noise, run and stored."""
    cells = [
        new_markdown_cell("# 1 Title"),
        new_code_cell("print('96 maps')", metadata={"collapsed": True, "tags": ["hide-input"]}),
        new_code_cell(SHOW),
    ]
    path = stored(tmp_path, *cells, widgets={"state": {}})
    notebooks.store(path)
    return path


def test_a_stored_chapter_is_clean_and_keeps_what_a_reader_sees(executed):
    assert notebooks.check(executed) == []
    _, first, second = nbformat.read(executed, as_version=4).cells
    assert first.outputs[0].text == "96 maps\n"
    assert first.metadata == {"tags": ["hide-input"]}
    assert second.outputs[0].data["text/plain"] == ALT
    assert nbformat.read(executed, as_version=4).metadata.running_seconds in notebooks.STEPS
    assert second.metadata.mystnb == {"image": {"alt": ALT}}


def test_storing_twice_gives_the_same_bytes(executed):
    before = executed.read_bytes()
    notebooks.store(executed)
    assert executed.read_bytes() == before


def test_a_chapter_that_fails_leaves_its_file_as_it_was(tmp_path):
    path = stored(tmp_path, new_code_cell("1 / 0"))
    before = path.read_bytes()
    with pytest.raises(CellExecutionError, match="ZeroDivisionError"):
        notebooks.store(path)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


@pytest.fixture
def address(monkeypatch):
    """address(text) -> from then on the address that _config.yml gives"""
    return lambda text: monkeypatch.setattr(notebooks, "repository_address", lambda: text)


GITHUB = "https://github.com/owner/name"


def test_with_an_address_a_chapter_begins_with_a_cell_that_installs_the_library(executed, address):
    address(GITHUB)
    words = "its install cell is not that of _config.yml's address: run `make notebooks`"
    assert notebooks.check(executed) == [words]
    notebooks.store(executed)
    assert notebooks.check(executed) == []
    title, first, second, _ = nbformat.read(executed, as_version=4).cells
    assert title.source == "# 1 Title"
    assert f'"alexnet_lib[chapters] @ git+{GITHUB}"' in first.source
    assert first.outputs == []
    assert second.source == "print('96 maps')"
    before = executed.read_bytes()
    notebooks.store(executed)
    assert executed.read_bytes() == before


@pytest.mark.parametrize(
    ("seconds", "before", "after"),
    [
        (3, None, 5),
        (59, None, 60),
        (500, None, 120),
        (12, 10, 10),  # one step up, as on a busy machine
        (4, 10, 10),  # one step down
        (21, 10, 30),  # two steps up
        (4, 7, 5),  # 7 is no step
    ],
)
def test_a_running_time_moves_only_by_more_than_one_step(seconds, before, after):
    assert notebooks.about(seconds, before) == after


@pytest.mark.parametrize(
    ("cell", "words"),
    [
        (new_code_cell(execution_count=7), "execution_count is 7, in order it is 1"),
        (new_code_cell("\n".join("a" * 21)), "21 lines, more than 20"),
        (new_code_cell(metadata={"collapsed": True}), r"cell metadata \['collapsed'\] are not kept"),
        (new_code_cell("open('/home/me/x.png')"), "absolute path /home/me/x.png"),
        (new_markdown_cell("![ ](x.png)"), "a picture has no alt text"),
        (picture(size=180_000), "about 180,000 bytes, more than 160,000"),
        (picture(alt="A plot."), "no alt text of at least 20 letters"),
        (picture(known="A line that falls, as it once did."), "the page does not know the picture's alt"),
        (
            new_code_cell(outputs=picture().outputs * 2, metadata=picture().metadata),
            "2 pictures: .* show one",
        ),
        (new_code_cell(outputs=[new_output("error", ename="ValueError")]), "it fails with ValueError"),
        (printed("careful", "stderr"), "it prints to stderr"),
        (printed("in /home/reader/book/x.png"), "absolute path /home/reader/book/x.png"),
        (printed(r"in C:\Users\me"), r"absolute path C:\\Users"),
        (printed("<LRN object at 0x7f01ab>"), "memory address at 0x7f01ab"),
        (shown(text_html="<p><img src='x.png'></p>"), "a picture has no alt text"),
        (
            new_code_cell(outputs=[new_output("display_data", {notebooks.WIDGET_VIEW: {}})]),
            "a widget view is stored",
        ),
    ],
)
def test_the_check_names_what_is_wrong(tmp_path, cell, words):
    (problem,) = set(notebooks.check(stored(tmp_path, cell)))
    assert re.match(f"cell 1: .*{words}", problem)


def test_the_check_names_a_file_that_is_too_large_and_foreign_metadata(tmp_path):
    path = stored(tmp_path, printed("a" * 600_000), widgets={})
    assert [problem.split(":")[0][:12] for problem in notebooks.check(path)] == [
        "the file has",
        "its metadata",
    ]


@pytest.mark.parametrize(
    "text",
    [
        "paper / source 2012 / ours",
        "top-1/top-5 fall by 1.7/1.2",
        "<p>a</p><img alt='b' src='data:image/jpeg;base64,/9j/4AAQ/SkZJRg=='>",
        "https://example.org/a/b",
    ],
)
def test_the_check_takes_no_slash_for_a_path(tmp_path, text):
    assert notebooks.check(stored(tmp_path, shown(text_html=text))) == []
