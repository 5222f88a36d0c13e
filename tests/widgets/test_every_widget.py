"""The widgets in a Chromium and from Python.

What each widget computes and draws itself is tried on all of them; what host.js and explorer.js do for every
widget, links, keyboard, themes, paper, is tried on two.
"""

import gzip
import json
import re

import pytest
from conftest import visiting

from alexnet_lib.widgets import bundle

from .pages import (
    EXPLORERS,
    FIRST,
    MOVING_KEY,
    NAMES,
    OUTPUT,
    after_painting,
    barriers,
    html_of,
    make,
    move,
    random_setting,
)

# Tests of one widget run in one process, so that those that only look share a visit.
grouped = {name: pytest.param(name, marks=pytest.mark.xdist_group(name), id=name) for name in NAMES}
every_widget = pytest.mark.parametrize("name", grouped.values(), scope="module")
every_explorer = pytest.mark.parametrize("name", [grouped[name] for name in EXPLORERS], scope="module")
# Sliders and a photograph with a long state; lists, toggles and no photograph.
two_widgets = pytest.mark.parametrize(
    "name", [grouped["LrnExplorer"], grouped["TowerExplorer"]], scope="module"
)
in_browser = pytest.mark.browser


@pytest.fixture(scope="module")
def seen(browser, site, name):
    """A visit to the widget's page for tests that only look: they leave it as they found it."""
    with visiting(browser, site.url(name)) as visit:
        yield visit


@pytest.fixture
def box(browser, site, name):
    """The widget, live in a page of its own."""
    with visiting(browser, site.url(name)) as visit:
        yield visit.page.locator(".page-widget")


def values_in(box):
    """What the controls show, by parameter."""
    inputs = box.locator("input, select, button[name]").evaluate_all(
        """all => all.filter(i => i.type !== 'radio' || i.checked).map(
             i => [i.dataset.name ?? i.name, i.type === 'checkbox' ? i.checked : i.value])"""
    )
    return dict(inputs)


GO_TO = """async hash => {
  location.hash = hash;
  for (let frame = 0; frame < 3; frame++) await new Promise(requestAnimationFrame);
}"""


def go_to(box, widget, setting):
    """Send the page to a setting by its address, as a teacher's link does."""
    words = {name: value if isinstance(value, str) else json.dumps(value) for name, value in setting.items()}
    box.page.evaluate(GO_TO, "&".join(f"{widget.page_name}.{name}={word}" for name, word in words.items()))


@in_browser
@two_widgets
def test_it_starts_alone_on_its_host_and_from_a_file(browser, site, name, seen):
    with visiting(browser, site.file(name)) as from_file:
        for visit in (seen, from_file):
            assert visit.page.locator(".page-widget").get_attribute("data-state") == "ready"
            assert visit.problems == []


@in_browser
@every_widget
def test_page_and_python_agree_at_any_setting(box, name):
    """Seeds 0 and 1 are all the lowest and all the highest values."""
    widget = make(name)
    for seed in range(8):
        setting = random_setting(widget, seed)
        with widget.hold_trait_notifications():
            for parameter, value in setting.items():
                setattr(widget, parameter, value)
        go_to(box, widget, setting)
        assert box.locator(".note").is_hidden(), box.locator(".note").inner_text()
        assert box.locator(".summary").inner_text() == widget.summary()
        ours = box.locator(".page-widget-live").evaluate("live => live.ours && [...live.ours]")
        expected = widget.reference()
        peak = max(map(abs, expected or [0]))
        assert ours == (expected and pytest.approx(expected, rel=1e-6, abs=1e-12 * peak)), setting


@in_browser
@every_widget
def test_every_control_moves_by_keyboard_and_changes_the_picture(box, name):
    for called in [parameter["name"] for parameter in make(name).params]:
        control = box.locator(f"[name='{called}'], [data-name='{called}']:checked").first
        before = box.evaluate(OUTPUT), values_in(box)[called]
        for _ in range(60):
            box.page.keyboard.press("Tab")
            if control.evaluate("control => control.matches(':focus')"):
                break
        else:
            pytest.fail(f"Tab does not lead to {called}")
        after_painting(box, lambda control=control: box.page.keyboard.press(control.evaluate(MOVING_KEY)))
        assert values_in(box)[called] != before[1], f"{called} did not move"
        assert box.evaluate(OUTPUT) != before[0], f"nothing shows that {called} moved"


@in_browser
@two_widgets
def test_sliders_say_their_value_and_everything_has_a_name(seen, name):
    for what, said in (("input[type=range]", "aria-valuetext"), ("canvas", "aria-label")):
        read = f"all => all.map(element => element.getAttribute('{said}'))"
        assert all(seen.page.locator(f".page-widget {what}").evaluate_all(read))


@in_browser
@two_widgets
def test_a_bad_value_in_the_address_becomes_the_papers_with_a_note(browser, site, name):
    widget = make(name)

    def asking(bad):
        return "&".join(f"{widget.page_name}.{p['name']}={bad}" for p in widget.params)

    with visiting(browser, f"{site.url(name)}#{asking('1e99')}") as visit:
        for bad in ("1e99", "", "NaN", "<img src=x onerror=alert(1)>", "%"):
            visit.page.evaluate(GO_TO, asking(bad))
            note = visit.page.locator(".note")
            for p in widget.params:
                assert f"The link asks for {p['name']} = {bad}, which is not " in note.inner_text()
            assert note.locator("img").count() == 0
            assert visit.page.locator(".summary").inner_text() == widget.summary()
        assert visit.problems == []


@in_browser
@two_widgets
def test_a_link_brings_the_same_setting_back_and_reset_the_papers(browser, site, name):
    widget = make(name)
    with visiting(browser, site.file(name)) as first:  # the stricter place of the two
        box = first.page.locator(".page-widget")
        paper = values_in(box)
        after_painting(box, lambda: move(box.locator(FIRST).first))
        first.page.wait_for_function(f"location.hash.includes('{widget.page_name}.')")
        moved, address = values_in(box), first.page.url
        assert moved != paper
    with visiting(browser, address) as second:
        box = second.page.locator(".page-widget")
        assert values_in(box) == moved
        after_painting(box, lambda: box.get_by_role("button", name=re.compile("Paper values|Reset")).click())
        assert values_in(box) == paper


@in_browser
@two_widgets
def test_two_copies_on_a_page_answer_each_to_its_own_hand(browser, site, name):
    widget = make(name)
    first = widget.params[0]
    value = random_setting(widget, 1)[first["name"]]
    asked = f"#{widget.page_name}-2.{first['name']}={value}"
    with visiting(browser, site.url(name, copies=2) + asked) as visit:
        one, two = visit.page.locator(".page-widget").all()
        assert one.locator(".summary").inner_text() == widget.summary()
        assert values_in(one) != values_in(two)
        ids = visit.page.locator("[id]").evaluate_all("all => all.map(e => e.id)")
        assert len(ids) == len(set(ids))
        after_painting(two, lambda: move(two.locator(FIRST).first))
        assert one.locator(".summary").inner_text() == widget.summary()


@in_browser
@two_widgets
def test_the_link_button_says_what_it_did(box, name):
    box.get_by_role("button", name="Copy link").click()
    box.page.wait_for_function(
        "box => box.querySelector('.page-widget-live').shadowRoot.querySelector('[role=status]').textContent",
        arg=box.element_handle(),
    )


@in_browser
@two_widgets
def test_without_javascript_a_picture_tells_the_same(browser, site, name):
    with visiting(browser, site.url(name), javascript=False) as visit:
        picture = visit.page.locator(".page-widget img")
        assert picture.is_visible()
        assert len(picture.get_attribute("alt")) > 20
        assert visit.page.locator("figcaption").inner_text() == make(name).summary()


@in_browser
@two_widgets
def test_paper_gets_the_picture(box, name):
    assert box.locator("> figure img").is_hidden()
    box.page.emulate_media(media="print")
    assert box.locator("> figure img").is_visible()
    assert box.locator(".page-widget-live").is_hidden()


@in_browser
@every_widget
def test_it_starts_with_torchs_numbers_fits_a_phone_and_has_no_barrier(browser, site, name):
    """In the light theme; in the book's gallery axe reads all of them in the dark."""
    with visiting(browser, site.url(name), width=390) as visit:
        assert visit.page.locator(".page-widget").get_attribute("data-state") == "ready"
        assert visit.problems == []
        badge = visit.page.locator(".badge").inner_text()
        assert badge.startswith("torch agrees") if make(name).reference() is not None else badge == ""
        assert visit.page.evaluate("document.scrollingElement.scrollWidth - innerWidth") <= 0
        assert barriers(visit.page) == []


@in_browser
@two_widgets
def test_a_change_of_theme_is_drawn_at_once(box, name):
    before = box.evaluate(OUTPUT)
    after_painting(box, lambda: box.page.evaluate("document.documentElement.dataset.theme = 'dark'"))
    assert box.evaluate(OUTPUT) != before


@in_browser
@two_widgets
def test_a_screen_reader_hears_the_summary_when_the_hand_rests(box, name):
    heard = box.locator("[aria-live=polite]")
    assert heard.inner_text() == ""
    move(box.locator(FIRST).first)
    heard.filter(has_text=re.compile(r"\S")).wait_for(state="attached")
    assert heard.text_content() == box.locator(".summary").inner_text()


@every_widget
def test_it_is_light_has_alt_text_and_two_runs_print_the_same(name):
    png, alt = make(name).poster()
    assert png.startswith(b"\x89PNG")
    assert len(png) <= 40_000
    assert len(alt) > 20
    html = html_of(make(name))
    assert html == html_of(make(name))
    assert len(gzip.compress(html.encode(), 9)) <= 13_000  # script and data are on the page already


def test_the_first_page_with_a_widget_gets_script_and_data_in_a_quarter_of_a_megabyte():
    texts = [bundle.page_script(), *map(bundle.asset_script, bundle.asset_names())]
    assert sum(len(gzip.compress(text.encode(), 9)) for text in texts) <= 240_000


@every_explorer
def test_its_values_start_as_the_papers(name):
    widget = make(name)
    assert {p["name"]: p["paper"] for p in widget.params} == widget.values()
    assert repr(widget) == f"{name}()"


@every_explorer
def test_it_refuses_what_its_controls_refuse_in_words(name):
    for p in make(name).params:
        outside = (
            [p["max"] + 1, p["min"] - 1, "3", float("nan")] if p["kind"] == "slider" else ["no such", None]
        )
        for value in outside:
            with pytest.raises((ValueError, TypeError), match=rf"^{p['name']} is {re.escape(repr(value))}\W"):
                make(name, **{p["name"]: value})
