"""What a PyTorch user does without thinking works on each layer and net: the table on the API page."""

import copy
import inspect
import io
import pickle
from dataclasses import replace

import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset
from torchvision.models.feature_extraction import create_feature_extractor

from alexnet_lib import (
    AlexNet,
    FourLayerNet,
    LocalResponseNorm,
    PaperDropout,
    PaperSGD,
    PCAColorNoise,
    RandomCropFlip,
    TrainConfig,
)
from alexnet_lib.architecture import PAPER, CeilConv2d, Pool
from alexnet_lib.dataset import ImageSet
from alexnet_lib.fast.lrn import FastLocalResponseNorm
from alexnet_lib.normalization import SpatialResponseNorm
from alexnet_lib.specs import InputScale

# The paper's net with an eighth of the channels, for images of 64 pixels.
SMALL = replace(
    PAPER,
    convs=tuple(replace(conv, out_channels=conv.out_channels // 8, std=0.1) for conv in PAPER.convs),
    image_size=64,
    hidden=(16, 16),
    classes=5,
)
LAYERS = {
    "LocalResponseNorm": (lambda: LocalResponseNorm(towers=2, alpha=0.1), (8, 6, 6)),
    "FastLocalResponseNorm": (lambda: FastLocalResponseNorm(towers=2, alpha=0.1), (8, 6, 6)),
    "SpatialResponseNorm": (lambda: SpatialResponseNorm(3, alpha=0.1), (8, 6, 6)),
    "CeilConv2d": (lambda: CeilConv2d(3, 8, 5, stride=3), (3, 12, 12)),
    "PaperDropout": (lambda: PaperDropout(0.25), (8, 6, 6)),
    "InputScale": (lambda: InputScale(nn.Conv2d(3, 4, 3), 0.5), (3, 6, 6)),
    "FourLayerNet": (lambda: FourLayerNet("relu"), (3, 32, 32)),
    "AlexNet": (lambda: AlexNet(SMALL), (3, 64, 64)),
}


def in_sequential(layer, x):
    torch.testing.assert_close(nn.Sequential(nn.Identity(), layer)(x), layer(x))


def copied_and_pickled(layer, x):
    for other in (copy.deepcopy(layer), pickle.loads(pickle.dumps(layer))):
        torch.testing.assert_close(other(x), layer(x))
        assert repr(other) == repr(layer)


def saved_and_loaded(layer, x):
    file = io.BytesIO()
    torch.save(layer.state_dict(), file)
    other = copy.deepcopy(layer)
    for weight in other.parameters():
        nn.init.zeros_(weight)
    other.load_state_dict(torch.load(io.BytesIO(file.getvalue()), weights_only=True))
    torch.testing.assert_close(other(x), layer(x))


def in_autocast(layer, x):
    with torch.autocast("cpu", torch.bfloat16):
        close = layer(x)
    torch.testing.assert_close(close.float(), layer(x), rtol=0.1, atol=0.05 * layer(x).abs().max().item())


def in_other_types(layer, x):
    assert copy.deepcopy(layer).double()(x.double()).dtype == torch.float64
    half = copy.deepcopy(layer).to(torch.bfloat16)(x.to(torch.bfloat16))
    torch.testing.assert_close(half.float(), layer(x), rtol=0.1, atol=0.1 * layer(x).abs().max().item())
    torch.testing.assert_close(layer(x.to(memory_format=torch.channels_last)), layer(x), rtol=1e-4, atol=1e-5)


def with_torch_func(layer, x):
    wanted = x.clone().requires_grad_()
    layer(wanted).square().sum().backward()
    gradient = torch.func.grad(lambda a: layer(a).square().sum())(x)
    torch.testing.assert_close(gradient, wanted.grad, rtol=1e-4, atol=1e-5)
    one_by_one = torch.func.vmap(lambda a: layer(a[None])[0])(x)
    torch.testing.assert_close(one_by_one, layer(x), rtol=1e-4, atol=1e-5)
    value, tangent = torch.func.jvp(layer, (x,), (torch.ones_like(x),))
    torch.testing.assert_close((2 * value * tangent).sum(), wanted.grad.sum(), rtol=1e-3, atol=1e-4)
    called = torch.func.functional_call(layer, dict(layer.named_parameters()), (x,))
    torch.testing.assert_close(called, layer(x))


def exported_with_any_batch(layer, x):
    program = torch.export.export(layer, (x,), dynamic_shapes=({0: torch.export.Dim("batch")},))
    for batch in (x[:2], torch.cat([x, x])):
        torch.testing.assert_close(program.module()(batch), layer(batch), rtol=1e-4, atol=1e-5)


def traced(layer, x):
    torch.testing.assert_close(torch.jit.trace(layer, x)(x[:1]), layer(x[:1]))


def compiled(layer, x):
    fast = torch.compile(layer, backend="eager", fullgraph=True)
    for batch in (x, x[:2], x[:1]):
        torch.testing.assert_close(fast(batch), layer(batch))


def with_features_taken(layer, x):
    is_net = isinstance(layer, AlexNet)
    net, node = (layer, "features.relu1") if is_net else (nn.Sequential(layer, nn.Flatten()), "0")
    net.eval()
    taken = create_feature_extractor(net, {node: "found"})(x)["found"]
    kept = []
    net.get_submodule(node).register_forward_hook(lambda module, inputs, output: kept.append(output))
    net(x)
    torch.testing.assert_close(taken, kept[0])


HABITS = [
    *(in_sequential, copied_and_pickled, saved_and_loaded, in_autocast, in_other_types, with_torch_func),
    *(exported_with_any_batch, traced, compiled, with_features_taken),
]


@pytest.mark.filterwarnings("ignore:.torch.jit:DeprecationWarning")
@pytest.mark.filterwarnings("ignore:NOTE. The nodes:UserWarning")  # dropout has other nodes in training
@pytest.mark.parametrize("habit", HABITS, ids=lambda habit: habit.__name__)
@pytest.mark.parametrize("name", LAYERS)
def test_every_layer_and_net_takes(name, habit):
    make, shape = LAYERS[name]
    torch.manual_seed(0)
    layer, x = make().eval(), torch.randn(4, *shape)
    habit(layer, x)


@pytest.mark.parametrize("name", LAYERS)
def test_the_repr_says_what_was_set_and_a_seed_gives_the_same_layer(name):
    make, shape = LAYERS[name]
    outputs = []
    for _ in range(2):
        torch.manual_seed(3)
        outputs.append(make().train()(torch.randn(2, *shape)))
    assert torch.equal(*outputs)
    shown = repr(make())
    assert any(setting in shown for setting in ("towers=2", "n=3", "stride=(3, 3)", "p=0.25", "kernel_size"))


@pytest.mark.slow
def test_alexnet_compiles_with_gradients_for_batches_of_several_sizes():
    net = AlexNet(SMALL)
    fast = torch.compile(net, backend="aot_eager")
    for n in (24, 22, 3):
        x = torch.randn(n, 3, 64, 64)
        net.zero_grad()
        fast(x).sum().backward()
        assert net.features.conv1.weight.grad.abs().sum() > 0


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: AlexNet(num_classes=10), "did you mean 'classes'"),
        (lambda: LocalResponseNorm(size=5), "did you mean 'n'"),
        (lambda: Pool(kernel_size=3), "did you mean 'z'"),
        (lambda: Pool(stride=2), "did you mean 's'"),
        (lambda: TrainConfig(learning_rate=0.1), "did you mean 'lr'"),
        (lambda: TrainConfig(batchsize=1), "did you mean 'batch_size'"),
        (lambda: PaperSGD([nn.Parameter(torch.ones(1))], learning_rate=0.1), "did you mean 'lr'"),
        (lambda: PaperDropout(rate=0.5), "did you mean 'p'"),
        (lambda: PCAColorNoise(std=0.1), "did you mean 'sigma'"),
    ],
)
def test_a_wrong_keyword_names_ours(make, words):
    with pytest.raises(TypeError, match=words):
        make()


def images(count=12, side=8):
    pixels = torch.randint(0, 256, (count, 3, side, side), dtype=torch.uint8)
    return ImageSet(pixels, torch.arange(count) % 3, ("a", "b", "c"), "mine", "train", "made here")


class Cropped(Dataset):
    """A user's own Dataset around ours, with a random crop for each item."""

    def __init__(self, images):
        self.images, self.crop = images, RandomCropFlip(2)

    def __len__(self):
        return len(self.images)

    def __getitem__(self, index):
        image, label = self.images[0]
        return self.crop(image[None])[0], label


def test_an_image_set_is_a_dataset_and_workers_draw_crops_of_their_own():
    found = images()
    assert isinstance(found, Dataset)
    batches = list(DataLoader(found, batch_size=5, num_workers=2))
    assert torch.equal(torch.cat([pixels for pixels, _ in batches]), found.images)
    assert torch.equal(torch.cat([labels for _, labels in batches]), found.labels)
    torch.manual_seed(0)
    first, second = DataLoader(Cropped(images(2, 64)), batch_size=1, num_workers=2)
    assert not torch.equal(first[0], second[0])
    train, rest = torch.utils.data.random_split(found, [8, 4])
    assert len(train) + len(rest) == len(found)
    assert [label for _, label in found] == found.labels.tolist()


SCHEDULERS = {
    "StepLR": lambda o: torch.optim.lr_scheduler.StepLR(o, 1),
    "CosineAnnealingLR": lambda o: torch.optim.lr_scheduler.CosineAnnealingLR(o, 4),
    "OneCycleLR": lambda o: torch.optim.lr_scheduler.OneCycleLR(o, 0.1, total_steps=8),
    "LinearLR": lambda o: torch.optim.lr_scheduler.LinearLR(o),
    "ReduceLROnPlateau": lambda o: torch.optim.lr_scheduler.ReduceLROnPlateau(o, patience=0),
}


@pytest.mark.parametrize("name", SCHEDULERS)
def test_the_papers_sgd_takes_torchs_schedulers_groups_closures_and_saved_states(name):
    def run(steps, optimizer, scheduler, weights):
        for _ in range(steps):
            optimizer.zero_grad()
            loss = optimizer.step(
                lambda: ((weights[0] - 1).square().sum() + weights[1].square().sum()).backward()
            )
            assert loss is None  # a closure that returns nothing
            nn.utils.clip_grad_norm_(weights, 1.0)
            scheduler.step(*[1.0] * ("metrics" in inspect.signature(scheduler.step).parameters))

    def made():
        weights = [nn.Parameter(torch.full((3,), 2.0)), nn.Parameter(torch.full((2,), -1.0))]
        optimizer = PaperSGD(weights[:1], lr=0.05)
        optimizer.add_param_group({"params": weights[1:], "lr": 0.01, "weight_decay": 0.0})
        return weights, optimizer, SCHEDULERS[name](optimizer)

    weights, optimizer, scheduler = made()
    run(2, optimizer, scheduler, weights)
    others, optimizer2, scheduler2 = made()
    for other, weight in zip(others, weights, strict=True):
        other.data.copy_(weight.data)
    optimizer2.load_state_dict(copy.deepcopy(optimizer.state_dict()))
    scheduler2.load_state_dict(copy.deepcopy(scheduler.state_dict()))
    for steps in ((optimizer, scheduler, weights), (optimizer2, scheduler2, others)):
        run(3, *steps)
    assert all(torch.equal(other, weight) for other, weight in zip(others, weights, strict=True))
    assert (weights[0] < 2).all()
