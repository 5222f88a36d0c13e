"""A wrong argument is refused by the library's own words: which argument, which value, which rule."""

import re
import traceback
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

import alexnet_lib
from alexnet_lib import dataset, evaluation, learning, qualitative, towers
from alexnet_lib.architecture import AlexNet
from alexnet_lib.augmentation import PCAColorNoise, RandomCropFlip, center_crop, ten_crop, views
from alexnet_lib.data import batches, images
from alexnet_lib.dropout import PaperDropout
from alexnet_lib.normalization import LocalResponseNorm, SpatialResponseNorm
from alexnet_lib.pooling import MaxPool, output_size
from alexnet_lib.relu import FourLayerNet
from alexnet_lib.spec import AlexNetSpec, Conv
from alexnet_lib.train import train
from alexnet_lib.training import checkpoints
from alexnet_lib.training.presets import PRESETS
from alexnet_lib.training.ranks import World, equal_share

OURS = str(Path(alexnet_lib.__file__).parent)
quick = settings(deadline=None, derandomize=True, database=None, max_examples=25)

# What is wrong, by the kind of an argument. None of these values is right for any argument of its kind.

NOT_FINITE = st.sampled_from([np.nan, np.inf, -np.inf, np.float32("nan")])
NO_INDEX = (
    NOT_FINITE | st.text() | st.floats() | st.booleans() | st.integers(-(2**70), 0) | st.integers(2**63)
)
ODDITY = st.none() | st.text() | st.binary() | st.lists(st.integers()) | st.just(1j) | st.just(torch.ones(2))
NO_TENSOR = st.text() | st.floats() | st.just(np.ones((2, 3, 8, 8))) | st.just([[1.0]])
NO_FOLDER = st.sampled_from(["", "a\0b"]) | st.integers() | st.booleans() | st.lists(st.text())


def tensors(sides, *kinds):
    """Tensors with so many sides of 1 to 4."""
    shapes = st.tuples(*[st.integers(1, 4)] * sides)
    return st.builds(lambda shape, kind: torch.ones(shape, dtype=kind), shapes, st.sampled_from(kinds))


FLAT, DEEP = tensors(2, torch.float32), tensors(5, torch.float32, torch.uint8)
UNREAL = tensors(4, torch.bool, torch.complex64)
NO_LABELS = [[0, 3], [-1, 0, 1], [0, 1, 3], [0.0, 1.0, 2.0], [True, False, True]]
WRONG = {
    "side": NO_INDEX,
    "count": NO_INDEX | ODDITY,
    "number": ODDITY | NOT_FINITE | st.booleans(),
    "share": ODDITY | NOT_FINITE | st.booleans() | st.floats(1.0001, 1e300) | st.floats(-1e300, -1e-300),
    "flag": ODDITY | NOT_FINITE | st.integers() | st.sampled_from(["true", "false", "0"]),
    "name": ODDITY | st.integers() | st.booleans(),
    "maps": NO_TENSOR | FLAT | DEEP | UNREAL | st.none(),
    "images": NO_TENSOR | FLAT | DEEP | UNREAL | tensors(4, torch.int64) | st.none(),
    "scores": NO_TENSOR | DEEP | UNREAL | st.none(),
    "mean": NO_TENSOR | FLAT | DEEP | UNREAL,
    "labels": NO_TENSOR | st.sampled_from(NO_LABELS).map(torch.tensor) | st.none(),
    "net": NO_TENSOR | st.integers() | st.none(),
    "path": NO_FOLDER | st.none(),
    "folder": NO_FOLDER,
    "epochs": st.text() | st.integers() | st.sampled_from([(5, 3), (-1,), (2, 2), (1.5,), ("2",), None]),
    "generator": st.integers() | st.text() | st.floats(),
}

MAPS = torch.rand(2, 4, 9, 9)
PHOTOS = torch.arange(3 * 3 * 12 * 12).view(3, 3, 12, 12).to(torch.uint8)
SCORES, LABELS = torch.eye(3), torch.tensor([0, 1, 2])
NET = nn.Sequential(nn.Conv2d(3, 2, 3), nn.ReLU(), nn.Flatten(), nn.Linear(72, 4))
SET = dataset.ImageSet(PHOTOS, LABELS, ("a", "b", "c"), "three", "train", "made up")
JUDGED = dict(model=NET, images=PHOTOS, size=8)
PAIR = World(0, 2, 0, torch.device("cpu"))


def layer(make):
    """A layer as a function of its input."""
    return lambda input: make()(input)


# name -> (function, right arguments, "argument:kind" for each that is made wrong)
SEEN = "images:images size:count mean:mean batch:count"
CALLS = {
    "LocalResponseNorm": (LocalResponseNorm, {}, "n:count k:number alpha:number beta:number towers:count"),
    "LocalResponseNorm()": (layer(LocalResponseNorm), {}, "input:maps"),
    "SpatialResponseNorm": (SpatialResponseNorm, {}, "n:count k:number alpha:number beta:number"),
    "SpatialResponseNorm()": (layer(SpatialResponseNorm), {}, "input:maps"),
    "output_size": (output_size, dict(size=9, z=3, s=2), "size:count z:count s:count ceil:flag"),
    "MaxPool": (MaxPool, {}, "z:count s:count ceil:flag"),
    "MaxPool()": (layer(MaxPool), {}, "input:maps"),
    "PaperDropout": (PaperDropout, {}, "p:share"),
    "FourLayerNet": (FourLayerNet, {}, "activation:name classes:count"),
    "FourLayerNet()": (lambda images: FourLayerNet()(images), {}, "images:images"),
    "require_even_share": (towers.require_even_share, dict(name="conv1", maps=4), "towers:count"),
    "maps_of": (towers.maps_of, dict(tower=0, maps=4), "maps:count towers:count"),
    "maps_read": (towers.maps_read, dict(tower=0, maps=4, own_only=True), "maps:count own_only:flag"),
    "crossing_numbers": (
        towers.crossing_numbers,
        dict(maps=4, height=2, width=2),
        "height:count width:count",
    ),
    "Conv": (Conv, dict(maps=4, z=3), "maps:count z:count s:count bias:number"),
    "AlexNetSpec": (
        AlexNetSpec,
        dict(name="small", convs=(Conv(4, 3),), image_size=9, hidden=(8,)),
        "image_size:count towers:count classes:count dropout:share hidden_bias:number",
    ),
    "AlexNet": (AlexNet, {}, "spec:name"),
    "views": (views, dict(side=9, size=4), "side:count size:count"),
    "RandomCropFlip": (RandomCropFlip, {}, "size:count shared_by:count generator:generator"),
    "RandomCropFlip()": (RandomCropFlip(4), {}, "images:images"),
    "places": (RandomCropFlip(4).places, dict(count=2, height=9, width=9), "height:count width:count"),
    "cut": (
        RandomCropFlip(4).cut,
        dict(images=PHOTOS, places=torch.zeros(3, 3).long(), mean=torch.zeros(3, 1, 1)),
        "images:images places:images mean:mean shifts:mean",
    ),
    "center_crop": (center_crop, {"images": PHOTOS}, "size:count"),
    "ten_crop": (ten_crop, {"images": PHOTOS, "size": 4}, "images:images size:count"),
    "PCAColorNoise": (
        PCAColorNoise,
        {},
        "sigma:number unit:number divide_by:number magnitude:name generator:generator",
    ),
    "fit": (PCAColorNoise().fit, {}, "images:images"),
    "topk_error": (
        evaluation.topk_error,
        dict(scores=SCORES, labels=LABELS, k=1),
        "scores:scores labels:labels k:count",
    ),
    "confusion": (evaluation.confusion, dict(scores=SCORES, labels=LABELS), "scores:scores labels:labels"),
    "center_crop_probabilities": (evaluation.center_crop_probabilities, JUDGED, "model:net " + SEEN),
    "ten_crop_probabilities": (evaluation.ten_crop_probabilities, JUDGED, "model:net " + SEEN),
    "hidden_activities": (qualitative.hidden_activities, JUDGED, "model:net " + SEEN),
    "average_nets": (
        lambda probabilities: evaluation.average_nets([probabilities]),
        {},
        "probabilities:scores",
    ),
    "colorfulness": (qualitative.colorfulness, {}, "kernels:scores"),
    "tower_gap": (qualitative.tower_gap, dict(kernels=MAPS[:, :3], splits=9), "towers:count splits:count"),
    "topk_labels": (
        qualitative.topk_labels,
        dict(probabilities=SCORES, classes=tuple("abc"), k=2),
        "k:count",
    ),
    "nearest": (qualitative.nearest, dict(query=MAPS, gallery=MAPS, k=1), "query:net k:count batch:count"),
    "rescale_and_crop": (images.rescale_and_crop, {"image": PHOTOS[0]}, "image:labels size:count"),
    "mean_image": (images.mean_image, {}, "images:images"),
    "ImageSet": (dataset.ImageSet, vars(SET), "images:images labels:labels classes:number"),
    "load": (
        dataset.load,
        dict(name="folder:/nowhere", split="train", size=8),
        "split:name size:side verify:flag download:flag cache:folder",
    ),
    "val_fraction": (batches.val_fraction, dict(images=SET, share=0.5, seed=0), "share:share"),
    "whole": (batches.whole, dict(stored=PHOTOS, side=8), "stored:labels side:count"),
    "equal_share": (equal_share, dict(name="count", count=4, world=PAIR), "count:count"),
    "read": (checkpoints.read, {}, "path:path"),
    "newest": (checkpoints.newest, {}, "folder:path"),
    "save": (checkpoints.save, dict(state={}, folder="/nowhere", step=1), "folder:path step:number"),
    "train": (train, dict(config=PRESETS["laptop"]), "folder:folder"),
    "Plateau": (learning.Plateau, {}, "patience:count"),
    "see": (learning.Plateau().see, {}, "error:number"),
    "RateGroup": (learning.RateGroup, {"pattern": "*"}, "weight_decay:number rates:epochs"),
    "init_paper_": (learning.init_paper_, {}, "model:net"),
    "PaperSGD": (
        learning.PaperSGD,
        {"params": [nn.Parameter(torch.ones(1))]},
        "lr:number momentum:share weight_decay:number",
    ),
    "TrainConfig": (
        learning.TrainConfig,
        {},
        "batch_size:count epochs:count patience:count image_size:count crop_shared_by:count rate:number "
        "weight_decay:number color_noise:number input_scale:number momentum:share dropout:share "
        "random_crops:flag channels_last:flag compiled:flag spec:name optimizer:name precision:name "
        "lr_plan:name color_noise_scale:name milestones:epochs",
    ),
}
CASES = [(name, *case.split(":")) for name, (_, _, cases) in CALLS.items() for case in cases.split()]


def shows(value, words):
    """Whether an error shows a value: itself, or what there is to say of a tensor or another object."""
    forms = [repr(value), type(value).__name__]
    if isinstance(value, float | np.floating):
        forms.append(str(value))
    if isinstance(value, str) and not value:
        forms.append("is empty")
    if isinstance(value, int):
        forms.append(f"{value:.0e}")
    if isinstance(value, tuple):
        forms += map(repr, value)
    if isinstance(value, torch.Tensor):
        forms = [str(tuple(value.shape)), str(value.dtype), "x".join(map(str, value.shape[2:]))]
        forms += [f"hold {one}" for one in value.flatten().tolist()]
    return any(form in words for form in forms)


@pytest.mark.parametrize(("name", "argument", "kind"), CASES)
def test_what_is_wrong_is_refused_by_argument_and_value_in_the_librarys_own_words(name, argument, kind):
    function, right, _ = CALLS[name]

    @quick
    @given(WRONG[kind])
    def refuses(value):
        with pytest.raises((ValueError, TypeError)) as error:
            function(**right | {argument: value})
        words = str(error.value)
        assert traceback.extract_tb(error.tb)[-1].filename.startswith(OURS), words
        assert argument in words
        assert shows(value, words), words
        assert re.search(", and |: |[;?] choose from ", words), words

    refuses()
