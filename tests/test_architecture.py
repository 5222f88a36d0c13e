"""The built nets (§3.5) against torchvision's, against torch's own functions, and against counted shapes."""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from alexnet_lib.architecture import (
    SPECS,
    AlexNet,
    AlexNetSpec,
    BatchNorm,
    CeilConv2d,
    Conv,
    Norm,
    Pool,
    Relu,
    plain_alexnet,
    torchvision_state,
)
from alexnet_lib.counts import trace
from alexnet_lib.dropout import PaperDropout

NAMES = ["paper", "source-2012", "one-gpu", "full-width", "caffe", "torchvision", "review-004"]
SOURCE_ORDER = [
    *("conv1", "norm1", "pool1", "relu1"),
    *("conv2", "relu2", "norm2", "spatial_norm2", "pool2"),
    *("conv3", "relu3", "conv4", "relu4", "conv5", "pool5", "relu5"),
]


def images(count, size, seed=0):
    """Noise with the spread of photographs whose mean was subtracted."""
    return 60 * torch.randn(count, 3, size, size, generator=torch.Generator().manual_seed(seed))


def thin(name, hidden=(64, 64), seed=0):
    """A net with all its convolutions and few hidden units: what is asked of it costs little."""
    torch.manual_seed(seed)
    return AlexNet(replace(SPECS[name], hidden=hidden, classes=10))


@cache
def on_meta(name):
    with torch.device("meta"):  # shapes and counts need no memory
        return AlexNet(name)


@pytest.fixture(scope="module")
def paper():
    torch.manual_seed(0)
    return AlexNet("paper").eval()


def shapes_of_a_pass(model, x):
    """Output shape of every layer without its first dimension, by hooks on a forward pass."""
    shapes, hooks = {}, []
    for name, layer in model.named_modules():
        if not list(layer.children()):
            keep = lambda layer, args, out, name=name: shapes.__setitem__(name, tuple(out.shape[1:]))  # noqa: E731
            hooks.append(layer.register_forward_hook(keep))
    with torch.no_grad():
        model(x)
    for hook in hooks:
        hook.remove()
    return shapes


@pytest.mark.parametrize("name", NAMES)
def test_torch_counts_as_many_multiply_accumulates(name):
    size = SPECS[name].image_size
    with FlopCounterMode(display=False) as counter:
        on_meta(name)(torch.empty(1, 3, size, size, device="meta"))
    counted = sum(layer.multiply_accumulates for layer in trace(SPECS[name]))
    assert counter.get_total_flops() == 2 * counted


@pytest.mark.parametrize("name", NAMES)
def test_a_built_net_is_what_the_trace_says(name):
    spec, model = SPECS[name], on_meta(name)
    shapes = shapes_of_a_pass(model, torch.empty(2, 3, spec.image_size, spec.image_size, device="meta"))
    built = {full.partition(".")[2]: shape for full, shape in shapes.items()}
    for layer in trace(spec):
        assert built.pop(layer.name) == (
            (layer.channels,) if layer.size is None else (layer.channels, *[layer.size] * 2)
        )
        module = getattr(model.features, layer.name, None) or getattr(model.classifier, layer.name)
        assert sum(weight.numel() for weight in module.parameters()) == layer.parameters
    assert set(built) == {"relu6", "relu7", "dropout6", "dropout7"}  # the trace keeps to what has a cost


def torchs_norm(x, towers=1, **constants):
    return torch.cat(
        [F.local_response_norm(part, 5, beta=0.75, **constants) for part in x.chunk(towers, 1)], 1
    )


def weights_of(model):
    return {name.partition(".")[2]: weight for name, weight in model.state_dict().items()}


def convolution(w, name, x, **options):
    return F.conv2d(x, w[f"{name}.weight"], w[f"{name}.bias"], **options)


def hidden(w, name, x):
    return F.relu(F.linear(x, w[f"{name}.weight"], w[f"{name}.bias"]))


def paper_in_torchs_functions(w, x):
    # torch divides alpha by n = 5, the printed formula does not.
    norm = {"towers": 2, "alpha": 5e-4, "k": 2.0}
    x = F.relu(convolution(w, "conv1", F.pad(x, (0, 3, 0, 3)), stride=4))
    x = F.max_pool2d(torchs_norm(x, **norm), 3, 2)
    x = F.relu(convolution(w, "conv2", x, padding=2, groups=2))
    x = F.max_pool2d(torchs_norm(x, **norm), 3, 2)
    x = F.relu(convolution(w, "conv3", x, padding=1))
    x = F.relu(convolution(w, "conv4", x, padding=1, groups=2))
    x = F.max_pool2d(F.relu(convolution(w, "conv5", x, padding=1, groups=2)), 3, 2).flatten(1)
    x = hidden(w, "fc7", hidden(w, "fc6", x) * 0.5) * 0.5
    return F.linear(x, w["fc8.weight"], w["fc8.bias"])


def source_in_torchs_functions(w, x):
    norm = {"towers": 2, "alpha": 1e-4, "k": 2.0}
    x = convolution(w, "conv1", F.pad(x, (0, 3, 0, 3)), stride=4)
    x = F.relu(F.max_pool2d(torchs_norm(x, **norm), 3, 2))
    x = torchs_norm(F.relu(convolution(w, "conv2", x, padding=2, groups=2)), **norm)
    around = F.conv2d(x.square(), torch.ones(256, 1, 5, 5), padding=2, groups=256)
    x = F.max_pool2d(x / (1 + 0.001 / 25 * around) ** 0.75, 3, 2)
    x = F.relu(convolution(w, "conv3", x, padding=1))
    x = F.relu(convolution(w, "conv4", x, padding=1, groups=2))
    x = F.max_pool2d(F.relu(convolution(w, "conv5", x, padding=1, groups=2)), 3, 2).flatten(1)
    x = hidden(w, "fc7", hidden(w, "fc6", x) * 0.5) * 0.5
    return F.linear(x, w["fc8.weight"], w["fc8.bias"])


def caffe_in_torchs_functions(w, x):
    norm = {"alpha": 1e-4, "k": 1.0}
    x = F.max_pool2d(torchs_norm(F.relu(convolution(w, "conv1", x, stride=4)), **norm), 3, 2)
    x = F.relu(convolution(w, "conv2", x, padding=2, groups=2))
    x = F.max_pool2d(torchs_norm(x, **norm), 3, 2)
    x = F.relu(convolution(w, "conv3", x, padding=1))
    x = F.relu(convolution(w, "conv4", x, padding=1, groups=2))
    x = F.max_pool2d(F.relu(convolution(w, "conv5", x, padding=1, groups=2)), 3, 2).flatten(1)
    x = hidden(w, "fc7", hidden(w, "fc6", x))
    return F.linear(x, w["fc8.weight"], w["fc8.bias"])


def review_in_torchs_functions(w, x):
    x = torchs_norm(F.relu(convolution(w, "conv1", x, stride=4)), alpha=1e-3, k=2.0)
    x = torchs_norm(F.relu(convolution(w, "conv2", F.max_pool2d(x, 3, 2), padding=2)), alpha=1e-4, k=2.0)
    x = F.relu(convolution(w, "conv3", F.max_pool2d(x, 3, 2), padding=1))
    x = F.relu(convolution(w, "conv4", x, padding=1))
    x = F.max_pool2d(F.relu(convolution(w, "conv5", x, padding=1)), 3, 2).flatten(1)
    x = hidden(w, "fc7", hidden(w, "fc6", x))
    return F.linear(x, w["fc8.weight"], w["fc8.bias"])


def full_width_in_torchs_functions(w, x):
    norm = {"alpha": 5e-4, "k": 2.0}
    x = F.relu(convolution(w, "conv1", F.pad(x, (0, 3, 0, 3)), stride=4))
    x = F.max_pool2d(torchs_norm(x, **norm), 3, 2)
    x = F.max_pool2d(torchs_norm(F.relu(convolution(w, "conv2", x, padding=2)), **norm), 3, 2)
    x = F.relu(convolution(w, "conv3", x, padding=1))
    x = F.relu(convolution(w, "conv4", x, padding=1))
    x = F.max_pool2d(F.relu(convolution(w, "conv5", x, padding=1)), 3, 2).flatten(1)
    x = hidden(w, "fc7", hidden(w, "fc6", x) * 0.5) * 0.5
    return F.linear(x, w["fc8.weight"], w["fc8.bias"])


IN_TORCHS_FUNCTIONS = {
    "paper": paper_in_torchs_functions,
    "source-2012": source_in_torchs_functions,
    "one-gpu": full_width_in_torchs_functions,
    "full-width": full_width_in_torchs_functions,
    "caffe": caffe_in_torchs_functions,
    "review-004": review_in_torchs_functions,
}


@pytest.mark.parametrize("name", IN_TORCHS_FUNCTIONS)
@torch.no_grad()
def test_a_net_computes_what_torchs_functions_compute(name):
    model, x = thin(name).eval(), images(2, SPECS[name].image_size)
    for layer in model.modules():
        # Wider weights than the spec's, so that a wrong constant of a norm changes the scores visibly.
        if isinstance(layer, nn.Conv2d | nn.Linear):
            nn.init.kaiming_normal_(layer.weight)
            nn.init.normal_(layer.bias)
    expected = IN_TORCHS_FUNCTIONS[name](weights_of(model), x)
    torch.testing.assert_close(model(x), expected, rtol=1e-4, atol=1e-5 * expected.abs().max().item())


def test_a_spec_says_which_dropout_stands_where():
    def order(name):
        return [(layer_name, type(layer)) for layer_name, layer in on_meta(name).classifier.named_children()]

    for name, kind in (("paper", PaperDropout), ("source-2012", PaperDropout), ("caffe", nn.Dropout)):
        assert order(name) == [
            *(("fc6", nn.Linear), ("relu6", nn.ReLU), ("dropout6", kind)),
            *(("fc7", nn.Linear), ("relu7", nn.ReLU), ("dropout7", kind)),
            ("fc8", nn.Linear),
        ]
    for name in ("torchvision", "review-004"):
        assert order(name) == [
            *(("dropout6", nn.Dropout), ("fc6", nn.Linear), ("relu6", nn.ReLU)),
            *(("dropout7", nn.Dropout), ("fc7", nn.Linear), ("relu7", nn.ReLU)),
            ("fc8", nn.Linear),
        ]
    assert {layer.p for layer in on_meta("paper").modules() if isinstance(layer, PaperDropout)} == {0.5}
    assert thin("caffe").classifier.dropout6.p == 0.5


def test_layers_1_and_5_of_the_source_are_pooled_before_their_relu():
    assert list(dict(on_meta("source-2012").features.named_children())) == SOURCE_ORDER


@pytest.fixture(scope="module")
def torchvisions():
    from torchvision.models import alexnet

    torch.manual_seed(0)
    theirs, ours = alexnet(weights=None), AlexNet("torchvision")
    ours.load_state_dict(theirs.state_dict())
    return theirs, ours


@pytest.mark.parametrize("training", [False, True])
def test_with_the_weights_of_torchvision_the_scores_are_torchvisions(torchvisions, training):
    x, scores = images(2, 224) / 60, []
    for model in torchvisions:
        torch.manual_seed(1)  # for the same dropout
        with torch.no_grad():
            scores.append(model.train(training)(x))
    torch.testing.assert_close(scores[1], scores[0], rtol=1e-5, atol=1e-5)


def test_overhanging_windows_are_those_of_a_picture_with_three_zero_columns_and_rows():
    torch.manual_seed(0)
    conv, x = CeilConv2d(3, 8, 11, 4), torch.randn(2, 3, 224, 224)
    padded = torch.zeros(2, 3, 227, 227)
    padded[:, :, :224, :224] = x
    torch.testing.assert_close(conv(x), F.conv2d(padded, conv.weight, conv.bias, stride=4))
    assert conv(x).shape == (2, 8, 55, 55)
    assert nn.Conv2d(3, 8, 11, 4)(x).shape == (2, 8, 54, 54)


def test_overhanging_windows_need_no_square_and_respect_padding():
    torch.manual_seed(0)
    conv, x = CeilConv2d(2, 3, (5, 3), (2, 2), (2, 0)), torch.randn(1, 2, 9, 12)
    # Down: 9 + 2 * 2 rows are 5 windows of 5 rows, 2 apart, and nothing hangs over.
    # Across: 12 columns; 6 windows of 3 columns, 2 apart, reach 13.
    expected = F.conv2d(F.pad(x, (0, 1, 2, 2)), conv.weight, conv.bias, stride=2)
    torch.testing.assert_close(conv(x), expected)
    assert conv(x).shape == (1, 3, 5, 6)


STDS = {
    "paper": [0.01] * 8,
    "source-2012": [0.01, 0.01, 0.03, 0.03, 0.03, 0.01, 0.01, 0.01],
    "one-gpu": [0.01] * 8,
    "full-width": [0.01] * 8,
    "caffe": [0.01] * 5 + [0.005, 0.005, 0.01],
}
BIASES = {
    "paper": [0, 1, 0, 1, 1, 1, 1, 0],
    "source-2012": [0, 1, 0, 1, 1, 1, 1, 0],
    "one-gpu": [0, 1, 0, 1, 1, 1, 1, 0],
    "full-width": [0, 1, 0, 1, 1, 1, 1, 0],
    "caffe": [0, 0.1, 0, 0.1, 0.1, 0.1, 0.1, 0],
}


@pytest.mark.parametrize("name", STDS)
def test_weights_start_with_the_spread_and_the_biases_of_the_spec(name):
    layers = [layer for layer in thin(name).modules() if isinstance(layer, nn.Conv2d | nn.Linear)]
    for layer, std, bias in zip(layers, STDS[name], BIASES[name], strict=True):
        count = layer.weight.numel()
        # The spread of count normal numbers is itself uncertain by std / sqrt(2 * count).
        assert layer.weight.std().item() == pytest.approx(std, abs=5 * std / (2 * count) ** 0.5)
        assert layer.weight.mean().item() == pytest.approx(0, abs=5 * std / count**0.5)
        assert torch.equal(layer.bias, torch.full_like(layer.bias, bias))


@pytest.mark.parametrize("name", ["torchvision", "review-004"])
def test_specs_without_a_spread_start_as_torch_does(name):
    ours = [layer for layer in thin(name, seed=0).modules() if isinstance(layer, nn.Conv2d | nn.Linear)]
    torch.manual_seed(0)
    for layer in ours:
        if isinstance(layer, nn.Conv2d):
            torchs = nn.Conv2d(layer.in_channels, layer.out_channels, layer.kernel_size)
        else:
            torchs = nn.Linear(layer.in_features, layer.out_features)
        assert torch.equal(layer.weight, torchs.weight)
        assert torch.equal(layer.bias, torchs.bias)


@pytest.mark.parametrize(("name", "crosses"), [("paper", False), ("source-2012", False), ("caffe", True)])
@pytest.mark.parametrize(("layer", "maps"), [("norm1", 96), ("norm2", 256)])
def test_norm_windows_cross_from_tower_to_tower_only_in_caffe(name, crosses, layer, maps):
    a = torch.full((1, maps, 1, 1), 100.0)
    silenced = a.clone()
    silenced[:, maps // 2] = 0.0  # map 48 of 96 is the first of tower 1
    norm = on_meta(name).features.get_submodule(layer)
    changed = (norm(a) != norm(silenced)).flatten().nonzero().flatten().tolist()
    reach = 2 if crosses else 0
    assert changed == list(range(maps // 2 - reach, maps // 2 + 3))


@pytest.mark.parametrize(("name", "classes"), [("paper", 1000), ("review-004", 10)])
def test_classes_are_the_specs_unless_given(name, classes):
    assert on_meta(name).classifier.fc8.out_features == classes
    with torch.device("meta"):
        given = AlexNet(name, classes=np.int64(7))
    assert given.classifier.fc8.out_features == given.spec.classes == 7
    assert SPECS[name].classes == classes


def test_a_net_of_ones_own_is_built_from_a_spec():
    convs = (
        Conv(8, kernel_size=3, padding=1, then=(Relu(), Pool())),
        Conv(16, kernel_size=3, grouped=True, then=()),
    )
    spec = AlexNetSpec("mine", convs, image_size=17, hidden=(), classes=3)
    model = AlexNet(spec)
    assert model(torch.zeros(2, 3, 17, 17)).shape == (2, 3)
    names = [name for name, _ in model.named_modules() if "." in name]
    assert names == [f"features.{name}" for name in ("conv1", "relu1", "pool1", "conv2")] + ["classifier.fc3"]
    assert model.spec is spec


def test_no_images_in_are_no_scores_out(paper):
    assert paper(torch.zeros(0, 3, 224, 224)).shape == (0, 1000)


def test_every_weight_learns():
    model = thin("paper")
    F.cross_entropy(model(images(2, 224)), torch.tensor([1, 2])).backward()
    still = [name for name, weight in model.named_parameters() if not weight.grad.any()]
    assert still == []


def test_the_plain_net_is_the_built_one(paper):
    plain = plain_alexnet().eval()
    plain.load_state_dict(dict(zip(plain.state_dict(), paper.state_dict().values(), strict=True)))
    x = images(2, 224)
    with torch.no_grad():
        assert torch.equal(plain(x), paper(x))


def test_torchvisions_weights_load_inside_another_module_and_go_back(torchvisions):
    theirs, _ = torchvisions
    state, around = theirs.state_dict(), nn.ModuleDict({"backbone": AlexNet("torchvision")})
    names = list(state)
    around.load_state_dict({f"backbone.{name}": weight for name, weight in state.items()})
    back = torchvision_state(around["backbone"])
    assert list(back) == names == list(state)
    assert all(torch.equal(back[name], weight) for name, weight in state.items())


@pytest.mark.parametrize(
    ("call", "name"),
    [
        (lambda: AlexNet(num_classes=10), "num_classes"),
        (lambda: AlexNet(classes=0), "classes"),
        (lambda: AlexNet(classes=True), "classes"),
        (lambda: on_meta("paper")(torch.zeros(1, 3, 227, 227)), r"\(1, 3, 227, 227\).*\(N, 3, 224, 224\)"),
        (lambda: on_meta("paper")(torch.zeros(1, 3, 224, 224, dtype=torch.uint8)), "uint8"),
        (lambda: Conv(0, 3), "out_channels"),
        (lambda: Conv(8, 3, padding=-1), "padding"),
        (lambda: Conv(8, 3, grouped="false"), "grouped"),
        (lambda: Conv(8, 3, then=(Relu(), Relu())), "then"),
        (lambda: Conv(8, 3, then=(Norm(n=0),)), "n is 0"),
        (lambda: Pool(0), "z is 0"),
        (lambda: AlexNetSpec("mine", ()), "convs"),
        (lambda: AlexNetSpec("mine", (Conv(8, 3, grouped=True),)), "convs"),
        (lambda: AlexNetSpec("mine", (Conv(7, 3),)), "conv1 has 7"),
        (lambda: AlexNetSpec("mine", (Conv(8, 3),), dropout=1.5), "dropout"),
        (lambda: AlexNetSpec("mine", (Conv(8, 9),), image_size=8), "image_size is 8.*layer 1"),
    ],
)
def test_a_wrong_argument_is_named(call, name):
    with pytest.raises((TypeError, ValueError), match=name):
        call()


def test_batch_normalization_is_torchs():
    spec = AlexNetSpec("mine", (Conv(8, 3, then=(BatchNorm(),)),), image_size=9, hidden=(), towers=1)
    layer = AlexNet(spec).features.batch_norm1
    assert isinstance(layer, nn.BatchNorm2d)
    assert layer.num_features == 8
