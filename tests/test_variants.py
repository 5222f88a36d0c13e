"""The nets of the experiments differ from the paper's in the one thing that each is named after."""

import dataclasses
import os
import signal

import pytest
import torch
from torch import nn
from training import CONFIG, sets, tiny_run

from alexnet_lib.architecture import PAPER, SPECS, AlexNet
from alexnet_lib.evaluation import topk_error
from alexnet_lib.spec import BatchNorm, Norm, Pool, crossings, trace
from alexnet_lib.train import Training
from alexnet_lib.training.ranks import run_processes
from alexnet_lib.training.result import Interrupted
from alexnet_lib.training.runs import load_net
from alexnet_lib.variants import NETS, VARIANTS, build, without_layers, without_norms


def kinds(name, kind):
    """The layers, counted from 1, that a step of this kind follows."""
    return [n for n, conv in enumerate(NETS[name].convs, 1) for step in conv.then if isinstance(step, kind)]


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


def test_batch_norm_stands_where_the_norm_stood_and_all_else_is_the_same():
    normed, batch = NETS["four-layer"], NETS["four-layer-batch-norm"]
    assert kinds("four-layer-batch-norm", BatchNorm) == kinds("four-layer", Norm) == [1, 2]
    for one, other in zip(normed.convs, batch.convs, strict=True):
        swapped = tuple(BatchNorm(one.out_channels) if isinstance(step, Norm) else step for step in one.then)
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
    assert [conv.out_channels for conv in NETS[name].convs] == maps
    assert [conv for conv in PAPER.convs if conv not in NETS[name].convs] == [
        PAPER.convs[int(layer[-1]) - 1] for layer in name.split("-")[1:]
    ]


def test_a_net_without_a_layer_is_built_and_has_the_parameters_that_the_trace_counts():
    small = without_layers(PAPER, 3, 4)
    parameters = sum(weight.numel() for weight in AlexNet(small).parameters())
    assert parameters == sum(layer.parameters for layer in trace(small)) == 59_268_712
    assert [conv.out_channels for conv in small.convs] == [96, 256, 256]


def test_layers_are_counted_from_one_and_no_number_leaves_the_net_as_it_is():
    assert without_layers(PAPER, 4).convs == (*PAPER.convs[:3], PAPER.convs[4])
    assert without_layers(PAPER).convs == PAPER.convs
    assert without_layers(PAPER).name == "all five"


@pytest.mark.parametrize("number", [0, 6, True, 3.0])
def test_a_layer_that_the_net_does_not_have_is_refused(number):
    with pytest.raises(
        (ValueError, TypeError), match=rf"numbers is {number}, and .* 'paper' has .* layers 1 to 5"
    ):
        without_layers(PAPER, number)
    with pytest.raises((ValueError, TypeError), match=rf"kept(\[0\])? is {number}, and must be"):
        without_norms("none", PAPER, kept=(number,))


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
        ("papier", 224, 0.5, "name is 'papier'.*did you mean 'paper'"),
        ("figure-1-relu", 24, 0.0, "crop is 24, and 'figure-1-relu' takes images of 32 pixels: use crop=32"),
        ("figure-1-relu", 32, 0.5, "dropout is 0.5, and 'figure-1-relu' has no hidden .* use dropout=0"),
        ("four-layer", 32, 0.5, "'four-layer' has no hidden"),
    ],
)
def test_what_a_net_has_no_place_for_is_refused(name, side, dropout, words):
    with pytest.raises(ValueError, match=words):
        build(name, side, dropout, 10)


# Statistics of batches belong to the net's state


BATCH_NORM = dataclasses.replace(
    CONFIG, spec="four-layer-batch-norm", epochs=2, dropout=0.0, lr=0.002, milestones=(1,)
)


def test_a_net_with_batch_norm_goes_on_after_a_break_and_comes_back_from_its_folder(tmp_path, monkeypatch):
    whole = tiny_run(tmp_path / "whole", BATCH_NORM, net=None)
    step = Training._step

    def break_off(training):
        step(training)
        if (training.done.epoch, training.done.step) == (1, 5):
            os.kill(os.getpid(), signal.SIGTERM)

    monkeypatch.setattr(Training, "_step", break_off)
    with pytest.raises(Interrupted):
        tiny_run(tmp_path / "broken", BATCH_NORM, net=None)
    monkeypatch.setattr(Training, "_step", step)
    resumed = tiny_run(tmp_path / "broken", BATCH_NORM, net=None, resume=True)
    again, (_, test) = load_net(tmp_path / "broken"), sets()
    for name, numbers in whole.net.state_dict().items():
        assert torch.equal(resumed.net.state_dict()[name], numbers), name
        assert torch.equal(again.net.state_dict()[name], numbers), name
    assert whole.net.features.batch_norm1.num_batches_tracked == 22  # two epochs of eleven steps
    error = topk_error(again.probabilities(test, "center"), test.labels, 1)
    assert error == pytest.approx(whole.results["top-1 error, center"])


def test_batch_norm_is_refused_where_a_process_sees_a_part_of_the_batch():
    with pytest.raises(RuntimeError, match=r"four-layer-batch-norm.*each of 2 processes has a part of it"):
        run_processes(split_run, 2)


def split_run(world):
    tiny_run(config=BATCH_NORM, net=None)
