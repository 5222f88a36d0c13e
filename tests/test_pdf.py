"""tools/pdf.py, on a book of two small pages: what reaches the paper, and where its links lead."""

import sys
from pathlib import Path

import pytest
from pypdf import PdfReader

# tools/ is no package: its programs are run by name.
sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tools"))
import pdf

pytestmark = [pytest.mark.browser, pytest.mark.slow]

PAGE = """<!doctype html><html lang="en"><head><title>{title}</title>
<script defer src="page-widgets.js"></script></head><body><h1>{title}<a href="#there">#</a></h1>
<div class="page-widget">stored picture</div><details><summary>Solution</summary>folded words</details>
<p><a href="{other}.html">other</a> <a href="{other}.html#there">far</a> <a href="file.ipynb">file</a>
<a href="https://example.org/">site</a></p>
<h2 style="break-before: page" id="there">There</h2><p>second sheet of {title}</p></body></html>"""
ALIVE = "document.querySelector('.page-widget').textContent = 'slider'"


@pytest.fixture(scope="module")
def printed(browser, tmp_path_factory):
    html = tmp_path_factory.mktemp("html")
    (html / "page-widgets.js").write_text(ALIVE)
    for name, other in [("one", "two"), ("two", "one")]:
        (html / f"{name}.html").write_text(PAGE.format(title=name.title(), other=other), "utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pdf, "chapters", lambda: [(None, "one"), ("Part", "two")])
        writer = pdf.book_pdf(browser, html)
    writer.write(html / "book.pdf")
    return PdfReader(html / "book.pdf")


def test_the_pages_follow_in_order_and_their_numbers_run_on(printed):
    words = [sheet.extract_text().split() for sheet in printed.pages]
    assert [line[line.index("of") + 1] for line in words[1::2]] == ["One", "Two"]
    assert [[word for word in line if word.isdigit()] for line in words] == [["1"], ["2"], ["3"], ["4"]]


def test_a_widget_is_its_stored_picture_and_what_is_folded_is_open(printed):
    text = printed.pages[0].extract_text()
    assert "stored picture" in text
    assert "slider" not in text
    assert "folded words" in text


def test_the_outline_holds_parts_and_chapters(printed):
    first, part, (chapter,) = printed.outline
    assert (first.title, part.title, chapter.title) == ("One", "Part", "Two")
    assert [printed.get_destination_page_number(item) for item in (first, part, chapter)] == [0, 2, 2]


def test_links_lead_to_their_own_place_and_none_to_a_file_of_this_machine(printed):
    sheets = {sheet.indirect_reference.idnum: number for number, sheet in enumerate(printed.pages)}
    found = []
    for sheet in (printed.pages[0], printed.pages[2]):
        links = [link.get_object() for link in sheet["/Annots"]]
        found.append(
            [sheets[link["/Dest"][0].idnum] if "/Dest" in link else link["/A"]["/URI"] for link in links]
        )
    # The mark at the title, the other page, a place in it, and the one address on another host.
    assert found == [[1, 2, 3, "https://example.org/"], [3, 0, 1, "https://example.org/"]]


def test_the_book_is_printed_in_the_order_of_its_table_of_contents():
    names = [name for _, name in pdf.chapters()]
    assert names[:2] == ["book/index", "book/1_introduction"]
    assert {part for part, _ in pdf.chapters()} == {None, "The paper", "After the paper", "Back of the book"}
