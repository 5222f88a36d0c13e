"""The built nets (§3.5) against torchvision's, against torch's own functions, and against counted shapes."""

import copy
from dataclasses import replace
from functools import cache

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from alexnet_lib.architecture import SPECS, AlexNet, AlexNetSpec, CeilConv2d
from alexnet_lib.dropout import PaperDropout
from alexnet_lib.spec import Conv, Pool, Relu, trace

NAMES = ["paper", "source-2012", "one-gpu", "full-width", "caffe", "torchvision", "review-004"]
PARAMETERS = {
    "paper": 60_965_224,
    "source-2012": 60_965_224,
    "one-gpu": 59_798_312,
    "full-width": 62_378_344,
    "caffe": 60_965_224,
    "torchvision": 61_100_840,
    "review-004": 58_322_314,
}
FULLY_CONNECTED = 6**2 * 256 * 4096 + 4096 * 4096 + 4096 * 1000
MULTIPLY_ACCUMULATES = {  # below: places times kernels times the numbers that each kernel reads
    "paper": 724_406_816,
    "source-2012": 724_406_816,
    "one-gpu": 55**2 * 48 * 363
    + 27**2 * 128 * 48 * 25
    + 13**2 * 9 * (192 * 128 + 192 * 192 + 256 * 192)
    + FULLY_CONNECTED,
    "full-width": 1_135_256_096,
    "caffe": 724_406_816,
    "torchvision": 55**2 * 64 * 363
    + 27**2 * 192 * 64 * 25
    + 13**2 * 9 * (384 * 192 + 256 * 384 + 256 * 256)
    + FULLY_CONNECTED,
    "review-004": 1_135_256_096 - 4096 * 990,
}
PAPER_SHAPES = {
    "features.conv1": (96, 55, 55),
    "features.relu1": (96, 55, 55),
    "features.norm1": (96, 55, 55),
    "features.pool1": (96, 27, 27),
    "features.conv2": (256, 27, 27),
    "features.relu2": (256, 27, 27),
    "features.norm2": (256, 27, 27),
    "features.pool2": (256, 13, 13),
    "features.conv3": (384, 13, 13),
    "features.relu3": (384, 13, 13),
    "features.conv4": (384, 13, 13),
    "features.relu4": (384, 13, 13),
    "features.conv5": (256, 13, 13),
    "features.relu5": (256, 13, 13),
    "features.pool5": (256, 6, 6),
    "classifier.fc6": (4096,),
    "classifier.relu6": (4096,),
    "classifier.dropout6": (4096,),
    "classifier.fc7": (4096,),
    "classifier.relu7": (4096,),
    "classifier.dropout7": (4096,),
    "classifier.fc8": (1000,),
}
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


def test_the_specs_are_those_seven_by_their_own_names():
    assert list(SPECS) == NAMES
    assert all(isinstance(spec, AlexNetSpec) and spec.name == name for name, spec in SPECS.items())


@pytest.mark.parametrize("name", NAMES)
def test_a_built_net_has_as_many_parameters(name):
    assert sum(weight.numel() for weight in on_meta(name).parameters()) == PARAMETERS[name]


@pytest.mark.parametrize("name", NAMES)
def test_torch_counts_as_many_multiply_accumulates(name):
    size = SPECS[name].image_size
    with FlopCounterMode(display=False) as counter:
        on_meta(name)(torch.empty(1, 3, size, size, device="meta"))
    assert counter.get_total_flops() == 2 * MULTIPLY_ACCUMULATES[name]


@pytest.mark.parametrize("name", NAMES)
def test_a_built_net_is_what_the_trace_says(name):
    spec, model = SPECS[name], on_meta(name)
    shapes = shapes_of_a_pass(model, torch.empty(2, 3, spec.image_size, spec.image_size, device="meta"))
    built = {full.partition(".")[2]: shape for full, shape in shapes.items()}
    for layer in trace(spec):
        assert built.pop(layer.name) == (
            (layer.maps,) if layer.side is None else (layer.maps, *[layer.side] * 2)
        )
        module = getattr(model.features, layer.name, None) or getattr(model.classifier, layer.name)
        assert sum(weight.numel() for weight in module.parameters()) == layer.parameters
    assert set(built) == {"relu6", "relu7", "dropout6", "dropout7"}  # the trace keeps to what has a cost


def test_a_pass_through_the_paper_has_the_shapes_of_figure_2(paper):
    assert list(shapes_of_a_pass(paper, images(1, 224)).items()) == list(PAPER_SHAPES.items())


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


def test_the_layers_of_torchvision_stand_in_the_same_order(torchvisions):
    theirs, ours = (
        [layer for layer in model.modules() if not list(layer.children())] for model in torchvisions
    )
    kinds = [type(layer).__name__.replace("MaxPool2d", "MaxPool") for layer in theirs]
    kinds.remove("AdaptiveAvgPool2d")  # to 6x6, which is what 224 pixels come to anyway
    assert [type(layer).__name__ for layer in ours] == kinds


def test_the_weights_of_torchvision_have_the_same_shapes_in_the_same_order(torchvisions):
    theirs, ours = torchvisions
    assert [w.shape for w in ours.state_dict().values()] == [w.shape for w in theirs.state_dict().values()]
    assert sum(weight.numel() for weight in theirs.parameters()) == 61_100_840


@pytest.mark.parametrize("training", [False, True])
def test_with_the_weights_of_torchvision_the_scores_are_torchvisions(torchvisions, training):
    x, scores = images(2, 224) / 60, []
    for model in torchvisions:
        torch.manual_seed(1)  # for the same dropout
        with torch.no_grad():
            scores.append(model.train(training)(x))
    torch.testing.assert_close(scores[1], scores[0], rtol=1e-5, atol=1e-5)


def test_loading_leaves_the_given_weights_as_they_are(torchvisions):
    theirs, ours = torchvisions
    state = theirs.state_dict()
    names = list(state)
    ours.load_state_dict(state)
    assert list(state) == names
    assert torch.equal(ours.features.conv5.weight, theirs.features[10].weight)


def test_a_net_loads_its_own_weights_and_so_does_its_copy():
    model = thin("paper")
    twin = copy.deepcopy(thin("paper", seed=1))
    assert not torch.equal(twin.features.conv1.weight, model.features.conv1.weight)
    twin.load_state_dict(model.state_dict())
    assert all(torch.equal(a, b) for a, b in zip(twin.parameters(), model.parameters(), strict=True))


def test_the_weights_of_torchvision_do_not_fit_the_paper(torchvisions):
    with pytest.raises(RuntimeError, match=r"size mismatch for features\.conv1\.weight"):
        thin("paper").load_state_dict(torchvisions[0].state_dict())


def test_overhanging_windows_are_those_of_a_picture_with_three_zero_columns_and_rows():
    torch.manual_seed(0)
    conv, x = CeilConv2d(3, 8, 11, 4), torch.randn(2, 3, 224, 224)
    padded = torch.zeros(2, 3, 227, 227)
    padded[:, :, :224, :224] = x
    torch.testing.assert_close(conv(x), F.conv2d(padded, conv.weight, conv.bias, stride=4))
    assert conv(x).shape == (2, 8, 55, 55)
    assert nn.Conv2d(3, 8, 11, 4)(x).shape == (2, 8, 54, 54)


def test_only_the_last_window_sees_beyond_the_edge_and_by_three_columns():
    conv = CeilConv2d(1, 1, 11, 4, bias=False)
    for seen, last in ((range(8, 11), 0.0), (range(8), 11.0 * 8)):
        nn.init.zeros_(conv.weight)
        conv.weight.data[..., list(seen)] = 1.0
        row = conv(torch.ones(1, 1, 224, 224))[0, 0, 0]
        assert row[:54].eq(11.0 * len(seen)).all()
        assert row[54] == last


def test_overhanging_windows_need_no_square_and_respect_padding():
    torch.manual_seed(0)
    conv, x = CeilConv2d(2, 3, (5, 3), (2, 2), (2, 0)), torch.randn(1, 2, 9, 12)
    # Down: 9 + 2 * 2 rows are 5 windows of 5 rows, 2 apart, and nothing hangs over.
    # Across: 12 columns; 6 windows of 3 columns, 2 apart, reach 13.
    expected = F.conv2d(F.pad(x, (0, 1, 2, 2)), conv.weight, conv.bias, stride=2)
    torch.testing.assert_close(conv(x), expected)
    assert conv(x).shape == (1, 3, 5, 6)
    with pytest.raises(ValueError, match=r"^size is 2 with padding 0, and a window of z = 3 does not fit"):
        conv(torch.zeros(1, 2, 9, 2))


def test_no_pixel_is_left_out_by_overhanging_windows():
    for side in range(11, 40):
        x = torch.ones(1, 1, side, side, requires_grad=True)
        conv = CeilConv2d(1, 1, 11, 4)
        nn.init.ones_(conv.weight)
        conv(x).sum().backward()
        assert x.grad.min() > 0


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


def test_the_same_seed_starts_the_same_net():
    assert torch.equal(
        thin("paper", seed=3).features.conv1.weight, thin("paper", seed=3).features.conv1.weight
    )
    assert not torch.equal(
        thin("paper", seed=3).features.conv1.weight, thin("paper", seed=4).features.conv1.weight
    )


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


def test_only_conv2_conv4_and_conv5_keep_to_their_own_tower():
    for name, kept in (("paper", [1, 2, 1, 2, 2]), ("caffe", [1, 2, 1, 2, 2]), ("full-width", [1] * 5)):
        convs = [layer for layer in on_meta(name).modules() if isinstance(layer, nn.Conv2d)]
        assert [conv.groups for conv in convs] == kept


def test_caffes_constant_of_the_norm_is_one_and_its_image_227_pixels():
    assert SPECS["caffe"].image_size == 227
    for norm in (on_meta("caffe").features.norm1, on_meta("caffe").features.norm2):
        assert (norm.n, norm.k, norm.alpha, norm.beta, norm.alpha_over_n) == (5, 1.0, 1e-4, 0.75, True)


def test_the_review_notes_first_norm_has_ten_times_the_papers_alpha():
    features = on_meta("review-004").features
    assert (features.norm1.alpha, features.norm2.alpha) == (1e-3, 1e-4)


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


def test_images_are_scored_one_by_one(paper):
    x = images(3, 224)
    with torch.no_grad():
        torch.testing.assert_close(
            paper(x), torch.cat([paper(image[None]) for image in x]), rtol=1e-4, atol=1e-5
        )


def test_every_weight_learns():
    model = thin("paper")
    F.cross_entropy(model(images(2, 224)), torch.tensor([1, 2])).backward()
    still = [name for name, weight in model.named_parameters() if not weight.grad.any()]
    assert still == []


def test_half_the_hidden_units_are_silent_in_training_and_all_are_halved_at_test_time():
    model, x, outputs = thin("paper", hidden=(2000, 8)), images(1, 224), {}
    model.classifier.relu6.register_forward_hook(lambda layer, args, out: outputs.update(before=out))
    model.classifier.dropout6.register_forward_hook(lambda layer, args, out: outputs.update(after=out))
    torch.manual_seed(0)
    with torch.no_grad():
        model.train()(x)
        kept = outputs["after"][outputs["before"] > 0] != 0
        assert 0.45 < kept.double().mean() < 0.55
        model.eval()(x)
        assert torch.equal(outputs["after"], outputs["before"] / 2)


def test_an_unknown_spec_hears_the_nearest_and_all_of_them():
    with pytest.raises(
        ValueError, match=r"^spec is 'papper', .* did you mean 'paper'\? choose from paper, source"
    ):
        AlexNet("papper")
    with pytest.raises(
        ValueError, match=r"^spec is None, .*; choose from paper, source-2012, .*, review-004$"
    ):
        AlexNet(None)


@pytest.mark.parametrize(("classes", "error"), [(0, ValueError), (10.0, TypeError), (True, TypeError)])
def test_the_number_of_classes_is_a_count(classes, error):
    with pytest.raises(error, match=rf"^classes is {classes}, and must be .* \(§3\.5: 1000\)"):
        AlexNet("paper", classes=classes)


@pytest.mark.parametrize("shape", [(1, 3, 227, 227), (1, 3, 224, 223), (1, 1, 224, 224), (3, 224, 224)])
def test_images_of_another_shape_hear_the_right_one_and_the_ways_out(paper, shape):
    with pytest.raises(
        ValueError, match=r"'paper' takes \(N, 3, 224, 224\): crop, or build from replace"
    ) as error:
        paper(torch.zeros(shape))
    assert f"images are {shape}" in str(error.value)


def test_caffe_refuses_224_pixels():
    with pytest.raises(ValueError, match=r"'caffe' takes \(N, 3, 227, 227\)"):
        on_meta("caffe")(torch.zeros(1, 3, 224, 224))


@pytest.mark.parametrize(
    ("x", "kind"),
    [
        (torch.zeros(1, 3, 224, 224, dtype=torch.uint8), "torch.uint8"),
        (np.zeros((1, 3, 224, 224), np.float32), "ndarray"),
    ],
)
def test_images_that_are_no_floats_hear_about_the_mean(paper, x, kind):
    with pytest.raises(TypeError, match=rf"^images are {kind}, .* \(§2\): pass images\.float\(\) - mean"):
        paper(x)
