"""What the page's own script does for a reader: judges numbers, takes clicks on lines, explains words."""

import math

import pytest
from chapters.test_checkers import NUMBERS

from alexnet_lib.chapters.verdict import check_number

BASE = "book/3_1_relu_nonlinearity.html"
JUDGE = "([question, text]) => window.BOOK.judge(question, text).right"


@pytest.fixture
def page(open_page):
    return open_page(BASE).page


@pytest.mark.browser
def test_the_page_judges_a_number_as_python_does(page):
    for check, (right, wrong) in NUMBERS.items():
        question = check(None).question
        for number in [*right, *wrong, *(n * (1 + 2e-9) for n in right), *(n + 1e-10 for n in right)]:
            said = page.evaluate(JUDGE, [question, repr(float(number))])
            assert said == check(number).right, (check.__name__, number)


@pytest.mark.browser
@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1/16", 1 / 16),
        ("64**2", 4096),
        ("2^-1", 0.5),
        ("843,750", 843_750),
        ("-(1 + 2) * 3", -9),
        ("1e-3", 1e-3),
    ],
)
def test_a_reader_may_write_a_small_calculation(page, text, value):
    question = check_number(None, value, "Hint.", "Good.").question
    assert page.evaluate(JUDGE, [question, text])
    for odd in ("", "1/", "2 3", "alert(1)", "1,5", "0/0"):
        assert not page.evaluate(JUDGE, [question, odd]), odd


def test_only_numbers_are_asked_in_the_page():
    assert check_number(7, 7, "Hint.", "Good.")._repr_html_() is None
    html = check_number(None, math.pi, 'say "<b>"', "Good.")._repr_html_()
    assert "3.141592653589793" in html
    assert "<b>" not in html


@pytest.mark.browser
def test_a_question_answers_and_a_word_is_explained(page):
    box = page.locator(".number-question").first
    box.locator("input").fill("1/256")
    box.locator("input").press("Enter")
    assert box.locator(".told").inner_text().startswith("Not yet: ")
    box.locator("input").fill("1/16")
    box.get_by_role("button").click()
    assert box.locator(".told").inner_text().startswith("Right: ")
    word = page.locator("a.word").first
    word.focus()
    page.wait_for_selector("#word-card:not([hidden])")
    assert page.locator("#word-card").inner_text().lower().startswith(word.inner_text().lower()[:4])
    page.keyboard.press("Escape")
    assert page.locator("#word-card").is_hidden()


@pytest.mark.browser
def test_the_list_of_headings_marks_where_the_reader_is(page):
    for link in page.locator("#page-toc-nav a").all():
        page.evaluate(
            "hash => document.getElementById(hash.slice(1)).scrollIntoView()", link.get_attribute("href")
        )
        page.wait_for_function("link => link.classList.contains('active')", arg=link.element_handle())
        assert page.locator("#page-toc-nav [aria-current]").count() == 1


@pytest.mark.browser
def test_the_faulty_line_is_found_by_mouse_and_by_keyboard(open_page):
    page = open_page("book/find_the_bug.html").page
    cell = page.locator(".cell.tag_bug-line-6")
    lines = cell.locator(".line")
    lines.nth(0).click()
    assert lines.nth(0).get_attribute("data-right") == "false"
    for _ in range(5):
        page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    assert lines.nth(5).get_attribute("data-right") == "true"
    assert "transforms" in lines.nth(5).inner_text()


@pytest.mark.browser
def test_the_ledger_shows_the_claims_of_one_verdict(open_page):
    page = open_page("book/claim_ledger.html").page
    whole = page.locator("tr[data-verdict]:visible").count()
    for button in page.locator(".filter button").all():
        button.click()
        assert page.locator("tr[data-verdict]:visible").count() == int(button.inner_text().split()[-1])
    page.locator(".filter button").first.click()
    assert page.locator("tr[data-verdict]:visible").count() == whole > 20
