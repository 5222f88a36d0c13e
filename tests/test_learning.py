"""The update rule against the printed one in float64, and against torch's."""

from dataclasses import replace

import pytest
import torch

from alexnet_lib.architecture import SPECS, AlexNet
from alexnet_lib.learning import (
    LR_PLANS,
    PaperSGD,
    Plateau,
    RateGroup,
    TrainConfig,
    init_paper_,
    parameter_groups,
)

RATES = [0.1, 0.1, 0.1, 0.01, 0.01, 0.001]


def walk(optimizer_class, rates, **settings):
    """The weights after each step on a quadratic bowl, one step for each rate."""
    weight = torch.nn.Parameter(torch.tensor([3.0, -2.0], dtype=torch.float64))
    optimizer = optimizer_class([weight], lr=rates[0], **settings)
    path = []
    for rate in rates:
        optimizer.param_groups[0]["lr"] = rate
        optimizer.zero_grad()
        (0.5 * (weight * torch.tensor([1.0, 4.0])) @ weight).backward()
        optimizer.step()
        path.append(weight.detach().clone())
    return torch.stack(path)


def printed_rule(rates, momentum, weight_decay):
    w, v, path = [3.0, -2.0], [0.0, 0.0], []
    for rate in rates:
        for i, curvature in enumerate((1.0, 4.0)):
            v[i] = momentum * v[i] - weight_decay * rate * w[i] - rate * curvature * w[i]
            w[i] = w[i] + v[i]
        path.append(list(w))
    return torch.tensor(path, dtype=torch.float64)


def test_the_update_is_the_printed_one_through_changes_of_the_rate():
    ours = walk(PaperSGD, RATES, momentum=0.9, weight_decay=0.05)
    torch.testing.assert_close(ours, printed_rule(RATES, 0.9, 0.05), rtol=1e-12, atol=1e-15)


def test_torch_walks_the_same_path_at_a_constant_rate_and_another_one_after_a_change():
    settings = {"momentum": 0.9, "weight_decay": 0.05}
    constant = [0.1] * 6
    torch.testing.assert_close(
        walk(PaperSGD, constant, **settings), walk(torch.optim.SGD, constant, **settings)
    )
    ours, torchs = walk(PaperSGD, RATES, **settings), walk(torch.optim.SGD, RATES, **settings)
    torch.testing.assert_close(ours[:3], torchs[:3])
    assert (ours[3] - torchs[3]).abs().max() > 0.01


def test_weights_of_any_shape_and_order_of_memory_are_updated_whole():
    draw = torch.Generator().manual_seed(0)
    weights = [torch.randn(shape, generator=draw) for shape in [(3, 5), (), (2, 3, 3, 3), (2, 0)]]
    weights[2] = weights[2].to(memory_format=torch.channels_last)
    weights = [torch.nn.Parameter(weight) for weight in weights]
    before = [weight.detach().clone() for weight in weights]
    for weight in weights:
        weight.grad = torch.randn(weight.shape, generator=draw)
    PaperSGD(weights, lr=0.1, weight_decay=0.05).step()
    for weight, w in zip(weights, before, strict=True):
        torch.testing.assert_close(weight.detach(), w - 0.05 * 0.1 * w - 0.1 * weight.grad)


def test_groups_keep_their_own_rate_and_a_weight_without_gradient_stays():
    moved, still, unused = (torch.nn.Parameter(torch.ones(2)) for _ in range(3))
    optimizer = PaperSGD(
        [{"params": [moved], "lr": 0.5}, {"params": [still, unused], "lr": 0.0}], weight_decay=0.0
    )
    (moved.sum() + still.sum()).backward()
    optimizer.step()
    assert moved.tolist() == [0.5, 0.5]
    assert still.tolist() == [1.0, 1.0]
    assert unused not in optimizer.state


def test_the_velocity_is_part_of_the_state_that_is_saved():
    weight = torch.nn.Parameter(torch.ones(1))
    optimizer = PaperSGD([weight])
    weight.sum().backward()
    optimizer.step()
    again = PaperSGD([weight])
    again.load_state_dict(optimizer.state_dict())
    assert torch.equal(again.state[weight]["velocity"], optimizer.state[weight]["velocity"])


def test_the_state_of_torchs_sgd_is_refused_since_its_momentum_is_in_other_units():
    weight = torch.nn.Parameter(torch.ones(1))
    other = torch.optim.SGD([weight], lr=0.1, momentum=0.9)
    weight.sum().backward()
    other.step()
    with pytest.raises(ValueError, match=r"^state_dict holds momentum_buffer .*velocity"):
        PaperSGD([weight]).load_state_dict(other.state_dict())


def test_it_works_with_a_closure_a_scheduler_and_a_gradient_scaler():
    weight = torch.nn.Parameter(torch.ones(1))
    optimizer = PaperSGD([weight], lr=0.5, momentum=0.0, weight_decay=0.0)
    schedule = torch.optim.lr_scheduler.StepLR(optimizer, 1, gamma=0.1)

    def closure():
        optimizer.zero_grad()
        loss = weight.sum()
        loss.backward()
        return loss

    assert optimizer.step(closure).item() == 1.0
    assert weight.item() == 0.5
    schedule.step()
    scaler = torch.amp.GradScaler("cpu", init_scale=8.0)
    optimizer.zero_grad()
    scaler.scale(weight.sum()).backward()
    scaler.step(optimizer)
    assert weight.item() == pytest.approx(0.45)


def test_init_paper_gives_small_weights_and_ones_where_section_5_says():
    torch.manual_seed(0)
    net = init_paper_(AlexNet("review-004"))
    ones = {name for name, p in net.named_parameters() if name.endswith("bias") and bool((p == 1).all())}
    zeros = {name for name, p in net.named_parameters() if name.endswith("bias") and bool((p == 0).all())}
    assert ones == {
        "features.conv2.bias",
        "features.conv4.bias",
        "features.conv5.bias",
        "classifier.fc6.bias",
        "classifier.fc7.bias",
    }
    assert zeros == {"features.conv1.bias", "features.conv3.bias", "classifier.fc8.bias"}
    for name, p in net.named_parameters():
        if name.endswith("weight"):
            assert p.std().item() == pytest.approx(0.01, rel=0.02)


def test_deviations_name_what_a_run_changes():
    assert TrainConfig().deviations() == {}
    assert TrainConfig(epochs=30, batch_size=64).deviations() == {"epochs": (90, 30), "batch_size": (128, 64)}


def test_a_crop_is_compared_in_pixels_whoever_names_it():
    assert TrainConfig(crop=128).deviations() == {"crop": (224, 128)}
    assert TrainConfig(crop=224).deviations() == {}
    assert TrainConfig(spec="review-004").deviations()["crop"] == (224, 227)  # that net's own side


# Groups, plans and plateaus


def small_net():
    return AlexNet(replace(SPECS["paper"], image_size=64, hidden=(8, 8)), classes=10)


def test_the_papers_plan_is_one_group_with_all_parameters():
    net = small_net()
    (group,) = parameter_groups(net, LR_PLANS["paper"], 5e-4)
    assert len(group["params"]) == 16
    assert group["weight_decay"] == 5e-4


def test_the_plan_of_2012_follows_the_log_of_run_145():
    plan = TrainConfig(lr_plan="source-2012").plan()
    net = small_net()
    groups = parameter_groups(net, plan, 5e-4)
    names = {id(parameter): name for name, parameter in net.named_parameters()}
    rates = {}
    for group in groups:
        for parameter in group["params"]:
            factors = [plan[group["plan"]].factor(epoch) for epoch in (0, 24, 25, 51, 67, 72, 79, 89)]
            rates[names[id(parameter)]] = [0.01 * factor for factor in factors], group["weight_decay"]
    slow = [0.01, 0.01, 1e-3, 1e-4, 1e-4, 1e-4, 1e-5, 1e-5]
    assert rates["classifier.fc8.weight"] == (pytest.approx(slow), 5e-4)
    assert rates["features.conv1.weight"] == (pytest.approx([*slow[:4], 1e-5, 0.0, 0.0, 0.0]), 5e-4)
    assert rates["features.conv4.bias"] == (pytest.approx([0.02] * 8), 0.0)
    assert rates["features.conv1.bias"] == (pytest.approx([0.02] * 5 + [0.0] * 3), 0.0)
    assert len(rates) == 16


@pytest.mark.parametrize("epochs", [1, 2, 3, 5, 9, 15, 90, 180])
def test_a_plan_made_for_90_epochs_is_stretched_to_a_run_of_any_length(epochs):
    stretched = TrainConfig(lr_plan="source-2012", epochs=epochs).plan()
    for ours, group in zip(stretched, LR_PLANS["source-2012"], strict=True):
        wanted = [group.factor(90 * epoch // epochs) for epoch in range(epochs)]
        assert [ours.factor(epoch) for epoch in range(epochs)] == wanted


def test_named_epochs_divide_by_ten():
    (group,) = TrainConfig(milestones=(2, 4)).plan()
    assert [group.factor(epoch) for epoch in range(5)] == [1, 1, 0.1, 0.1, 0.01]


def test_a_plan_without_a_place_for_a_parameter_is_refused_by_its_name():
    with pytest.raises(ValueError, match=r"no group for features\.conv1\.weight: end it with RateGroup"):
        parameter_groups(small_net(), (RateGroup("*.bias"),), 0.0)


def test_a_rate_of_zero_freezes_at_once_as_in_2012():
    weight = torch.nn.Parameter(torch.ones(1))
    optimizer = PaperSGD([weight], lr=0.1, weight_decay=0.0)
    weight.sum().backward()
    optimizer.step()
    optimizer.param_groups[0]["lr"] = 0.0
    optimizer.step()
    assert weight.item() == pytest.approx(0.9)
    assert optimizer.state[weight]["velocity"].item() == pytest.approx(-0.1)


def test_the_rate_is_divided_after_patience_epochs_without_a_new_best_and_three_times_at_most():
    plateau = Plateau(divisions=3, patience=2)
    errors = [0.9, 0.8, 0.85, 0.8, 0.79, 0.79, 0.79, 0.79, 0.79, 0.7, 0.7, 0.7, 0.7, 0.7]
    divided = [epoch for epoch, error in enumerate(errors) if plateau.step(error)]
    assert divided == [3, 6, 8]
    assert plateau.factor == pytest.approx(0.001)


def test_no_divisions_keep_the_rate():
    plateau = Plateau(divisions=0, patience=1)
    assert not any(plateau.step(0.5) for _ in range(10))
    assert plateau.factor == 1


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"spec": "papier"}, "spec is 'papier'.* did you mean 'paper'"),
        ({"init": "papper"}, "init is 'papper'.* did you mean 'paper'"),
        ({"lr_plan": "2012"}, "lr_plan is '2012'"),
        ({"milestones": (5, 3)}, r"milestones is \(5, 3\), and must rise"),
        ({"crop": 300}, "crop is 300 and image_size 256.* use image_size=300 or more"),
        ({"spec": "caffe", "image_size": 226}, "crop is 227 and image_size 226"),
        ({"val_fraction": 0.0}, "val_fraction is 0, and the plateau has no images to look at"),
        ({"lr_plan": "source-2012", "milestones": (3,)}, "has epochs of its own"),
    ],
)
def test_settings_that_do_not_fit_together_are_named(settings, words):
    with pytest.raises(ValueError, match=words):
        TrainConfig(**settings)
