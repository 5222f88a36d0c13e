"""The gallery page of the built book: every widget, alive inside the theme."""

import pytest
from conftest import toc_pages

from alexnet_lib import widgets

from .pages import EXPLORERS, OUTPUT, after_painting

pytestmark = pytest.mark.browser
GALLERY = "book/widget_gallery.html"
# Pixels from the first slider to the end of the last picture, by widget.
REACH = """() => [...document.querySelectorAll(".page-widget")].map(box => {
  const root = box.querySelector(".page-widget-live").shadowRoot;
  const boxes = kind => [...root.querySelectorAll(kind)]
    .filter(e => e.checkVisibility()).map(e => e.getBoundingClientRect());
  const [sliders, pictures] = [boxes("input[type=range], select"), boxes("canvas")];
  const reach = Math.max(...pictures.map(b => b.bottom)) - Math.min(...sliders.map(b => b.top));
  return [box.dataset.widget, sliders.length && pictures.length ? Math.round(reach) : 0];
})"""


def all_are_alive(visit):
    states = "all => all.map(box => [box.dataset.widget, box.dataset.state])"
    shown = visit.page.locator(".page-widget").evaluate_all(states)
    names = [getattr(widgets, name).page_name for name in EXPLORERS]
    assert sorted(shown) == sorted([name, "ready"] for name in [*names, "frames"])
    assert visit.problems == []


def test_the_gallery_works_from_a_file(open_page):
    all_are_alive(open_page(GALLERY, scheme="file"))


def test_the_gallery_is_alive_follows_a_link_and_the_theme_and_shows_a_slider_with_its_pictures(open_page):
    assert GALLERY in toc_pages()
    visit = open_page(f"{GALLERY}#pooling.z=7", theme="light")
    all_are_alive(visit)
    page, box = visit.page, visit.page.locator(".page-widget[data-widget=pooling]")
    assert "7 x 7 windows" in box.locator(".summary").inner_text()
    assert abs(box.evaluate("box => box.getBoundingClientRect().top")) < 200
    assert [(name, reach) for name, reach in page.evaluate(REACH) if reach > 560] == []
    box = page.locator(".page-widget[data-widget=lrn]")
    before = box.evaluate(OUTPUT)
    for _ in range(3):  # the theme's button goes round: dark, light, as the system has it
        after_painting(box, lambda: page.locator(".theme-switch-button").first.click())
        if page.locator("html[data-theme=dark]").count():
            break
    assert box.evaluate(OUTPUT) != before
