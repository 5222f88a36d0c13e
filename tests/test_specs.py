"""The nets of the experiments differ from the paper's in the one thing that each is named after."""

import dataclasses

import pytest
import torch

from alexnet_lib.architecture import PAPER, SPECS, AlexNet, BatchNorm, Norm, Pool, Relu, Tanh
from alexnet_lib.counts import crossings, trace
from alexnet_lib.specs import ABLATIONS, NETS, build, without_layers


def kinds(name, kind):
    """The layers, counted from 1, that a step of this kind follows."""
    return [n for n, conv in enumerate(NETS[name].convs, 1) for step in conv.then if isinstance(step, kind)]


@pytest.mark.parametrize(
    ("name", "layers"),
    [
        *(("paper", [1, 2]), ("no-norm", []), ("norm-1", [1]), ("alpha-over-n", [1, 2])),
        *(("four-layer", [1, 2]), ("four-layer-no-norm", [])),
    ],
)
def test_norms_stand_where_the_name_says(name, layers):
    assert kinds(name, Norm) == layers


def test_batch_norm_stands_where_the_norm_stood_and_all_else_is_the_same():
    normed, batch = NETS["four-layer"], NETS["four-layer-batch-norm"]
    assert kinds("four-layer-batch-norm", BatchNorm) == kinds("four-layer", Norm) == [1, 2]
    for one, other in zip(normed.convs, batch.convs, strict=True):
        swapped = tuple(BatchNorm() if isinstance(step, Norm) else step for step in one.then)
        assert dataclasses.replace(one, then=swapped) == other


def test_the_hidden_layer_is_the_only_difference_and_dropout_goes_there():
    hidden, plain = NETS["four-layer-hidden"], NETS["four-layer-no-norm"]
    assert dataclasses.replace(hidden, name=plain.name, hidden=()) == plain
    net = build("four-layer-hidden", 24, 0.5, 10)
    assert [name for name, _ in net.classifier.named_children()] == ["fc4", "relu4", "dropout4", "fc5"]
    assert net.classifier.dropout4.p == 0.5
    assert tuple(net.classifier.fc5.weight.shape) == (10, 512)


def test_only_alpha_over_n_divides_alpha():
    for name in ("alpha-over-n", "paper", "norm-1"):
        norms = [step for conv in NETS[name].convs for step in conv.then if isinstance(step, Norm)]
        assert {step.alpha_over_n for step in norms} == {name == "alpha-over-n"}


def test_windows_of_z_2_do_not_overlap_and_all_else_is_the_papers():
    pools = [step for conv in NETS["z-2"].convs for step in conv.then if isinstance(step, Pool)]
    assert pools == [Pool(2, 2)] * 3
    assert [layer.size for layer in trace(NETS["z-2"])] == [layer.size for layer in trace(PAPER)]


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
    assert [conv.out_channels for conv in NETS[name].convs] == maps
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


def test_names_are_the_specs_own():
    assert all(name == spec.name for name, spec in NETS.items())
    assert SPECS.items() <= NETS.items()


@pytest.mark.parametrize("name", [*SPECS, *(spec.name for spec in ABLATIONS)])
def test_each_net_of_the_ablation_takes_128_pixels_and_has_as_many_weights_as_counted(name):
    with torch.device("meta"):
        net = build(name, 128, 0.25, 10)
    assert net(torch.empty(2, 3, 128, 128, device="meta")).shape == (2, 10)
    assert sum(weight.numel() for weight in net.parameters()) == sum(
        layer.parameters for layer in trace(net.spec)
    )
    assert (net.spec.image_size, net.spec.dropout, net.spec.classes) == (128, 0.25, 10)


def test_a_net_of_tanh_units_has_no_relu():
    with torch.device("meta"):
        names = [type(layer).__name__ for layer in AlexNet(NETS["paper-tanh"]).modules()]
    assert (names.count("Tanh"), names.count("ReLU")) == (7, 0)
    for ours, papers in zip(NETS["paper-tanh"].convs, PAPER.convs, strict=True):
        then = tuple(Relu() if isinstance(step, Tanh) else step for step in ours.then)
        assert dataclasses.replace(ours, then=then, bias=papers.bias) == papers


def test_the_start_of_a_net_can_be_drawn_otherwise():
    def convs(name, init):
        torch.manual_seed(0)
        net = build(name, 64, 0.5, 10, init=init)
        return [layer for layer in net.modules() if isinstance(layer, torch.nn.Conv2d)]

    source = convs("paper", "source-2012")
    assert [round(conv.weight.std().item(), 3) for conv in source] == [0.01, 0.01, 0.03, 0.03, 0.03]
    assert [conv.bias.mean().item() for conv in source] == [0, 1, 0, 1, 1]
    conv = convs("paper-tanh", "xavier")[2]
    assert conv.weight.std().item() == pytest.approx((2 / (9 * 256 + 9 * 384)) ** 0.5, rel=0.01)
    conv = convs("paper", "he")[2]
    assert conv.weight.std().item() == pytest.approx((2 / (9 * 256)) ** 0.5, rel=0.01)


@pytest.mark.parametrize(
    ("call", "word"),
    [
        (lambda: build("papier", 224, 0.5, 10), "name is 'papier'.*did you mean 'paper'"),
        (lambda: build("paper", 224, 0.5, 10, init="hee"), "init is 'hee'"),
        (lambda: build("four-layer", 32, 0.0, 10, init="source-2012"), "init is 'source-2012'"),
        (lambda: build("figure-1-relu", 24, 0.0, 10), "crop=32"),
        (lambda: build("figure-1-relu", 32, 0.5, 10), "dropout=0"),
        (lambda: without_layers(PAPER, 6), r"numbers are \(6,\)"),
    ],
)
def test_what_a_net_has_no_place_for_is_refused(call, word):
    with pytest.raises(ValueError, match=word):
        call()
