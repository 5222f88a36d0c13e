"""Shapes and counts of the net and its relatives (§3.5): torchinfo's, and the specs side by side."""

from collections.abc import Sequence
from dataclasses import replace
from functools import cache

import torch
from torch import nn

from .. import paper
from ..architecture import SPECS, AlexNet
from ..guard import require_choice, validated
from ..spec import AlexNetSpec, trace
from .table import Table


@validated
@cache
def torchinfo_layers(spec: AlexNetSpec) -> tuple[tuple[str, tuple[int, ...], int, int], ...]:
    """(name, output shape, parameters, multiply-accumulates) of every layer for one image, by torchinfo.

    torchinfo adds one operation for each bias to a layer's multiply-accumulates; they are taken off here,
    so that the number is the products alone, as in the common accounts of this net.
    """
    from torchinfo import summary

    with torch.device("meta"):  # shapes and counts need no memory
        model = AlexNet(spec)
    info = summary(
        model, input_size=(1, 3, spec.image_size, spec.image_size), device="meta", verbose=0, col_names=()
    )
    layers = []
    for layer in info.summary_list:
        if not layer.is_leaf_layer:
            continue
        positions = 1
        for side in layer.output_size[2:]:
            positions *= side
        weighs = isinstance(layer.module, nn.Conv2d | nn.Linear)  # a norm with parameters sums no products
        products = layer.macs - layer.module.bias.numel() * positions if weighs else 0
        layers.append((layer.var_name, tuple(layer.output_size[1:]), layer.num_params, products))
    return tuple(layers)


@validated
def layer_table(spec: str | AlexNetSpec = "paper") -> Table:
    """Every layer of one spec, from torchinfo: output, numbers, parameters, multiply-accumulates (§3.5)."""
    spec = _found(spec)
    rows = []
    for name, shape, parameters, macs in torchinfo_layers(spec):
        numbers = torch.Size(shape).numel()
        rows.append((name, " x ".join(map(str, shape)), f"{numbers:,}", f"{parameters:,}", f"{macs:,}"))
    return Table(
        f"{spec.name}: one image, layer by layer",
        ("layer", "output", "numbers", "parameters", "multiply-accumulates"),
        tuple(rows),
    )


@validated
def spec_table(names: Sequence[str] = tuple(SPECS)) -> Table:
    """The specs side by side, from torchinfo: sizes, parameters, multiply-accumulates, neurons (§3.5)."""
    rows = []
    for name in names:
        spec = _found(name, "names")
        layers = torchinfo_layers(spec)
        shapes = {layer: shape for layer, shape, _, _ in layers}
        neurons = sum(
            torch.Size(s).numel() for layer, s in shapes.items() if layer.startswith(("conv", "fc"))
        )
        rows.append(
            (
                name,
                str(spec.image_size),
                str(spec.towers),
                " ".join(f"{conv.out_channels}" for conv in spec.convs),
                " x ".join(map(str, shapes["conv1"])),
                f"{sum(parameters for _, _, parameters, _ in layers):,}",
                f"{sum(macs for *_, macs in layers):,}",
                f"{neurons:,}",
                str(spec.classes),
            )
        )
    columns = ("spec", "image", "towers", "kernels", "conv1", "parameters", "multiply-accumulates", "neurons")
    return Table("The specs side by side, one image", (*columns, "classes"), tuple(rows))


@validated
def receptive_fields(spec: str | AlexNetSpec = "paper") -> Table:
    """How much of the image one output of each layer sees, and how far apart neighbors look (§3.5)."""
    spec = _found(spec)
    rows = tuple(
        (layer.name, str(layer.side), str(layer.receptive_field), str(layer.stride))
        for layer in trace(spec)
        if layer.side and layer.name.startswith(("conv", "pool"))
    )
    return Table(f"{spec.name}: receptive fields in input pixels", ("layer", "side", "sees", "step"), rows)


def counted_claims() -> Table:
    """A claim card for what can be counted instead of measured: sizes that the paper prints (§1, §3.5)."""
    layers = {layer.name: layer for layer in trace(SPECS["paper"])}
    parameters = sum(layer.parameters for layer in layers.values())
    convolutional = [
        layer.parameters / parameters for layer in layers.values() if layer.name.startswith("conv")
    ]
    counted = {"input": 3 * SPECS["paper"].image_size ** 2}
    counted |= {name: layer.neurons for name, layer in layers.items() if layer.neurons}
    claims = {claim.name: claim for claim in paper.CLAIMS}
    nothing = claims["parameters"].source or "nothing in the package"
    rows = [
        (claims[name].statement, claims[name].paper, nothing, f"{number:,}", "reproduced, rounded down")
        for name, number in (
            ("parameters", parameters),
            ("neurons", sum(layer.neurons for layer in layers.values())),
        )
    ]
    for name, printed in paper.NEURONS.items():
        source = "55 windows a side (layer.py:1004)" if name == "conv1" else nothing
        verdict = "reproduced" if printed == counted[name] else "contradicted: a misprint"
        rows.append(
            (
                f"Figure 2, {'pixel values' if name == 'input' else 'neurons'} of {name}",
                f"{printed:,}",
                source,
                f"{counted[name]:,}",
                verdict,
            )
        )
    share = f"{100 * min(convolutional):.2f} % to {100 * max(convolutional):.2f} %"
    rows.append(
        (
            "Parameters of one convolutional layer, as a share",
            "at most 1 %",
            nothing,
            share,
            "contradicted by conv3 and conv4",
        )
    )
    columns = ("claim", "paper", "source 2012", "ours (counted)", "verdict")
    return Table("Sizes that the paper prints (abstract, §1, Figure 2)", columns, tuple(rows))


def _found(spec: str | AlexNetSpec, argument: str = "spec") -> AlexNetSpec:
    """A spec by its name, or itself."""
    return spec if isinstance(spec, AlexNetSpec) else SPECS[require_choice(argument, spec, SPECS)]


def _work(spec: AlexNetSpec, kind: str = "") -> int:
    """Multiply-accumulates of all layers whose name starts with `kind`."""
    return sum(layer.multiply_accumulates for layer in trace(spec) if layer.name.startswith(kind))


def operation_countings() -> Table:
    """The ways we know to count the operations for one image (§3.5)."""
    net = SPECS["paper"]
    first = next(trace(net))
    misprint = first.multiply_accumulates * paper.NEURONS["conv1"] // first.neurons
    floor = replace(net, convs=(replace(net.convs[0], ceil_mode=False), *net.convs[1:]))
    everything = _work(net)
    countings = {
        "multiply-accumulates of the paper's net": everything,
        "its convolutional layers alone": _work(net, "conv"),
        "its fully-connected layers alone": _work(net, "fc"),
        "with the caption's number of neurons in conv1": everything - first.multiply_accumulates + misprint,
        "with 54 windows a side in conv1": _work(floor),
        "without towers (full-width)": _work(SPECS["full-width"]),
        "torchvision's net": _work(SPECS["torchvision"]),
        "the paper's net, multiplications and additions counted apart": 2 * everything,
    }
    rows = tuple((name, f"{number:,}", f"{number / 1e6:.0f} million") for name, number in countings.items())
    return Table("Operations for one image", ("what is counted", "number", "rounded"), rows)


def common_accounts() -> Table:
    """What readers may have read elsewhere about the net's size, and what holds (§3.5)."""
    total = {name: sum(layer.parameters for layer in trace(spec)) for name, spec in SPECS.items()}
    net = SPECS["paper"]
    rows = (
        (
            "about 62 million parameters",
            f"{total['paper']:,}",
            f"the net without towers has {total['full-width']:,}",
        ),
        ("630 million operations", f"{_work(net):,}", "no counting known to us gives 630 million"),
        (
            "conv3 has 284 kernels",
            str(net.convs[2].out_channels),
            f"a misprint: Figure 2 prints {paper.NEURONS['conv3']:,} = {net.convs[2].out_channels} x 13 x 13 neurons",
        ),
        ("conv3 to conv5 have stride 0", str(net.convs[2].s), "windows 0 pixels apart never move on"),
        (
            "the image is 227 x 227",
            str(net.image_size),
            "the last windows hang over the edge (layer.py:1004)",
        ),
        (
            "58,322,314 parameters",
            f"{total['review-004']:,}",
            "right for another net: one tower and ten classes (review-004)",
        ),
    )
    return Table("Common accounts of the net", ("the account", "what we find", "why"), rows)
