"""`NetWalk`: eight stops by key, button and dot, and eight stills without JavaScript and on paper."""

import pytest
from conftest import visiting

from alexnet_lib.widgets.walk import STOPS

from .pages import ROOT, barriers

pytestmark = pytest.mark.browser
MOVING = f"{ROOT}.getAnimations().length"


def at(page):
    """The stop that is shown, 1 to 8: dot, title and address agree on it."""
    walk = page.locator(".page-widget-live")
    (dot,) = walk.locator(".dots [aria-current=step]").all()
    stop = int(dot.get_attribute("aria-label").split(":")[0].removeprefix("Stop "))
    layer, title, words, number, chapter, _ = STOPS[stop - 1]
    assert walk.locator(".which").inner_text() == f"Layer {stop} of 8 · {layer}"
    assert walk.locator("h2").inner_text() == title
    assert walk.locator(".words").inner_text() == words
    assert number in walk.locator(".paper").inner_text()
    assert walk.locator("a").get_attribute("href") == f"{chapter}.html"
    (picture,) = walk.locator("img").all()
    assert picture.evaluate("image => image.decode().then(() => image.naturalWidth)") > 300
    return stop


def test_keys_buttons_and_dots_lead_from_stop_to_stop_and_the_ends_hold(browser, site):
    with visiting(browser, site.file("NetWalk")) as visit:
        page = visit.page
        back, following = (page.get_by_role("button", name=name) for name in ("Back", "Next"))
        assert at(page) == 1
        assert back.is_disabled()
        page.get_by_role("group", name="One photograph").focus()
        for key, stop in (
            ("ArrowLeft", 1),
            ("ArrowRight", 2),
            ("Space", 3),
            ("ArrowLeft", 2),
            ("Control+ArrowRight", 2),
        ):
            page.keyboard.press(key)
            assert at(page) == stop, key
        following.focus()
        page.keyboard.press("Space")  # the button's own key counts once
        assert at(page) == 3
        for stop in (4, 5, 6, 7, 8):
            page.keyboard.press("Enter")
            assert at(page) == stop
        assert following.is_disabled()
        page.keyboard.press("ArrowRight")
        assert at(page) == 8
        page.keyboard.press("ArrowLeft")  # the disabled button did not keep the keyboard
        assert at(page) == 7
        page.get_by_role("button", name="Stop 5: conv5").click()
        assert at(page) == 5
        page.wait_for_function("location.hash === '#walk.stop=5'")
        page.evaluate("location.hash = '#walk.stop=9'")
        page.locator(".note", has_text="The link asks for stop = 9").wait_for()
        assert at(page) == 1
        assert barriers(page) == []

        # Every test's browser asks for less motion; without that wish a stop slides in.
        assert page.evaluate(MOVING) == 0
        page.emulate_media(reduced_motion="no-preference")
        following.click()
        assert page.evaluate(MOVING) == 1
        page.emulate_media(reduced_motion="reduce")
        following.click()
        assert page.evaluate(MOVING) == 0
        assert visit.problems == []


def test_without_javascript_and_on_paper_all_eight_stand_one_after_the_other(browser, site):
    for javascript in (False, True):
        with visiting(browser, site.file("NetWalk"), javascript=javascript) as visit:
            page, stops = visit.page, visit.page.locator(".page-widget li")
            if javascript:
                assert stops.first.is_hidden()
                page.emulate_media(media="print")
                assert page.locator(".page-widget-live").is_hidden()
            assert stops.count() == len(STOPS)
            for stop, (layer, title, words, *_) in zip(stops.all(), STOPS, strict=True):
                assert stop.is_visible()
                for text in (f"{layer}: {title}", words):
                    assert text in stop.inner_text()
                assert len(stop.locator("img").get_attribute("alt")) > 20
