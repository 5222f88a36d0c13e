"""An afternoon with the figures: nothing grows, and what is not seen is not drawn."""

import pytest
from conftest import visiting

from .pages import EXPLORERS, PAGE, PAINTS, WIGGLE, held, html_of, make

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.xdist_group("long use")]

MOVES = 200  # of each slider
EACH_FRAME = 5


@pytest.fixture(scope="module")
def shelf(site):
    """A page with every figure on it."""
    body = "".join(html_of(make(name)) for name in EXPLORERS)
    (site.folder / "shelf.html").write_text(PAGE.format(title="Shelf", body=body), "utf-8")
    return f"{site.root}/shelf.html"


def test_ten_figures_on_a_page_hold_no_more_after_two_thousand_moves(browser, shelf, record_property):
    with visiting(browser, shelf) as visit:
        boxes = [
            box for box in visit.page.locator(".page-widget").all() if box.locator("[type=range]").count()
        ]
        assert len(boxes) >= 9

        def move(times):
            for box in boxes:
                before = box.evaluate(PAINTS)
                box.locator("[type=range]").first.evaluate(WIGGLE, [times, EACH_FRAME])
                painted = box.evaluate(PAINTS) - before
                assert 0 < painted <= times / EACH_FRAME + 3, "a figure is drawn more than once a frame"

        move(4 * EACH_FRAME)
        before = held(visit.page)
        move(MOVES)
        after = held(visit.page)
        grown = {name: after[name] - before[name] for name in after}
        record_property(
            f"heap after {MOVES * len(boxes)} moves", f"{before['JSHeapUsedSize'] / 1e6:.1f} MB {grown}"
        )
        assert grown["JSHeapUsedSize"] < 600_000
        assert grown["Nodes"] <= 20
        assert grown["JSEventListeners"] <= 0
        assert visit.problems == []
