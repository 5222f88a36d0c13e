"""Wrong calls over the whole public boundary: each error names the argument, before anything is computed."""

import dataclasses
import re

import pytest
import torch
from torch import nn

from alexnet_lib import (
    AlexNet,
    LocalResponseNorm,
    PaperDropout,
    PaperSGD,
    PCAColorNoise,
    RandomCropFlip,
    TrainConfig,
    load,
)
from alexnet_lib.augmentation import center_crop, ten_crop, views
from alexnet_lib.dataset import ImageSet
from alexnet_lib.evaluation import average_nets, center_crop_probabilities, confusion, topk_error
from alexnet_lib.learning import Plateau, RateGroup, init_paper_, parameter_groups
from alexnet_lib.qualitative import colorfulness, kernel_counts, nearest, topk_labels, tower_gap
from alexnet_lib.relu import FourLayerNet
from alexnet_lib.training.presets import config_from

NAN = float("nan")
PHOTOS = torch.arange(3 * 3 * 12 * 12).view(3, 3, 12, 12).to(torch.uint8)
SCORES, LABELS = torch.eye(3), torch.tensor([0, 1, 2])
NET = nn.Sequential(nn.Flatten(), nn.Linear(192, 3))
WEIGHT = [nn.Parameter(torch.ones(1))]

CALLS = [
    ("spec", lambda: AlexNet("papper")),
    ("images", lambda: AlexNet()(torch.zeros(1, 3, 64, 64))),
    ("n", lambda: LocalResponseNorm(n=0)),
    ("k", lambda: LocalResponseNorm(k=0)),
    ("alpha", lambda: LocalResponseNorm(alpha=NAN)),
    ("beta", lambda: LocalResponseNorm(beta=NAN)),
    ("towers", lambda: LocalResponseNorm(towers=0)),
    ("p", lambda: PaperDropout(1.5)),
    ("p", lambda: PaperDropout("half")),
    ("classes", lambda: FourLayerNet(classes=0)),
    ("activation", lambda: FourLayerNet("rleu")),
    ("size", lambda: RandomCropFlip(0)),
    ("shared_by", lambda: RandomCropFlip(4, shared_by=2.0)),
    ("generator", lambda: RandomCropFlip(4, 7)),
    ("images", lambda: RandomCropFlip(4)(PHOTOS.float())),
    ("images", lambda: RandomCropFlip(13)(PHOTOS)),
    ("size", lambda: center_crop(PHOTOS, 13)),
    ("images", lambda: ten_crop(PHOTOS[0], 4)),
    ("images", lambda: ten_crop(PHOTOS.numpy(), 4)),
    ("images", lambda: PCAColorNoise().fit(PHOTOS[:, :1])),
    ("side", lambda: views(200, 224)),
    ("sigma", lambda: PCAColorNoise(-0.1)),
    ("magnitude", lambda: PCAColorNoise(magnitude="eigenvalues")),
    ("lr", lambda: PaperSGD(WEIGHT, lr=-1)),
    ("momentum", lambda: PaperSGD(WEIGHT, momentum=1.5)),
    ("model", lambda: init_paper_(WEIGHT)),
    ("plan", lambda: parameter_groups(NET, (RateGroup("*.bias"),), 0.0)),
    ("rates", lambda: RateGroup("*", ((5, 1.0),))),
    ("patience", lambda: Plateau(patience=0)),
    ("error", lambda: Plateau().step(NAN)),
    ("batch_size", lambda: TrainConfig(batch_size=0)),
    ("epochs", lambda: TrainConfig(epochs=2.5)),
    ("lr", lambda: TrainConfig(lr="fast")),
    ("val_fraction", lambda: TrainConfig(val_fraction=0.9)),
    ("dropout", lambda: TrainConfig(dropout=1.0)),
    ("compiled", lambda: TrainConfig(compiled="false")),
    ("optimizer", lambda: TrainConfig(optimizer="sgd")),
    ("precision", lambda: dataclasses.replace(TrainConfig(), precision="float8")),
    ("rate", lambda: TrainConfig(rate=0.01)),
    ("lr_decay", lambda: TrainConfig(lr_decay=0.1)),
    ("set", lambda: config_from("laptop", ["epoch=3"])),
    ("preset", lambda: config_from("cifar")),
    ("name", lambda: load("cifar11", "train")),
    ("split", lambda: load("cifar10", "training")),
    ("size", lambda: load("cifar10", "train", size=0)),
    ("labels", lambda: ImageSet(PHOTOS, LABELS + 1, ("a", "b", "c"), "three", "train", "made up")),
    ("k", lambda: topk_error(SCORES, LABELS, 0)),
    ("labels", lambda: topk_error(SCORES, LABELS + 1, 1)),
    ("scores", lambda: confusion(SCORES * NAN, LABELS)),
    ("mean", lambda: center_crop_probabilities(NET, PHOTOS, 8, mean=torch.zeros(3))),
    ("model", lambda: center_crop_probabilities(SCORES, PHOTOS, 8)),
    ("probabilities", lambda: average_nets([SCORES, SCORES[:2]])),
    ("kernels", lambda: colorfulness(torch.zeros(2, 4, 3, 3))),
    ("kernels", lambda: tower_gap(torch.zeros(5, 3, 1, 1))),
    ("smooth", lambda: kernel_counts(torch.zeros(4, 3, 2, 2), smooth=2.0)),
    ("k", lambda: topk_labels(SCORES, ("a", "b", "c"), 4)),
    ("gallery", lambda: nearest(SCORES, SCORES[:, :2], 1)),
]


@pytest.mark.parametrize(
    ("argument", "call"), CALLS, ids=[f"{n}-{name}" for n, (name, _) in enumerate(CALLS)]
)
def test_a_wrong_call_is_refused_by_the_name_of_its_argument_and_the_rule(argument, call):
    with pytest.raises((TypeError, ValueError), match=rf"\b{argument}\b") as error:
        call()
    assert re.search(
        r"must|choose from|use |pass |take |takes |need|splits are|end it|is none|has no", str(error.value)
    )
