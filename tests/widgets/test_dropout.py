"""`DropoutExplorer`: the page's masks, averages and nets against torch, and values worked by hand."""

import math
import re

import numpy as np
import pytest
import torch
from conftest import visiting

from alexnet_lib.dropout import PaperDropout
from alexnet_lib.widgets import DropoutExplorer
from alexnet_lib.widgets.dropout import uniform

from .pages import ask, wait_for_workers

HAND = {"activations": [1, 0, 0, 0, 0, 0, 0, 2], "weights": [3, 1, 1, 1, 1, 1, 1, -2]}  # sums 0, 3, -4, -1
TORCHS = {"linear": lambda z: z, "relu": torch.relu, "softmax": torch.sigmoid}


@pytest.mark.browser
@pytest.mark.parametrize("seed", [0, 1, 99, 2**32 - 1])
def test_both_languages_draw_the_same_numbers(arena, seed):
    assert ask(arena, "dropout.uniform", seed, 1000) == uniform(seed, 1000).tolist()


def test_the_generator_is_mulberry32():
    # The first number for seeds 0 and 1, from the published C code in 32-bit whole numbers.
    assert uniform(0, 1).tolist() == [1144304738 / 2**32]
    assert uniform(1, 1).tolist() == [2693262067 / 2**32]


def test_the_drawn_numbers_are_evenly_spread():
    drawn = uniform(5, 80_000).reshape(-1, 8)
    counts = np.histogram(drawn, bins=20, range=(0, 1))[0]
    assert counts == pytest.approx(4000, rel=0.06)
    assert np.corrcoef(drawn.T) == pytest.approx(np.eye(8), abs=0.05)


@pytest.mark.browser
@pytest.mark.parametrize("form", ["paper", "inverted"])
@pytest.mark.parametrize("output", ["linear", "relu", "softmax"])
def test_the_average_over_all_masks_is_what_many_drawn_nets_of_torch_answer(arena, form, output):
    explorer = DropoutExplorer(form=form, output=output, p=0.3)
    layer = PaperDropout(0.3) if form == "paper" else torch.nn.Dropout(0.3)
    torch.manual_seed(0)
    units = torch.tensor(explorer.activations).expand(250_000, 8)
    drawn = TORCHS[output](layer.train()(units) @ torch.tensor(explorer.weights))
    data = {"activations": explorer.activations, "weights": explorer.weights}
    found = ask(arena, "dropout.everyMask", data, {"p": 0.3, "form": form, "output": output})
    assert found["mean"] == pytest.approx(drawn.mean().item(), abs=5 * drawn.std().item() / 500)


@pytest.mark.browser
@pytest.mark.parametrize(
    ("output", "mean"),
    [
        ("linear", -0.5),  # (0 + 3 - 4 - 1) / 4, and half of -1
        ("relu", 0.75),  # 3 / 4
        ("softmax", (0.5 + 1 / (1 + math.exp(-3)) + 1 / (1 + math.exp(4)) + 1 / (1 + math.e)) / 4),
    ],
)
def test_two_units_average_to_values_worked_by_hand(arena, output, mean):
    found = ask(arena, "dropout.everyMask", HAND, {"p": 0.5, "form": "paper", "output": output})
    assert found["mean"] == pytest.approx(mean, rel=1e-12)


@pytest.mark.browser
@pytest.mark.parametrize("form", ["paper", "inverted"])
@pytest.mark.parametrize("p", [0, 0.2, 0.5, 0.95])
def test_the_one_net_is_the_geometric_average_of_a_softmax(arena, form, p):
    """§4.2 calls halved outputs a reasonable approximation of it; for one layer it is exact."""
    found = ask(arena, "dropout.everyMask", HAND, {"p": p, "form": form, "output": "softmax"})
    scale = 1 - p if form == "paper" else 1
    assert found["geometric"] == pytest.approx(1 / (1 + math.exp(scale)), rel=1e-9)  # all units sum to -1


@pytest.mark.parametrize("form", ["paper", "inverted"])
@pytest.mark.parametrize("p", [0.1, 0.5, 0.9])
def test_a_linear_net_answers_its_own_average_and_others_do_not(form, p):
    assert DropoutExplorer(form=form, p=p, output="linear").summary().endswith(", the same.")
    for output in ("relu", "softmax"):
        assert ", not the same" in DropoutExplorer(form=form, p=p, output=output).summary()


def test_without_dropout_every_net_is_the_one_net():
    found = DropoutExplorer(p=0.0).compared()
    assert len({round(value, 12) for value in found.values()}) == 1


def test_the_drawn_nets_come_nearer_to_the_average_as_they_grow_in_number():
    def apart(nets):
        found = [DropoutExplorer(nets=nets, seed=seed).compared() for seed in range(10)]
        return np.mean([abs(each["drawn"] - each["every"]) for each in found])

    assert apart(4096) < apart(64) / 4 < apart(1) / 16


def test_units_are_conv1s_strongest_and_say_so():
    explorer = DropoutExplorer()
    assert len(set(explorer.maps)) == 8
    assert max(explorer.activations) == 1
    assert min(explorer.activations) > 0
    assert DropoutExplorer(activations=[1.0] * 8).maps == []


@pytest.mark.parametrize("name", ["activations", "weights"])
def test_another_count_of_units_is_refused(name):
    with pytest.raises(ValueError, match=f"{name} has 3 numbers, and must have 8, one for each unit"):
        DropoutExplorer(**{name: [1, 2, 3]})


@pytest.mark.parametrize("bad", [math.nan, "1"])
def test_a_unit_without_a_number_is_named(bad):
    with pytest.raises((ValueError, TypeError), match=rf"activations\[2\] is {bad!r}, and must be"):
        DropoutExplorer(activations=[1, 1, bad, 1, 1, 1, 1, 1])


def test_dropping_every_unit_is_refused():
    with pytest.raises(ValueError, match=r"p is 1, and must be from 0 to 0\.95: .*§4\.2"):
        DropoutExplorer(p=1)


@pytest.mark.browser
def test_two_networks_learn_on_a_click_and_stop_on_another_and_when_the_page_is_left(browser, site):
    with visiting(browser, site.file("DropoutExplorer")) as visit:
        live = visit.page.locator(".page-widget-live")
        live.get_by_role("button", name="Train with and without dropout").click()
        chart = live.locator("figure", has_text="after 1 of 15 epochs")
        chart.wait_for()
        errors = re.findall(
            r"p = ([\d.]+): (\d+) and (\d+)", chart.locator("canvas").get_attribute("aria-label")
        )
        assert [p for p, *_ in errors] == ["0", "0.5"]
        assert all(int(error) < 90 for _, *both in errors for error in both)  # chance is 90 %
        stops = (
            live.get_by_role("button", name="Stop").click,
            lambda: visit.page.evaluate("window.dispatchEvent(new Event('pagehide'))"),
        )
        for stop in stops:
            wait_for_workers(visit.page, 2)
            stop()
            live.get_by_role("button", name="Train with and without dropout").wait_for()
            assert live.locator("figure", has_text="of 15 epochs").is_hidden()
            wait_for_workers(visit.page, 0)
            if stop is stops[0]:
                live.get_by_role("button", name="Train with and without dropout").click()
                chart.wait_for()
        assert visit.problems == []
