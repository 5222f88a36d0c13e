"""The gallery page of the built book: every widget, alive inside the theme."""

import pytest
from conftest import toc_pages

from alexnet_lib import widgets

from .pages import EXPLORERS, OUTPUT, after_painting

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("book/widget_gallery.html")]
GALLERY = "book/widget_gallery.html"


@pytest.mark.parametrize("scheme", ["http", "file"])
def test_the_gallery_shows_every_explorer_alive(open_page, scheme):
    assert GALLERY in toc_pages()
    visit = open_page(GALLERY, scheme=scheme)
    states = "all => all.map(box => [box.dataset.widget, box.dataset.state])"
    shown = visit.page.locator(".page-widget").evaluate_all(states)
    names = [getattr(widgets, name).page_name for name in EXPLORERS]
    assert sorted(shown) == sorted([name, "ready"] for name in [*names, "frames"])
    assert visit.problems == []


def test_a_link_to_a_setting_leads_to_its_figure(open_page):
    page = open_page(f"{GALLERY}#pooling.z=7").page
    box = page.locator(".page-widget[data-widget=pooling]")
    assert "7 x 7 windows" in box.locator(".summary").inner_text()
    assert abs(box.evaluate("box => box.getBoundingClientRect().top")) < 200


def test_the_themes_own_button_redraws_the_figures(open_page):
    page = open_page(GALLERY, theme="light").page
    box = page.locator(".page-widget[data-widget=lrn]")
    before = box.evaluate(OUTPUT)
    for _ in range(3):  # it goes round: dark, light, as the system has it
        after_painting(box, lambda: page.locator(".theme-switch-button").first.click())
        if page.locator("html[data-theme=dark]").count():
            break
    assert box.evaluate(OUTPUT) != before
