"""Definitions in the format of 2012 become specs. The oracle runs a definition itself, tower by tower."""

import configparser
import math

import pytest
import torch
import torch.nn.functional as F

from alexnet_lib.architecture import AlexNet, Norm
from alexnet_lib.specs import from_cuda_convnet

TWO = ("a", "b")
# Norms and pooling differ from the defaults on purpose, and windows hang over the edge in conv1 and pool1.
LAYERS = [
    ("conv1", "data", "type=conv filters=16 channels=3 filterSize=5 stride=3 padding=1 initW=0.02"),
    ("norm1", "conv1", "type=cmrnorm channels=16 size=4"),
    ("pool1", "norm1", "type=pool pool=max channels=16 sizeX=2 stride=2 neuron=relu"),
    ("conv2", "pool1", "type=conv filters=16 channels=16 filterSize=3 padding=1 initB=1 neuron=relu"),
    ("norm2", "conv2", "type=cmrnorm channels=16 size=5"),
    ("near2", "norm2", "type=rnorm channels=16 size=3"),
    ("pool2", "near2", "type=pool pool=max channels=16 sizeX=3 stride=2"),
    ("conv3", "pool2*", "type=conv filters=32 channels=16,16 filterSize=3,3 padding=1,1 neuron=relu"),
    ("fc4", "conv3*", "type=fc outputs=20 initB=1 neuron=relu"),
    ("drop4", "fc4", "type=hs keep=0.75"),
]
END = "[fc5]\ntype=fc\ninputs=drop4a,drop4b\noutputs=7\n[p]\ntype=softmax\ninputs=fc5\n"
END += "[cost]\ntype=cost.logreg\ninputs=labels,p\n"
HEAD = "[data]\ntype=data\ndataIdx=0\n[labels]\ntype=data\ndataIdx=1\n"


def definition(layers=LAYERS, towers=TWO, end=END):
    """The text of a definition: each layer once for each tower; `*` reads all towers."""
    text = HEAD
    for name, read, fields in layers:
        for tower in towers:
            every = ",".join(read[:-1] + one for one in towers)
            inputs = "data" if read == "data" else every if read.endswith("*") else read + tower
            text += (
                f"[{name}{tower}]\ninputs={inputs}\n" + fields.replace(" ", "\n") + f"\ngpu={ord(tower)}\n"
            )
    return text + end


PARAMS = "".join(
    f"[{name}{tower}]\nscale={scale}\npow={power}\n{more}"
    for name, scale, power, more in (
        ("norm1", 0.3, 0.75, "minDiv=2\n"),
        ("norm2", 0.2, 0.5, ""),
        ("near2", 0.5, 0.6, ""),
    )
    for tower in TWO
)


def run(layers, params, state, x):
    """The scores of a definition: each layer of each tower on its own, with weights out of a net's state."""
    ini, constants = (configparser.ConfigParser(strict=False) for _ in range(2))
    ini.read_string(layers), constants.read_string(params)
    weighted = sorted({level(ini, name) for name in ini.sections() if ini[name]["type"] in ("conv", "fc")})
    out = {"data": x}
    for name in ini.sections():
        layer, kind = ini[name], ini[name]["type"]
        if kind == "data" or kind.startswith("cost"):
            continue
        a = torch.cat([out[read] for read in sorted(layer["inputs"].split(","))], dim=1)
        if kind in ("conv", "fc"):
            row = [one for one in ini.sections() if level(ini, one) == level(ini, name)]
            number = 1 + weighted.index(level(ini, name))
            part = f"{'features' if kind == 'conv' else 'classifier'}.{kind}{number}"
            w, b = (state[f"{part}.{p}"].chunk(len(row))[row.index(name)] for p in ("weight", "bias"))
        if kind == "conv":
            stride, padding = (
                int(layer.get(key, usual).split(",")[0]) for key, usual in (("stride", "1"), ("padding", "0"))
            )
            rest = a.shape[-1] + 2 * padding - w.shape[-1]
            more = padding + math.ceil(rest / stride) * stride - rest
            a = F.conv2d(F.pad(a, (padding, more, padding, more)), w, b, stride)
        elif kind == "fc":
            a = F.linear(a.flatten(1), w, b)
        elif kind == "cmrnorm":
            told = {key: float(constants[name].get(key, 1)) for key in ("scale", "pow", "minDiv")}
            a = F.local_response_norm(a, layer.getint("size"), told["scale"], told["pow"], told["minDiv"])
        elif kind == "rnorm":
            n, told = layer.getint("size"), constants[name]
            energy = F.conv2d(a.square(), torch.ones(a.shape[1], 1, n, n), padding=n // 2, groups=a.shape[1])
            a = a / (1 + told.getfloat("scale") / n**2 * energy) ** told.getfloat("pow")
        elif kind == "pool":
            a = F.max_pool2d(a, layer.getint("sizeX"), layer.getint("stride"), ceil_mode=True)
        elif kind in ("hs", "dropout2"):
            a = a * layer.getfloat("keep", 0.5)
        out[name] = a.relu() if layer.get("neuron") == "relu" else a
    return a


def level(ini, name):
    """How far a layer is from the images."""
    if ini[name]["type"] == "data":
        return 0
    return 1 + max(level(ini, read) for read in ini[name]["inputs"].split(","))


def test_a_built_definition_computes_what_its_layers_say_tower_by_tower():
    spec = from_cuda_convnet(definition(), PARAMS, image_size=32)
    torch.manual_seed(0)
    net = AlexNet(spec).eval()
    state = {name: torch.randn_like(value) * 0.2 for name, value in net.state_dict().items()}
    net.load_state_dict(state)
    x = torch.randn(3, 3, 32, 32)
    with torch.no_grad():
        scores = net(x)
        assert torch.allclose(scores, run(definition(), PARAMS, state, x), rtol=1e-4, atol=1e-5)
    assert scores.shape == (3, 7)
    assert scores.std() > 0.1


def cut(text, *changes):
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    return text


WITHOUT_SECOND_FC = cut(END, ("inputs=drop4a,drop4b", "inputs=drop4a"))


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("type=pool", "type=blur", "layer pool1a has type blur"),
        ("inputs=pool1a\n", "inputs=fc4a\n", "layer conv2a reads fc4a, and no layer before it"),
        ("inputs=pool1a\n", "inputs=conv2a\n", "layer conv2a reads conv2a, and no layer before it"),
        ("inputs=pool1a\n", "inputs=norm1a\n", "layer conv2a differs from pool1a in its type"),
        ("inputs=pool1a\n", "inputs=pool1b\n", "layer conv2a reads 1 of 2 towers"),
        ("filterSize=3,3\n", "\n", "layer conv3a has no filterSize"),
        ("filterSize=3,3\n", "filterSize=3,5\n", "layer conv3a has filterSize=3,5"),
        ("filterSize=3\n", "filterSize=three\n", "layer conv2a has filterSize=three"),
        ("filterSize=3\n", "filterSize=0\n", "layer conv2a is not possible: kernel_size is 0"),
        ("channels=16,16", "channels=16,24", "layer conv3a has channels=16,24, and what it reads has 16"),
        ("filters=16\nchannels=16", "filters=15\nchannels=16", "has channels=16, and what it reads has 15"),
        ("pool=max", "pool=avg", "layer pool1a has pool=avg"),
        ("neuron=relu", "neuron=logistic", "layer pool1a has neuron=logistic"),
        ("filterSize=3\n", "filterSize=3\ngroups=2\n", "layer conv2a has groups=2"),
        ("sizeX=3\n", "sizeX=30\n", "layer pool2a is not possible: size is 6"),
        (
            "[norm2b]\ninputs=conv2b\ntype=cmrnorm\nchannels=16\nsize=5",
            "[norm2b]\ninputs=conv2b\ntype=cmrnorm\nchannels=16\nsize=3",
            "layer norm2b differs from norm2a in its size",
        ),
        ("inputs=conv3a,conv3b\ntype=fc", "inputs=conv3a\ntype=fc", "reads 1 of 2 towers"),
        ("outputs=20\ninitB=1\nneuron=relu", "outputs=20", "a hidden layer has no neuron"),
        ("outputs=7", "outputs=7\ninitW=0.1,0.1", "the last layer has initW=0.1"),
        ("outputs=7", "outputs=-7", "classes is -7"),
        ("dataIdx=0\n", "dataIdx=0\ninputs\n", "is no .cfg file of cuda-convnet"),
        ("type=fc\n", "", "layer fc4a has no type"),
    ],
)
def test_a_definition_that_cannot_be_built_gets_one_sentence(old, new, words):
    with pytest.raises(ValueError) as caught:  # noqa: PT011 (the words are compared below)
        from_cuda_convnet(cut(definition(), (old, new)), PARAMS, image_size=32)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_files_give_the_name_and_the_defaults_are_run_145s(tmp_path):
    path = tmp_path / "layers-own.cfg"
    path.write_text(definition())
    spec = from_cuda_convnet(path, image_size=32)
    assert spec.name == "layers-own"
    assert spec.convs[0].then[0] == Norm(n=4, alpha_over_n=True)
    for wrong, error in (("no-such.cfg", FileNotFoundError), ("", ValueError), ("# nothing\n", ValueError)):
        with pytest.raises(error):
            from_cuda_convnet(wrong)
    with pytest.raises(ValueError, match="layer norm1a has no scale"):
        from_cuda_convnet(path, "[conv1a]\nepsW=0.01\n", image_size=32)
