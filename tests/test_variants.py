"""The nets of the experiments differ from the paper's in the one thing that each is named after."""

import pytest
import torch
from torch import nn

from alexnet_lib.architecture import PAPER, SPECS, AlexNet
from alexnet_lib.spec import Norm, Pool, crossings, trace
from alexnet_lib.variants import NETS, VARIANTS, build


def kinds(name, kind):
    """The layers, counted from 1, that a step of this kind follows."""
    return [n for n, conv in enumerate(NETS[name].convs, 1) for step in conv.after if isinstance(step, kind)]


def test_every_name_is_its_nets_and_the_specs_of_the_book_are_among_them():
    assert all(name == spec.name for name, spec in NETS.items())
    assert SPECS.items() <= NETS.items()
    assert len(NETS) == len(SPECS) + len(VARIANTS) + 8


@pytest.mark.parametrize(
    ("name", "layers"),
    [
        *(("paper", [1, 2]), ("no-norm", []), ("norm-1", [1]), ("alpha-over-n", [1, 2])),
        *(("four-layer", [1, 2]), ("four-layer-no-norm", [])),
    ],
)
def test_norms_stand_where_the_name_says(name, layers):
    assert kinds(name, Norm) == layers


def test_only_alpha_over_n_divides_alpha():
    for name in ("alpha-over-n", "paper", "norm-1"):
        norms = [step for conv in NETS[name].convs for step in conv.after if isinstance(step, Norm)]
        assert {step.alpha_over_n for step in norms} == {name == "alpha-over-n"}


def test_windows_of_z_2_do_not_overlap_and_all_else_is_the_papers():
    pools = [step for conv in NETS["z-2"].convs for step in conv.after if isinstance(step, Pool)]
    assert pools == [Pool(2, 2)] * 3
    assert [layer.side for layer in trace(NETS["z-2"])] == [layer.side for layer in trace(PAPER)]


def test_without_communication_only_the_fully_connected_layers_read_both_towers():
    assert list(crossings(PAPER)) == ["conv3", "fc6", "fc7", "fc8"]
    assert list(crossings(NETS["no-communication"])) == ["fc6", "fc7", "fc8"]


@pytest.mark.parametrize(
    ("name", "maps"),
    [
        ("no-conv3", [96, 256, 384, 256]),
        ("no-conv4", [96, 256, 384, 256]),
        ("no-conv3-conv4", [96, 256, 256]),
    ],
)
def test_a_shorter_net_lacks_its_layers(name, maps):
    assert [conv.maps for conv in NETS[name].convs] == maps
    assert [conv for conv in PAPER.convs if conv not in NETS[name].convs] == [
        PAPER.convs[int(layer[-1]) - 1] for layer in name.split("-")[1:]
    ]


@pytest.mark.parametrize("unit", ["relu", "tanh", "sigmoid", "leaky-relu"])
def test_figure_1_has_its_unit_and_the_small_weights_of_2012_or_torchs(unit):
    torch.manual_seed(0)
    small, todays = (build(f"figure-1-{unit}{start}", 32, 0.0, 10) for start in ("", "-torch-start"))
    assert small.activation == todays.activation == unit
    for layer in (*small.features[::3], small.classifier):
        assert layer.weight.std().item() == pytest.approx(0.01, rel=0.05)
        assert not layer.bias.any()
    # torch draws from -1 / sqrt(numbers read) to its opposite: a deviation of 1 / sqrt(3 * 75) in conv1.
    assert todays.features[0].weight.std().item() == pytest.approx((3 * 75) ** -0.5, rel=0.05)


def test_the_same_seed_gives_both_units_the_same_weights():
    nets = []
    for unit in ("relu", "tanh"):
        torch.manual_seed(3)
        nets.append(build(f"figure-1-{unit}", 32, 0.0, 10).state_dict())
    assert all(torch.equal(nets[0][name], nets[1][name]) for name in nets[0])


def test_a_net_is_built_with_the_runs_side_dropout_and_classes():
    net = build("paper", 64, 0.25, 7)
    assert isinstance(net, AlexNet)
    assert (net.spec.image_size, net.spec.dropout, net.spec.classes) == (64, 0.25, 7)
    assert isinstance(build("four-layer", 24, 0.0, 10).classifier.fc4, nn.Linear)


@pytest.mark.parametrize(
    ("name", "side", "dropout", "words"),
    [
        ("papier", 224, 0.5, "spec is 'papier'.*did you mean 'paper'"),
        ("figure-1-relu", 24, 0.0, "crop is 24, and 'figure-1-relu' takes images of 32 pixels: use crop=32"),
        ("figure-1-relu", 32, 0.5, "dropout is 0.5, and 'figure-1-relu' has no hidden .* use dropout=0"),
        ("four-layer", 32, 0.5, "'four-layer' has no hidden"),
    ],
)
def test_what_a_net_has_no_place_for_is_refused(name, side, dropout, words):
    with pytest.raises(ValueError, match=words):
        build(name, side, dropout, 10)
