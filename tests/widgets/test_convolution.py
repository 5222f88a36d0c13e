"""The convolution's picture: its cells answer to a click, and the sweep runs and stops."""

import pytest
from conftest import new_tab

from .pages import after_painting

pytestmark = pytest.mark.browser


def test_a_click_on_an_output_shows_its_nine_products(browser, site):
    visit = new_tab(browser, "light", javascript=True)
    page = visit.page
    page.emulate_media(reduced_motion="no-preference")
    page.goto(site.url("ConvolutionExplorer"))
    page.wait_for_selector("[data-widget][data-state=ready]")
    live, whole = page.locator(".page-widget-live"), page.locator(".page-widget")
    output = live.locator("canvas").nth(2)
    box = output.bounding_box()
    after_painting(whole, lambda: output.click(position={"x": 5, "y": box["height"] * 0.95}))
    assert "row 9, column 0" in live.locator(".summary").inner_text()
    terms, total = live.locator(".sum").inner_text().replace("\n", " ").split("=")
    written = terms.replace("−", "-").replace("·", "*")
    assert eval(written) == float(total.replace("−", "-"))

    sweep = live.get_by_role("button", name="Sweep Position")
    after_painting(whole, sweep.click)
    live.get_by_role("button", name="Stop").click()
    page.wait_for_function(
        "live => live.shadowRoot.querySelector('input').value === '90'", arg=live.element_handle()
    )
    assert visit.problems == []
    page.context.close()
