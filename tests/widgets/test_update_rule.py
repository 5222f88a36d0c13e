"""`UpdateRuleExplorer`: the page's two walks against PaperSGD and torch.optim.SGD, really run."""

import itertools
import random

import numpy as np
import pytest
import torch
from conftest import visiting

from alexnet_lib.learning import PaperSGD
from alexnet_lib.widgets import UpdateRuleExplorer
from alexnet_lib.widgets.wording import number

from .pages import ask

RULES = {"paper": PaperSGD, "torch": torch.optim.SGD}


def page_walk(arena, rule, setting):
    """121 places of the page's walk: (121, 2)."""
    return np.array(ask(arena, "update_rule.walk", rule, setting))


def optimizer_walk(rule, setting):
    """The same by the optimizer, the gradient by autograd from the loss of the docstring."""
    w = torch.nn.Parameter(torch.tensor([setting["w1"], setting["w2"]], dtype=torch.float64))
    names = {"lr": "rate", "momentum": "momentum", "weight_decay": "weight_decay"}
    optimizer = RULES[rule]([w], **{ours: setting[name] for ours, name in names.items()})
    drops = torch.optim.lr_scheduler.MultiStepLR(optimizer, [setting["drop"]] if setting["drop"] else [])
    if setting["drop"] == 0:
        optimizer.param_groups[0]["lr"] /= 10
    path = [w.tolist()]
    for _ in range(120):
        optimizer.zero_grad()
        ((w[0] - 2) ** 2 / 2 + 10 * (w[1] - 1) ** 2 / 2).backward()
        optimizer.step()
        drops.step()
        path.append(w.tolist())
    return np.array(path)


def settings(count):
    rng = random.Random(0)
    corners = itertools.product([0.001, 0.1], [0, 0.99], [0, 0.5], [0, 60, 120])
    drawn = [
        (
            10 ** rng.uniform(-3, -1),
            rng.uniform(0, 0.99),
            rng.choice([0.0005, 0.005, 0.05]),
            rng.randint(0, 120),
        )
        for _ in range(count)
    ]
    names = ("rate", "momentum", "weight_decay", "drop")
    starts = {"w1": -3.0, "w2": 2.5}
    return [dict(zip(names, values, strict=True)) | starts for values in [*corners, *drawn]]


@pytest.mark.browser
@pytest.mark.parametrize("rule", RULES)
def test_the_page_walks_as_the_optimizer_does(arena, rule):
    for setting in settings(10):
        ours, theirs = page_walk(arena, rule, setting), optimizer_walk(rule, setting)
        np.testing.assert_allclose(ours, theirs, rtol=1e-6, atol=1e-12, err_msg=str(setting))


@pytest.mark.browser
def test_two_steps_of_each_rule_worked_by_hand(arena):
    """Rate 0.1, then 0.01 after one step; momentum 0.5, decay 0.5; w1 starts at 1, the minimum is 2."""
    setting = {"rate": 0.1, "momentum": 0.5, "weight_decay": 0.5, "drop": 1, "w1": 1, "w2": 1}
    paper, torchs = (page_walk(arena, rule, setting)[:3, 0] for rule in RULES)
    # v = -0.1 (-1) - 0.5 * 0.1 * 1 = 0.05; then g = -0.95, v = 0.025 + 0.0095 - 0.00525 = 0.02925
    assert paper == pytest.approx([1, 1.05, 1.07925])
    # v = -1 + 0.5 = -0.5, w += 0.05; then v = -0.25 - 0.95 + 0.525 = -0.675, w += 0.00675
    assert torchs == pytest.approx([1, 1.05, 1.05675])


@pytest.mark.parametrize("momentum", [0.0, 0.5, 0.9, 0.99])
@pytest.mark.parametrize("drop", [1, 20, 90])
def test_the_paths_part_after_the_drop_and_not_before(momentum, drop):
    paper, torchs = UpdateRuleExplorer(momentum=momentum, drop=drop, weight_decay=0.05).paths()
    apart = (paper - torchs).norm(dim=1)
    assert apart[: drop + 1].max() < 1e-12
    assert (apart[drop + 1] > 1e-4) == (momentum > 0)


def test_the_first_step_after_the_drop_keeps_the_papers_velocity_and_not_torchs():
    paper, torchs = UpdateRuleExplorer(drop=20).paths()
    before = (paper[20] - paper[19]).norm()
    assert (paper[21] - paper[20]).norm() / before == pytest.approx(0.9, abs=0.02)  # what momentum leaves
    assert (torchs[21] - torchs[20]).norm() / before == pytest.approx(0.1, abs=0.02)  # the rate's own tenth


def test_the_summary_says_by_how_much_they_part():
    explorer = UpdateRuleExplorer(drop=30)
    apart = (explorer.paths()[0] - explorer.paths()[1]).norm(dim=1)
    at = int(apart.argmax())
    words = explorer.summary()
    assert "until the learning rate drops after step 30" in words
    assert f"at step {at}, and end" in words
    assert float(words.split("part by up to ")[1].split(",")[0]) == pytest.approx(apart[at].item(), rel=0.01)


@pytest.mark.parametrize("never", [{"drop": 0}, {"drop": 120}, {"momentum": 0.0}])
def test_where_no_velocity_meets_a_lower_rate_the_summary_says_that_the_paths_are_one(never):
    assert UpdateRuleExplorer(**never).summary().startswith("Both rules walk the same path for all 120 steps")


def test_weight_decay_ends_short_of_the_minimum():
    """It stops where c (w - m) + d w = 0: at 2 / 1.5 and 10 / 10.5."""
    paper, _ = UpdateRuleExplorer(weight_decay=0.5, rate=0.1, momentum=0.7, drop=120).paths()
    assert paper[-1].tolist() == pytest.approx([2 / 1.5, 10 / 10.5], abs=1e-4)


@pytest.mark.browser
def test_a_click_walks_with_momentum_and_without_at_one_learning_rate(browser, site):
    """Where less motion is asked for, as here, the whole way is there at once."""
    with visiting(browser, site.file("UpdateRuleExplorer")) as visit:
        live = visit.page.locator(".page-widget-live")
        live.get_by_role("button", name="Train: momentum against none").click()
        told = live.locator("figcaption", has_text="After 120 of 120 steps").inner_text()
        ends = [UpdateRuleExplorer(drop=120, momentum=m).paths()[0][-1] for m in (0.9, 0.0)]
        away = [(end - torch.tensor([2.0, 1.0])).norm().item() for end in ends]
        assert f"{number(away[0])} from the minimum with momentum 0.9, {number(away[1])} without" in told
        assert visit.problems == []
