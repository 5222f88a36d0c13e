"""`KernelGrowth`: the record's kernels in the page, their colorfulness and its null against Python's."""

import pytest
import torch
from conftest import visiting

from alexnet_lib import qualitative, records
from alexnet_lib.data.batches import seed_of
from alexnet_lib.specs import build
from alexnet_lib.widgets import KernelGrowth
from alexnet_lib.widgets.growth import snapshots
from alexnet_lib.widgets.wording import number

from .pages import ROOT


@pytest.fixture
def visit(browser, site):
    with visiting(browser, site.file("KernelGrowth")) as visit:
        yield visit


@pytest.mark.browser
def test_nothing_loads_before_the_click_then_every_snapshot_says_its_gap_and_they_play(visit):
    page = visit.page
    assert page.evaluate("window.PAGE_WIDGET_ASSETS?.snapshots") is None
    page.get_by_role("button", name="Load the").click()
    epochs, kernels = snapshots()
    for place in (len(epochs), 1, 9):
        page.locator("input[name=snapshot]").fill(str(place - 1))  # a slider's positions begin at 0
        gap = qualitative.tower_gap(kernels[place - 1])
        saying = f"{ROOT}.querySelector('.pictures > [role=status]').textContent"
        page.wait_for_function(
            f"words => {saying}.startsWith(words)", arg=f"After {number(epochs[place - 1])} "
        )
        told = page.evaluate(saying)
        assert float(told.split("towers are ")[1].split()[0]) == pytest.approx(gap.gap, abs=1e-4)
        assert float(told.split("p = ")[1].split(")")[0]) == pytest.approx(gap.p, abs=0.05)
        captions = page.locator(".pictures figcaption").all_inner_texts()
        for caption, mean in zip(captions, gap.means, strict=False):
            assert float(caption.split()[-1]) == pytest.approx(mean, abs=6e-4)
        assert page.locator(".summary").inner_text() == KernelGrowth(snapshot=place).summary()

    # It plays and pauses.
    page.locator("input[name=snapshot]").fill("2")
    page.get_by_role("button", name="Watch them grow").click()
    page.wait_for_function(f"Number({ROOT}.querySelector('input[name=snapshot]').value) >= 4")
    page.get_by_role("button", name="Pause").click()
    page.get_by_role("button", name="Watch them grow").wait_for()
    assert visit.problems == []


def test_the_first_snapshot_is_what_the_run_began_with():
    (run,) = records.load("network-in-the-page")
    torch.manual_seed(seed_of(run.seed, "weights"))
    drawn = build("paper", 128, 0.5, 10).features.conv1.weight.detach()
    epochs, kernels = snapshots()
    assert epochs[0] == 0
    assert (kernels[0] - drawn).abs().max() <= drawn.abs().max() / 127
    # After the 54 steps to the next one the kernels still point where they began.
    assert torch.cosine_similarity(kernels[1].flatten(1), drawn.flatten(1)).min() > 0.98


@pytest.mark.browser
def test_colorfulness_and_random_halves_are_pythons(arena):
    kernels = torch.randn(96, 3, 11, 11) * torch.rand(96, 1, 1, 1)
    kernels[:30] = kernels[:30].mean(dim=1, keepdim=True)  # gray
    kernels[5] = 0
    color, null = arena.evaluate(
        """async weights => {
          const { colorfulness, randomHalves } = await PAGE_WIDGETS.load("growth");
          const color = colorfulness(weights);
          return [color, randomHalves(color, 4999)];
        }""",
        kernels.flatten().tolist(),
    )
    assert color == pytest.approx(qualitative.colorfulness(kernels).tolist(), abs=1e-5)
    theirs = qualitative.tower_gap(kernels)
    assert null["gap"] == pytest.approx(theirs.gap, abs=1e-5)
    assert null["p"] == pytest.approx(theirs.p, abs=0.02)
    halves = torch.tensor(color)[torch.rand(20_000, 96).argsort(dim=1)[:, :48]].mean(dim=1)
    for ours, q in ((null["low"], 0.025), (null["high"], 0.975)):
        assert ours == pytest.approx(halves.quantile(q).item(), abs=0.005)
