"""The eight layers of Figure 2 (§3.5), built from a spec, and the specs that the book compares."""

from collections import OrderedDict
from dataclasses import replace

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .dropout import PaperDropout
from .guard import require_choice
from .paper import LEARNING
from .pooling import output_size
from .spec import STEP_NAMES, AlexNetSpec, Conv, Norm, Pool, Relu, SpatialNorm, trace

PAPER = AlexNetSpec(
    "paper",
    convs=(
        Conv(96, kernel_size=11, stride=4, ceil_mode=True, then=(Relu(), Norm(), Pool())),
        Conv(256, kernel_size=5, padding=2, grouped=True, bias=1.0, then=(Relu(), Norm(), Pool())),
        Conv(384, kernel_size=3, padding=1),
        Conv(384, kernel_size=3, padding=1, grouped=True, bias=1.0),
        Conv(256, kernel_size=3, padding=1, grouped=True, bias=1.0, then=(Relu(), Pool())),
    ),
)

_SOURCE_NORM = Norm(alpha_over_n=True)
SOURCE_2012 = replace(  # layers-145.cfg
    PAPER,
    name="source-2012",
    convs=(
        replace(PAPER.convs[0], then=(_SOURCE_NORM, Pool(), Relu())),
        replace(PAPER.convs[1], then=(Relu(), _SOURCE_NORM, SpatialNorm(), Pool())),
        *(replace(conv, std=0.03) for conv in PAPER.convs[2:4]),
        # Pooling before the ReLU changes nothing here: both keep the order of numbers.
        replace(PAPER.convs[4], std=0.03, then=(Pool(), Relu())),
    ),
)

_ONE_TOWER = tuple(
    replace(
        conv,
        grouped=False,
        then=tuple(replace(step, towers=1) if isinstance(step, Norm) else step for step in conv.then),
    )
    for conv in PAPER.convs
)
FULL_WIDTH = replace(PAPER, name="full-width", towers=1, convs=_ONE_TOWER)
ONE_GPU = replace(  # §3.2's comparison: half of the kernels, but for conv5 (its footnote)
    FULL_WIDTH,
    name="one-gpu",
    convs=(*(replace(conv, out_channels=conv.out_channels // 2) for conv in _ONE_TOWER[:4]), _ONE_TOWER[4]),
)

_CAFFE_NORM = Norm(k=1.0, towers=1, alpha_over_n=True)
CAFFE = replace(  # 227 pixels and no ceil_mode; windows of the norm run across both halves
    PAPER,
    name="caffe",
    image_size=227,
    convs=(
        replace(PAPER.convs[0], ceil_mode=False, then=(Relu(), _CAFFE_NORM, Pool())),
        replace(PAPER.convs[1], bias=0.1, then=(Relu(), _CAFFE_NORM, Pool())),
        PAPER.convs[2],
        *(replace(conv, bias=0.1) for conv in PAPER.convs[3:]),
    ),
    hidden_std=0.005,
    hidden_bias=0.1,
    dropout_inverted=True,
)

TORCHVISION = AlexNetSpec(  # after "One weird trick", 2014: one tower, narrower, no normalization
    "torchvision",
    convs=(
        Conv(64, kernel_size=11, stride=4, padding=2, std=None, then=(Relu(), Pool())),
        Conv(192, kernel_size=5, padding=2, std=None, then=(Relu(), Pool())),
        Conv(384, kernel_size=3, padding=1, std=None),
        Conv(256, kernel_size=3, padding=1, std=None),
        Conv(256, kernel_size=3, padding=1, std=None, then=(Relu(), Pool())),
    ),
    towers=1,
    hidden_std=None,
    dropout_inverted=True,
    dropout_on_inputs=True,
)

_REVIEW_NORM = Norm(towers=1, alpha_over_n=True)  # torch's own layer
REVIEW_004 = replace(  # ten classes, 227 pixels, one tower; the first norm's alpha is ten times the paper's
    FULL_WIDTH,
    name="review-004",
    image_size=227,
    convs=(
        replace(
            _ONE_TOWER[0],
            ceil_mode=False,
            std=None,
            then=(Relu(), replace(_REVIEW_NORM, alpha=1e-3), Pool()),
        ),
        replace(_ONE_TOWER[1], std=None, then=(Relu(), _REVIEW_NORM, Pool())),
        *(replace(conv, std=None) for conv in _ONE_TOWER[2:]),
    ),
    hidden_std=None,
    dropout_inverted=True,
    dropout_on_inputs=True,
    classes=10,
)

SPECS = {
    spec.name: spec for spec in (PAPER, SOURCE_2012, ONE_GPU, FULL_WIDTH, CAFFE, TORCHVISION, REVIEW_004)
}

# torchvision numbers its modules; ours have names.
_TORCHVISION_NAMES = {
    "features.0": "features.conv1",
    "features.3": "features.conv2",
    "features.6": "features.conv3",
    "features.8": "features.conv4",
    "features.10": "features.conv5",
    "classifier.1": "classifier.fc6",
    "classifier.4": "classifier.fc7",
    "classifier.6": "classifier.fc8",
}


class CeilConv2d(nn.Conv2d):
    """A convolution whose last windows hang over the far edge, so that no pixel is left out (§3.5).

    The 2012 source counts windows with ceil (layer.py:1004): 224 pixels, 11 x 11, stride 4 give 55, and
    the last window of a row sees 3 columns beyond the picture, which count as zero.
    """

    def forward(self, a: Tensor) -> Tensor:
        below, right = (
            (output_size(side, z, s, padding, ceil=True) - 1) * s + z - side - 2 * padding
            for side, z, s, padding in zip(
                a.shape[-2:], self.kernel_size, self.stride, self.padding, strict=True
            )
        )
        return super().forward(F.pad(a, (0, right, 0, below)))


class AlexNet(nn.Module):
    """Five convolutional and three fully-connected layers (§3.5, Figure 2).

    spec: a name from `SPECS` or an `AlexNetSpec`; "paper" is 224x224 with 55x55 windows, two towers,
    normalization inside the tower after the ReLU, and the paper's dropout. classes: outputs; the spec's
    own number by default (1000, in "review-004" 10).

    (N, 3, image_size, image_size) float, 0-255 with the mean subtracted -> (N, classes) scores before
    the softmax. Weights start as the spec says (§5: N(0, 0.01), biases 1 in conv2, conv4, conv5, fc6, fc7).
    The weights of `torchvision.models.alexnet` load into AlexNet("torchvision") by `load_state_dict`.
    """

    def __init__(self, spec: str | AlexNetSpec = "paper", classes: int | None = None):
        super().__init__()
        if not isinstance(spec, AlexNetSpec):
            spec = SPECS[require_choice("spec", spec, SPECS)]
        if classes is not None:
            spec = replace(spec, classes=classes)
        self.spec = spec
        self.features = nn.Sequential(self._convolutional())
        self.classifier = nn.Sequential(self._fully_connected())
        self.register_load_state_dict_pre_hook(_accept_torchvision_names)

    def _convolutional(self) -> OrderedDict[str, nn.Module]:
        layers, maps = OrderedDict(), 3
        for number, conv in enumerate(self.spec.convs, 1):
            kind = CeilConv2d if conv.ceil_mode else nn.Conv2d
            groups = self.spec.towers if conv.grouped else 1
            layer = kind(maps, conv.out_channels, conv.kernel_size, conv.stride, conv.padding, groups=groups)
            layers[f"conv{number}"] = _start(layer, conv.std, conv.bias)
            for step in conv.then:
                layers[f"{STEP_NAMES[type(step)]}{number}"] = step.module()
            maps = conv.out_channels
        return layers

    def _fully_connected(self) -> OrderedDict[str, nn.Module]:
        spec, first = self.spec, 1 + len(self.spec.convs)
        behind = [layer for layer in trace(spec) if layer.side][-1]
        layers, inputs = OrderedDict(), behind.numbers
        for number, units in enumerate(spec.hidden, first):
            hidden = _start(nn.Linear(inputs, units), spec.hidden_std, spec.hidden_bias)
            parts = [(f"fc{number}", hidden), (f"relu{number}", nn.ReLU())]
            drop = nn.Dropout(spec.dropout) if spec.dropout_inverted else PaperDropout(spec.dropout)
            parts.insert(0 if spec.dropout_on_inputs else 2, (f"dropout{number}", drop))
            layers.update(parts)
            inputs = units
        std = None if spec.hidden_std is None else LEARNING.initial_std
        layers[f"fc{first + len(spec.hidden)}"] = _start(nn.Linear(inputs, spec.classes), std, 0.0)
        return layers

    def forward(self, images: Tensor) -> Tensor:
        self._check(images)
        return self.classifier(torch.flatten(self.features(images), 1))

    def _check(self, images: Tensor) -> None:
        if not isinstance(images, Tensor) or not images.is_floating_point():
            kind = images.dtype if isinstance(images, Tensor) else type(images).__name__
            raise TypeError(
                f"images are {kind}, and the net takes floats with the mean subtracted (§2): "
                f"pass images.float() - mean"
            )
        side = self.spec.image_size
        if images.dim() != 4 or images.shape[1:] != (3, side, side):
            raise ValueError(
                f"images are {tuple(images.shape)}, and {self.spec.name!r} takes (N, 3, {side}, {side}): "
                f"crop, or build from replace(SPECS[...], image_size=...)"
            )


def _start(layer: nn.Module, std: float | None, bias: float) -> nn.Module:
    """Draw the weights from N(0, std) and set the biases (§5); None keeps torch's own start."""
    if std is not None:
        nn.init.normal_(layer.weight, std=std)
        nn.init.constant_(layer.bias, bias)
    return layer


def _accept_torchvision_names(module, state, *_) -> None:
    if "features.0.weight" not in state:
        return
    for theirs, ours in _TORCHVISION_NAMES.items():
        for kind in ("weight", "bias"):
            if f"{theirs}.{kind}" in state:
                state[f"{ours}.{kind}"] = state.pop(f"{theirs}.{kind}")
