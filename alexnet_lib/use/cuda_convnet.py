"""The network definitions of the original code, cuda-convnet's .cfg files, as an `AlexNetSpec`.

A file lists layers, each with its type and the layers that it reads. Layers side by side, such as conv2a and
conv2b, are one layer of the paper on several GPUs: its towers.
"""

import configparser
import os
from collections.abc import Callable
from dataclasses import replace
from typing import Any, NamedTuple

from ..architecture import AlexNetSpec, Conv, Norm, Pool, Relu, SpatialNorm, Step, Tanh
from ..guard import Count, require_path, validated
from ..paper import LEARNING

NEURONS = {"": (), "ident": (), "relu": (Relu(),), "tanh[1,1]": (Tanh(),)}
# What a spec can have, and the keys in which towers have to be equal.
KEYS = {
    "data": (),
    "conv": (
        *("filters", "filterSize", "channels", "padding", "stride", "groups", "randSparse", "sharedBiases"),
        *("initW", "initB", "neuron"),
    ),
    "cmrnorm": ("channels", "size", "scale", "pow", "minDiv", "neuron"),
    "rnorm": ("channels", "size", "scale", "pow", "neuron"),
    "pool": ("channels", "pool", "sizeX", "stride", "start", "outputsX", "neuron"),
    "fc": ("initW", "initB", "neuron"),
    **dict.fromkeys(("hs", "dropout", "dropout2"), ("keep",)),
    **dict.fromkeys(("pass", "concat", "softmax"), ()),
}
# What the second file says in run 145, for a definition that comes without one.
PARAMETERS = {
    "cmrnorm": {"scale": "0.0001", "pow": "0.75", "minDiv": "2"},
    "rnorm": {"scale": "0.001", "pow": "0.75"},
}


class Layer(NamedTuple):
    """A section of both files together. What a spec cannot have is refused by the layer's name."""

    file: str
    name: str
    fields: dict[str, str]

    def refused(self, words: object) -> ValueError:
        return ValueError(f"{self.file}: layer {self.name} {words}")

    def text(self, key: str, default: str | None = None) -> str:
        if (found := self.fields.get(key, default)) is None:
            raise self.refused(f"has no {key}")
        return found.replace(" ", "")

    @property
    def type(self) -> str:
        return self.text("type")

    @property
    def inputs(self) -> list[str]:
        return [] if self.type == "data" else self.text("inputs").split(",")

    def number(self, key: str, default: str | None = None, kind: type = int) -> int | float:
        """A key's number. Some keys have one for each input; in a spec they are equal."""
        text = self.text(key, default)
        try:
            numbers = [kind(word) for word in text.split(",")]
        except ValueError:
            raise self.refused(f"has {key}={text}, and must have numbers there") from None
        if len(set(numbers)) > 1 or len(numbers) not in (1, len(self.inputs)):
            raise self.refused(f"has {key}={text}, and in a spec all its inputs have the same number")
        return numbers[0]

    def require(self, key: str, *allowed: str) -> None:
        """The first is what the original code takes where the key is missing."""
        if self.text(key, allowed[0]).lower() not in allowed:
            raise self.refused(f"has {key}={self.text(key)}, and a spec has {' or '.join(allowed)}")


@validated
def read_spec(
    layers_cfg: str | os.PathLike, params_cfg: str | os.PathLike | None = None, image_size: Count = 224
) -> AlexNetSpec:
    """See `specs.from_cuda_convnet`."""
    file, sections = _sections("layers_cfg", layers_cfg)
    params = None if params_cfg is None else _sections("params_cfg", params_cfg)[1]
    layers = []
    for name, fields in sections.items():
        more = PARAMETERS.get(fields.get("type"), {}) if params is None else params.get(name, {})
        layers.append(Layer(file, name, {**more, **fields}))
    network = Network(image_size)
    for row in _rows(layers):
        network.add(row)
    return network.spec(file)


def _sections(argument: str, given: str | os.PathLike) -> tuple[str, dict[str, dict[str, str]]]:
    """Name and sections of a file, or of a text with line breaks. Twice the same section is one, as then."""
    parser = configparser.ConfigParser(interpolation=None, strict=False, inline_comment_prefixes=("#", ";"))
    parser.optionxform = str  # keys keep their capitals
    if isinstance(given, str) and "\n" in given:
        name, text = argument, given
    else:
        path = require_path(argument, given, "a .cfg file, or its text")
        name, text = path.stem, path.read_text("utf-8", errors="replace")
    try:
        parser.read_string(text)
    except configparser.Error as error:
        raise ValueError(f"{name} is no .cfg file of cuda-convnet: {' '.join(str(error).split())}") from None
    if not parser.sections():
        raise ValueError(f"{name} is no .cfg file of cuda-convnet: it has no section such as [conv1]")
    return name, {section: dict(parser[section]) for section in parser.sections()}


def _rows(layers: list[Layer]) -> list[list[Layer]]:
    """The layers by their distance from the images: those of one row are towers, side by side."""
    layers = [layer for layer in layers if not layer.type.startswith("cost.")]
    for layer in layers:
        if layer.type not in KEYS:
            raise layer.refused(f"has type {layer.type}, and a spec has only {', '.join(list(KEYS)[1:])}")
    depth = {}
    for layer in layers:
        for name in layer.inputs:
            if name not in depth:
                raise layer.refused(f"reads {name}, and no layer before it has that name")
        depth[layer.name] = 1 + max((depth[name] for name in layer.inputs), default=-1)
    read = {name for layer in layers for name in layer.inputs}
    kept = [
        layer for layer in layers if layer.inputs or layer.name in read
    ]  # the labels go to the cost alone
    return [[layer for layer in kept if depth[layer.name] == n] for n in range(1 + max(depth.values()))]


class Dense(NamedTuple):
    """A fully-connected layer, the parts on all GPUs together."""

    units: int
    std: float
    bias: float
    then: tuple[Step, ...]
    dropout: float = 0.0
    inverted: bool = False


class Network:
    """What the rows so far come to."""

    def __init__(self, image_size: int):
        self.image_size = self.size = image_size
        self.before: list[Layer] = []
        self.channels, self.towers = 3, 1
        self.convs: list[Conv] = []
        self.dense: list[Dense] = []

    def add(self, row: list[Layer]) -> None:
        """Take in layers side by side: equal ones, that read all of the row before or each its own tower."""
        layer = row[0]
        for other in row[1:]:
            for key in ("type", *KEYS[layer.type]):
                if layer.text(key, "") != other.text(key, ""):
                    raise other.refused(
                        f"differs from {layer.name} in its {key}, and towers of a spec are equal"
                    )
        whole = layer.type == "data" or all([self.reads_all(layer, n, row) for n, layer in enumerate(row)])
        if layer.type == "conv":
            self.require_place(layer, bool(self.dense))
            conv = _convolution(layer, len(row), not whole, self.size)
            self.convs.append(conv)
            self.size = _built(layer, conv.output_size, self.size)
            self.channels, self.towers = layer.number("filters"), len(row)
        elif layer.type in ("cmrnorm", "rnorm", "pool"):
            self.require_place(layer, bool(self.dense) or not self.convs)
            made = _step(layer, len(row), self.size)
            then = *self.convs[-1].then, made, *_neuron(layer)
            self.convs[-1] = _built(layer, replace, self.convs[-1], then=then)
            if isinstance(made, Pool):
                self.size = _built(layer, made.output_size, self.size)
        elif layer.type == "fc":
            if not whole:
                raise layer.refused("reads its own tower, and in a spec fully-connected layers read all")
            units = sum(part.number("outputs") for part in row)
            numbers = layer.number("initW", "0.01", float), layer.number("initB", "0", float)
            self.dense.append(Dense(units, *numbers, _neuron(layer)))
        elif layer.type in ("hs", "dropout", "dropout2"):
            if not self.dense:
                raise layer.refused("is dropout, which a spec has behind fully-connected layers only")
            # hs is the paper's dropout. In cuda-convnet2 that is dropout2, and dropout divides in training.
            dropout, inverted = 1 - layer.number("keep", "0.5", float), layer.type == "dropout"
            self.dense[-1] = self.dense[-1]._replace(dropout=dropout, inverted=inverted)
        self.before = row

    def reads_all(self, layer: Layer, place: int, row: list[Layer]) -> bool:
        """Whether a layer reads all layers of the row before; else it has to read its own tower."""
        names = [one.name for one in self.before]
        if strangers := [name for name in layer.inputs if name not in names]:
            raise layer.refused(
                f"reads {strangers[0]}, and a spec is a chain: here it reads {', '.join(names)}"
            )
        if sorted(layer.inputs) == sorted(names) or self.before[0].type in ("pass", "concat"):
            return True
        if len(row) != len(names) or layer.inputs != [names[place]]:
            count = f"{len(layer.inputs)} of {len(names)}"
            raise layer.refused(f"reads {count} towers, and in a spec it reads all of them or its own")
        return False

    def require_place(self, layer: Layer, is_wrong: bool) -> None:
        if is_wrong:
            raise layer.refused("has no place there: a spec has convolutions first, each with its steps")
        if {*layer.text("channels").split(",")} != {str(self.channels)}:
            raise layer.refused(
                f"has channels={layer.text('channels')}, and what it reads has {self.channels}"
            )

    def spec(self, name: str) -> AlexNetSpec:
        *hidden, last = self.dense or [None]
        if last is None or not self.convs:
            raise ValueError(f"{name}: the layers are no network: a spec has convolutions and an fc layer")
        if len({one[1:] for one in hidden}) > 1:
            raise ValueError(
                f"{name}: the hidden layers differ in more than units, and those of a spec do not"
            )
        if last.std != LEARNING.initial_std or last.then or last.dropout:
            raise ValueError(
                f"{name}: the last layer has initW={last.std:g}, and in a spec it has "
                f"{LEARNING.initial_std:g}, no neuron and no dropout"
            )
        if hidden and len(hidden[0].then) != 1:
            raise ValueError(f"{name}: a hidden layer has no neuron, and in a spec it has relu or tanh[1,1]")
        settings = {}
        if hidden:
            _, std, bias, (unit,), dropout, inverted = hidden[0]
            settings = dict(hidden_std=std, hidden_bias=bias, hidden_unit=unit)
            settings |= dict(dropout=dropout, dropout_inverted=inverted)
        return AlexNetSpec(
            name,
            tuple(self.convs),
            self.image_size,
            self.towers,
            tuple(one.units for one in hidden),
            classes=last.units,
            last_bias=last.bias,
            **settings,
        )


def _built(layer: Layer, kind: Callable, *arguments: object, **named: object) -> Any:
    try:
        return kind(*arguments, **named)
    except (TypeError, ValueError) as error:
        raise layer.refused(f"is not possible: {error}") from None


def _neuron(layer: Layer) -> tuple[Step, ...]:
    layer.require("neuron", *NEURONS)
    return NEURONS[layer.text("neuron", "")]


def _has_rest(size: int, z: int, s: int) -> bool:
    """Whether a last window hangs over the edge: the original code counts all windows with ceil."""
    return s > 0 and (size - z) % s > 0


def _convolution(layer: Layer, towers: int, grouped: bool, size: int) -> Conv:
    layer.require("groups", "1")
    layer.require("randSparse", "0", "false")
    layer.require("sharedBiases", "1", "true")
    z, s, padding = layer.number("filterSize"), layer.number("stride", "1"), layer.number("padding", "0")
    return _built(
        layer,
        Conv,
        towers * layer.number("filters"),
        z,
        s,
        padding,
        ceil_mode=_has_rest(size + 2 * padding, z, s),
        grouped=grouped,
        then=_neuron(layer),
        std=layer.number("initW", "0.01", float),
        bias=layer.number("initB", "0", float),
    )


def _step(layer: Layer, towers: int, size: int) -> Step:
    if layer.type == "pool":
        layer.require("pool", "max")
        layer.require("start", "0")
        layer.require("outputsX", "0")  # the number of windows follows from the rest
        z, s = layer.number("sizeX"), layer.number("stride")
        return _built(layer, Pool, z, s, ceil_mode=_has_rest(size, z, s))
    n, alpha, beta = (
        layer.number("size"),
        layer.number("scale", None, float),
        layer.number("pow", None, float),
    )
    if layer.type == "rnorm":
        return _built(layer, SpatialNorm, n, alpha=alpha, beta=beta)
    k = layer.number("minDiv", "1", float)
    return _built(layer, Norm, n, k, alpha, beta, towers, alpha_over_n=True)
