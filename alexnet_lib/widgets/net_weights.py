"""A trained two-tower network in a few megabytes: for the page, which runs it, and for torch, which loads it.

    asset = compress(net, mean, classes, rank=64, bits=6)     # a dict of JSON
    shipped = load(asset)                                     # shipped.net is an AlexNet

Convolutions are rounded to `bits` bits with a scale for each output channel. The two hidden fully-connected
layers, 26 million weights of the paper's 29 at 128 pixels, are first cut to rank `rank` by their singular
values. The mean image (§2) is rounded to 256 levels. Page and torch both read the rounded values.

The asset is {"header": ..., "data": base64 of a deflated body}. The header names the layers in the order in
which they run, and for each tensor its shape and where it starts in the body.
"""

import base64
import copy
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from ..architecture import AlexNet, AlexNetSpec, Norm, Pool, Relu
from ..augmentation import center_crop
from ..data.images import read_images
from ..dropout import PaperDropout
from ..guard import require_choice, require_count, require_tensor
from ..specs import NETS

FORMAT = 1
STEPS = {Relu: "relu", Norm: "norm", Pool: "pool"}


@dataclass(frozen=True, eq=False)
class ShippedNet:
    """A network as it ships. mean: (3, side, side), what is subtracted from an image of 0-255 (§2)."""

    net: AlexNet
    mean: Tensor
    classes: tuple[str, ...]
    input_scale: float

    def with_head(self, path: str | Path) -> "ShippedNet":
        """The same network with the last layer of an .npz: `weight` (n, 4096), `bias` and `classes` (n,)."""
        wide = self.net.classifier.fc8.in_features
        with np.load(path) as file:
            parts = {name: file[name] for name in ("weight", "bias", "classes") if name in file}
        shapes = {name: part.shape for name, part in parts.items()}
        count = len(parts.get("classes", ()))
        if shapes != {"weight": (count, wide), "bias": (count,), "classes": (count,)}:
            raise ValueError(
                f"{path} holds {shapes}, and a head has weight (n, {wide}), bias (n,) and classes (n,): "
                f"download it from the page again"
            )
        net = copy.deepcopy(self.net)
        net.classifier.fc8 = nn.Linear(wide, count)
        net.classifier.fc8.load_state_dict(
            {name: torch.from_numpy(parts[name]) for name in ("weight", "bias")}
        )
        return replace(self, net=net.eval(), classes=tuple(map(str, parts["classes"])))

    def label(self, paths: Sequence[str | Path]) -> tuple[tuple[str, float], ...]:
        """The most probable class of each picture and its probability, from the central crop."""
        images = read_images([Path(path) for path in paths], self.mean.shape[-1])
        with torch.no_grad():
            crops = center_crop(images.float() - self.mean, self.net.spec.image_size) * self.input_scale
            best, at = self.net(crops).softmax(dim=1).max(dim=1)
        return tuple((self.classes[i], p) for i, p in zip(at.tolist(), best.tolist(), strict=True))


def compress(
    net: AlexNet,
    mean: Tensor,
    classes: tuple[str, ...],
    *,
    rank: int = 64,
    bits: int = 6,
    input_scale: float = 1.0,
    about: str = "",
    sample: Tensor | None = None,
) -> dict:
    """The asset of a trained network. mean: (3, side, side), side at least the network's crop.

    rank: of fc6 and fc7, whose weight matrices become two thin factors. bits: of a weight, 2 to 8.
    input_scale: what an image is multiplied by after the mean is gone. about: one sentence on its training.
    sample: (n, 3, crop, crop), network inputs. With them the factors keep what fc6 and fc7 compute on such
    images; without, they keep the weights themselves, which costs more accuracy at the same rank.

    Raises ValueError for a network with steps that the page cannot run: it knows ReLU, LRN and max pooling.
    """
    require_count("rank", rank, "it is the rank that fc6 and fc7 are cut to")
    require_count("bits", bits, "a weight is stored in one byte at most", ge=2, le=8)
    require_tensor("mean", mean, "(3, side, side)", "the mean image of the training set (§2)", finite=True)
    spec, body = net.spec, _Body(bits)
    layers = [*_convolutions(net, body), *_fully_connected(net, body, rank, sample)]
    lowest, highest = mean.min().item(), mean.max().item()
    step = (highest - lowest) / 255 or 1.0
    levels = ((mean - lowest) / step).round().to(torch.uint8)
    header = {
        "format": FORMAT,
        "spec": spec.name,
        "towers": spec.towers,
        "crop": spec.image_size,
        "side": mean.shape[-1],
        "hidden": list(spec.hidden),
        "dropout": spec.dropout,
        "input_scale": input_scale,
        "rank": rank,
        "bits": bits,
        "classes": list(classes),
        "about": about,
        "layers": layers,
        "tensors": body.tensors,
        "mean": {"at": body.add(levels.numpy()), "side": mean.shape[-1], "lowest": lowest, "step": step},
    }
    return {"header": header, "data": base64.b64encode(zlib.compress(body.bytes(), 9)).decode("ascii")}


def decompress(asset: dict) -> dict[str, Tensor]:
    """The weights of an asset as `AlexNet` takes them: float32, by the names of its state_dict."""
    header, body = asset["header"], zlib.decompress(base64.b64decode(asset["data"]))
    found = {name: _read(body, **tensor) for name, tensor in header["tensors"].items()}
    for name in [name for name in found if name.endswith(".left")]:
        layer = name.removesuffix(".left")
        found[f"{layer}.weight"] = found.pop(name) @ found.pop(f"{layer}.right")
    return found


def load(asset: dict) -> ShippedNet:
    """The network of an asset, in evaluation mode, with the rounded weights."""
    header = asset["header"]
    if header["format"] != FORMAT:
        raise ValueError(
            f"format is {header['format']}, and this version reads {FORMAT}: make the asset again with "
            f"tools/network_asset.py"
        )
    spec = replace(
        NETS[require_choice("spec", header["spec"], NETS)],
        image_size=header["crop"],
        hidden=tuple(header["hidden"]),
        dropout=header["dropout"],
        classes=len(header["classes"]),
    )
    with torch.random.fork_rng(devices=[]):  # without weights, on "meta", torch would load seconds of code
        net = AlexNet(spec)
    net.load_state_dict(decompress(asset))
    body, kept = zlib.decompress(base64.b64decode(asset["data"])), header["mean"]
    side = kept["side"]
    levels = np.frombuffer(body, np.uint8, 3 * side * side, kept["at"]).reshape(3, side, side)
    mean = torch.from_numpy(levels.astype(np.float64) * kept["step"] + kept["lowest"]).float()
    return ShippedNet(net.eval(), mean, tuple(header["classes"]), header["input_scale"])


class _Body:
    """The bytes of an asset as they grow, and what is where."""

    def __init__(self, bits: int):
        self.top, self.parts, self.size, self.tensors = 2 ** (bits - 1) - 1, [], 0, {}

    def add(self, array: np.ndarray) -> int:
        """Append an array and return where it starts: at a multiple of 4, as JavaScript's views need it."""
        start, content = self.size, array.tobytes()
        self.parts.append(content + bytes(-len(content) % 4))
        self.size += len(self.parts[-1])
        return start

    def exact(self, name: str, values: Tensor) -> None:
        self.tensors[name] = {"shape": list(values.shape), "at": self.add(values.float().numpy())}

    def rounded(self, name: str, values: Tensor) -> None:
        rows = values.float().flatten(1)
        scales = rows.abs().amax(dim=1).clamp(min=1e-30) / self.top
        levels = (rows / scales[:, None]).round().to(torch.int8)
        self.tensors[name] = {
            "shape": list(values.shape),
            "scales": self.add(scales.numpy()),
            "at": self.add(levels.numpy()),
        }

    def bytes(self) -> bytes:
        return b"".join(self.parts)


def _read(body: bytes, shape: list[int], at: int, scales: int | None = None) -> Tensor:
    size = int(np.prod(shape))
    if scales is None:
        return torch.from_numpy(np.frombuffer(body, np.float32, size, at).reshape(shape).copy())
    levels = torch.from_numpy(np.frombuffer(body, np.int8, size, at).copy()).view(shape[0], -1)
    scale = torch.from_numpy(np.frombuffer(body, np.float32, shape[0], scales).copy())
    return (levels * scale[:, None]).view(shape)


def _factors(weight: Tensor, rank: int, inputs: Tensor | None) -> tuple[Tensor, Tensor]:
    """Two thin matrices, (out, rank) and (rank, in), whose product stands for the weight matrix.

    inputs: (n, in), what the layer reads. The product is then the best of that rank for inputs with their
    second moments; without inputs, for inputs that are alike in all directions. By random projections: an
    exact decomposition of 4096 x 4096 weights takes minutes.
    """
    weight = weight.float()
    root = torch.eye(weight.shape[1])
    if inputs is not None:
        moments = inputs.T @ inputs / len(inputs)
        ridge = 1e-3 * moments.diagonal().mean()  # directions that the sample happens to lack
        root = torch.linalg.cholesky(moments + ridge * torch.eye(len(moments)))
    with torch.random.fork_rng():
        torch.manual_seed(0)
        u, s, v = torch.svd_lowrank(weight @ root, q=min(rank + 32, *weight.shape), niter=8)
    right = torch.linalg.solve_triangular(root, v[:, :rank].T, upper=False, left=False)
    scale = right.norm(dim=1, keepdim=True)
    return u[:, :rank] * s[:rank] * scale.T, right / scale


def _inputs(net: AlexNet, layers: dict[str, nn.Linear], sample: Tensor) -> dict[str, Tensor]:
    """What each of these layers reads, for a sample of network inputs: (n, in)."""
    found = {name: [] for name in layers}
    hooks = [
        layer.register_forward_pre_hook(lambda _, given, name=name: found[name].append(given[0]))
        for name, layer in layers.items()
    ]
    for part in sample.split(64):
        net(part)
    for hook in hooks:
        hook.remove()
    return {name: torch.cat(parts) for name, parts in found.items()}


@torch.no_grad()
def _convolutions(net: AlexNet, body: _Body) -> list[dict]:
    layers, maps = [], 3
    for number, conv in enumerate(net.spec.convs, 1):
        unknown = [type(step).__name__ for step in conv.then if type(step) not in STEPS]
        if unknown:
            raise ValueError(
                f"conv{number} is followed by {', '.join(unknown)}, and the page runs ReLU, LRN and max "
                f"pooling only: train a spec without it, such as 'paper'"
            )
        layer = getattr(net.features, f"conv{number}")
        body.rounded(f"features.conv{number}.weight", layer.weight)
        body.exact(f"features.conv{number}.bias", layer.bias)
        layers.append(
            {
                "name": f"conv{number}",
                "in": maps,
                "out": conv.out_channels,
                "kernel": conv.kernel_size,
                "stride": conv.stride,
                "padding": conv.padding,
                "ceil": conv.ceil_mode,
                "groups": layer.groups,
                "then": [[STEPS[type(step)], vars(step)] for step in conv.then],
            }
        )
        maps = conv.out_channels
    return layers


@torch.no_grad()
def _fully_connected(net: AlexNet, body: _Body, rank: int, sample: Tensor | None) -> list[dict]:
    spec: AlexNetSpec = net.spec
    linear = {name: layer for name, layer in net.classifier.named_children() if isinstance(layer, nn.Linear)}
    if spec.dropout_on_inputs:
        raise ValueError(f"{spec.name!r} has dropout on the inputs of fc6, and the page scales its outputs")
    gain = 1.0 if not any(isinstance(m, PaperDropout) for m in net.modules()) else 1 - spec.dropout
    layers, inputs = [], {} if sample is None else _inputs(net, linear, sample)
    for place, (name, layer) in enumerate(linear.items()):
        hidden = place < len(spec.hidden)
        if hidden:
            left, right = _factors(layer.weight, rank, inputs.get(name))
            body.rounded(f"classifier.{name}.left", left)
            body.rounded(f"classifier.{name}.right", right)
        else:
            body.rounded(f"classifier.{name}.weight", layer.weight)
        body.exact(f"classifier.{name}.bias", layer.bias)
        layers.append(
            {
                "name": name,
                "in": layer.in_features,
                "out": layer.out_features,
                "rank": rank if hidden else None,
                "relu": hidden,
                "gain": gain if hidden else 1.0,
            }
        )
    return layers
