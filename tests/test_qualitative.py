"""Colors and distances worked by hand, a null that knows chance, and recorded kernels that are not noise."""

import os
from itertools import combinations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from alexnet_lib import qualitative, records
from alexnet_lib.architecture import AlexNet
from alexnet_lib.dataset import load
from alexnet_lib.evaluation import center_crop_probabilities, topk_error
from alexnet_lib.qualitative import (
    Guess,
    colorfulness,
    hidden_activities,
    kernel_counts,
    nearest,
    recorded_first_layer,
    recorded_mean,
    smoothness,
    topk_labels,
    tower_gap,
)


def test_the_recorded_first_layer_is_the_papers_conv1():
    layer = recorded_first_layer()
    assert tuple(layer.weight.shape) == (96, 3, 11, 11)
    assert tuple(layer(torch.zeros(2, 3, 224, 224)).shape) == (2, 96, 55, 55)
    assert not layer.weight.requires_grad


def test_trained_kernels_are_smoother_than_the_noise_that_they_started_from():
    kernels = recorded_first_layer().weight
    step = (kernels[..., 1:] - kernels[..., :-1]).square().mean() / kernels.square().mean()
    # Neighboring weights of noise are independent: their squared difference is twice the mean square.
    assert step < 1.0


def test_the_record_says_how_the_kernels_were_made_and_that_they_tell_classes_apart():
    record = records.load("first_layer")[-1]
    assert "conv1" in record.config["net"]
    assert "Imagenette" in record.data
    assert record.results["test error"] < 0.6  # guessing is 0.9
    assert tuple(recorded_mean().shape) == (3, 1, 1)


def kernel(*colors):
    """One kernel whose places have these colors: (1, 3, 1, places)."""
    return torch.tensor(colors, dtype=torch.float32).T[None, :, None]


@pytest.mark.parametrize(
    ("colors", "share"),
    [
        ([(1, 1, 1), (-2, -2, -2)], 0),  # gray, light beside dark
        ([(1, -1, 0), (0, 0, 0)], 1),  # red against green
        ([(1, 1, -2), (-1, -1, 2)], 1),  # yellow against blue
        ([(1, 0, 0)], 2 / 3),  # red alone: a third of its energy is gray
        ([(1, 1, 1), (1, -1, 0)], 2 / 5),  # energies 3 of gray and 2 of color
        ([(0, 0, 0)], 0),
    ],
)
def test_colorfulness_is_the_share_of_energy_off_the_gray_axis(colors, share):
    assert colorfulness(kernel(*colors)).item() == pytest.approx(share)


@given(st.integers(0, 1000), st.floats(1e-6, 1e6))
def test_colorfulness_minds_neither_strength_nor_sign_nor_where_things_are(seed, strength):
    kernels = torch.randn(3, 3, 5, 5, generator=torch.Generator().manual_seed(seed))
    expected = colorfulness(kernels)
    torch.testing.assert_close(colorfulness(-strength * kernels.flip(-1)), expected)
    assert 0 <= expected.min() <= expected.max() <= 1


def test_colorfulness_agrees_with_a_projection_on_the_gray_axis():
    kernels = torch.randn(7, 3, 4, 4, generator=torch.Generator().manual_seed(0)).double()
    gray = torch.full((3,), 3**-0.5, dtype=torch.float64)
    off = kernels - torch.einsum("nchw,c,d->ndhw", kernels, gray, gray)
    expected = (off.square().sum((1, 2, 3)) / kernels.square().sum((1, 2, 3))).float()
    torch.testing.assert_close(colorfulness(kernels), expected)


def test_noise_is_two_thirds_color():
    noise = torch.randn(2000, 3, 11, 11, generator=torch.Generator().manual_seed(0))
    assert colorfulness(noise).mean().item() == pytest.approx(2 / 3, abs=0.01)


GRAY, COLOR = kernel((1, 1, 1)), kernel((1, -1, 0))


def test_the_p_of_a_split_is_the_share_of_all_splits_that_part_as_far():
    mixed = torch.cat([GRAY, GRAY, GRAY, COLOR, COLOR, COLOR])
    gap = tower_gap(mixed, splits=20_000)
    assert gap.means == (0.0, 1.0)
    assert gap.gap == pytest.approx(1.0)
    in_first = [sum(i >= 3 for i in chosen) for chosen in combinations(range(6), 3)]  # of three in color
    assert gap.p == pytest.approx(sum(n in (0, 3) for n in in_first) / 20, abs=0.01)


def test_it_does_not_matter_which_tower_is_the_colorful_one():
    kernels = torch.cat([GRAY] * 5 + [COLOR] * 7)
    assert tower_gap(kernels).p == pytest.approx(tower_gap(kernels.flip(0)).p, abs=0.02)
    assert tower_gap(kernels).gap == pytest.approx(tower_gap(kernels.flip(0)).gap)


def test_a_split_with_equal_towers_is_never_odd():
    assert tower_gap(torch.cat([GRAY, COLOR, GRAY, COLOR])).p == 1.0


def test_where_there_are_no_towers_p_is_small_as_seldom_as_it_says():
    draw = torch.Generator().manual_seed(5)
    found = [tower_gap(torch.randn(20, 3, 2, 2, generator=draw), splits=199).p for _ in range(300)]
    below = sum(p <= 0.1 for p in found) / len(found)
    assert 0.04 < below < 0.16


def test_towers_that_differ_wholly_have_the_smallest_p_and_say_so_in_words():
    gap = tower_gap(torch.cat([GRAY] * 48 + [COLOR] * 48), splits=999)
    assert gap.p == pytest.approx(1 / 1000)
    assert repr(gap) == (
        "mean colorfulness 0.00, 1.00: a gap of 1.00. A random split of the same kernels has one as wide "
        "with p = 0.001 (999 splits)"
    )


def test_a_seed_gives_the_same_p_again():
    kernels = torch.randn(12, 3, 2, 2, generator=torch.Generator().manual_seed(0))
    assert tower_gap(kernels, seed=3) == tower_gap(kernels, seed=3)


def test_smoothness_is_the_correlation_of_neighbors():
    draw = torch.Generator().manual_seed(0)
    noise = torch.randn(300, 3, 11, 11, generator=draw)
    assert smoothness(noise).mean().item() == pytest.approx(0, abs=0.02)
    stripes = torch.tensor([1.0, -1.0]).repeat(4)[:, None].expand(1, 3, 8, 8)
    assert smoothness(stripes).item() == pytest.approx(1 - (4 + 0) / 2 / 2)
    assert smoothness(torch.ones(1, 3, 4, 4)).item() == 1.0
    assert smoothness(torch.zeros(1, 3, 4, 4)).item() == 0.0


def test_kernels_are_counted_by_kind_in_each_tower():
    wide = {name: torch.tensor(color).view(1, 3, 1, 1).expand(1, 3, 5, 5) for name, color in COLORS.items()}
    noise = torch.randn(1, 3, 5, 5, generator=torch.Generator().manual_seed(0))
    first, second = kernel_counts(
        torch.cat([wide["gray"], wide["gray"], noise, wide["red"], wide["red"], noise])
    )
    assert (first.gray, first.colored, first.noise_like) == (2, 0, 1)
    assert (second.gray, second.colored, second.noise_like) == (0, 2, 1)


COLORS = {"gray": (1.0, 1.0, 1.0), "red": (1.0, 0.0, 0.0)}


def test_the_best_labels_come_best_first_and_equal_ones_in_their_order():
    found = topk_labels(torch.tensor([[0.125, 0.5, 0.25, 0.125]]), ("ant", "bee", "cat", "dog"), k=3)
    assert found == ((Guess("bee", 0.5), Guess("cat", 0.25), Guess("ant", 0.125)),)


def pictures(count, side):
    draw = torch.Generator().manual_seed(0)
    return torch.randint(0, 256, (count, 3, side, side), dtype=torch.uint8, generator=draw)


def test_the_hidden_activities_are_relu7_of_the_center_crop_in_test_mode():
    torch.manual_seed(0)
    net, images, mean = AlexNet(classes=3), pictures(2, 230), torch.full((3, 1, 1), 120.0)
    found = hidden_activities(net, images, mean=mean, batch=1)
    assert tuple(found.shape) == (2, 4096)
    assert net.training
    net.eval()
    with torch.no_grad():
        crops = images[:, :, 3:227, 3:227].float() - mean
        fc6 = net.classifier.fc6(net.features(crops).flatten(1)).relu() * 0.5  # §4.2 halves at test time
        torch.testing.assert_close(found, net.classifier.fc7(fc6).relu())


def small_net():
    torch.manual_seed(0)
    first = nn.Linear(3 * 8 * 8, 6)
    return nn.Sequential(nn.Flatten(), first, nn.ReLU(), nn.Dropout(0.5), nn.Linear(6, 4))


def test_a_layer_may_be_named_and_nothing_stays_hooked_to_it():
    net, images = small_net(), pictures(5, 8)
    found = hidden_activities(net, images, 8, layer=net[1], batch=2)
    torch.testing.assert_close(found, net[1](images.float().flatten(1)).detach())
    assert not net[1]._forward_hooks


def test_a_relu_that_works_in_place_and_is_written_over_gives_its_own_output():
    class Halving(nn.Module):
        def forward(self, a):
            return a.mul_(0.5)

    net, images = small_net(), pictures(5, 8)
    changed = nn.Sequential(net[0], net[1], nn.ReLU(inplace=True), Halving(), net[4])
    torch.testing.assert_close(hidden_activities(changed, images, 8), hidden_activities(net, images, 8))


def test_a_net_without_relu_and_a_relu_that_runs_twice_are_refused():
    with pytest.raises(ValueError, match=r"no nn\.ReLU"):
        hidden_activities(nn.Sequential(nn.Flatten(), nn.Linear(192, 2)), pictures(1, 8), 8)
    relu = nn.ReLU()
    twice = nn.Sequential(nn.Flatten(), relu, nn.Linear(192, 4), relu, nn.Linear(4, 2))
    with pytest.raises(ValueError, match="6 rows for 3 images"):
        hidden_activities(nn.Sequential(twice), pictures(3, 8), 8, batch=3)


def test_the_nearest_are_those_counted_by_hand_and_equal_ones_in_their_order():
    gallery = torch.tensor([[3.0, 4.0], [0.0, 1.0], [1.0, 0.0], [-3.0, 4.0]])
    indices, distances = nearest(torch.zeros(1, 2), gallery, 4)
    assert indices.tolist() == [[1, 2, 0, 3]]
    assert distances.tolist() == [[1.0, 1.0, 5.0, 5.0]]


@given(st.integers(0, 1000), st.integers(1, 9))
def test_the_nearest_agree_with_numpys_and_do_not_depend_on_the_batch(seed, batch):
    draw = torch.Generator().manual_seed(seed)
    query, gallery = (torch.randint(0, 4, (n, 3), generator=draw) for n in (5, 8))
    apart = ((query[:, None] - gallery[None]) ** 2).sum(-1).numpy()
    indices, distances = nearest(query, gallery, 3, batch=batch)
    order = apart.argsort(axis=1, kind="stable")[:, :3]
    assert indices.tolist() == order.tolist()
    torch.testing.assert_close(distances.square().round().long().numpy(), apart[range(5), order.T].T)


def test_small_distances_far_from_zero_are_not_lost_to_rounding():
    far = torch.full((1, 4096), 1000.0)
    _, distances = nearest(far, far + 1e-3, 1)
    step = (far + 1e-3).double() - far.double()  # what float32 makes of it
    assert distances.item() == pytest.approx(step.norm().item(), rel=1e-9)


def test_unsigned_bytes_are_compared_as_numbers():
    _, distances = nearest(
        torch.zeros(1, 3, 1, 1, dtype=torch.uint8), torch.full((1, 3, 1, 1), 255).byte(), 1
    )
    assert distances.item() == pytest.approx(255 * 3**0.5)


def test_the_trained_network_judges_ten_classes_in_evaluation_mode():
    trained = qualitative.trained_network()
    assert trained.net.spec.image_size == 128
    assert not trained.net.training
    scores = trained.net(torch.zeros(1, 3, 128, 128))
    assert scores.shape == (1, 10) == (1, len(trained.classes))


@pytest.mark.slow
def test_the_trained_network_errs_as_often_as_its_record_says():
    if "ALEXNET_DATA" not in os.environ:
        pytest.skip("needs Imagenette: set ALEXNET_DATA")
    trained = qualitative.trained_network()
    test = load("imagenette", "test", size=trained.mean.shape[-1])
    found = center_crop_probabilities(trained.net, test.images, 128, mean=trained.mean)
    (record,) = records.load("network-in-the-page")
    expected = record.results["top-1 error, center, as shipped"]
    assert topk_error(found, test.labels, 1) == pytest.approx(expected, abs=0.002)
