"""The update rule against the printed one in float64, and against torch's."""

import pytest
import torch

from alexnet_lib.architecture import AlexNet
from alexnet_lib.learning import PaperSGD, TrainConfig, init_paper_

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


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"lr": -1.0}, "lr is -1"),
        ({"momentum": 1.5}, "momentum is 1.5"),
        ({"weight_decay": -1.0}, "weight_decay"),
    ],
)
def test_an_impossible_setting_is_named(settings, words):
    with pytest.raises(ValueError, match=words):
        PaperSGD([torch.nn.Parameter(torch.ones(1))], **settings)


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
