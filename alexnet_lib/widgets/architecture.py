"""`ArchitectureExplorer`: shapes, parameters and arithmetic of every variant of the network (§3.5)."""

from functools import cache

import torch
import traitlets
from matplotlib.figure import Figure
from torch import nn

from ..architecture import PAPER, SPECS, AlexNet, AlexNetSpec, CeilConv2d
from ..counts import trace
from ..specs import CAFFE, TORCHVISION
from .base import PageWidget
from .packed import Asset
from .params import Choice
from .posters import BLUE, GRAY, MARK, ORANGE
from .wording import number

LAYERS = ["conv1", "pool1", "conv2", "pool2", "conv3", "conv4", "conv5", "pool5", "fc6", "fc7", "fc8"]
COSTS = {"parameters": "parameters", "multiply_accumulates": "multiply-accumulates"}  # field -> words
WORDS = {
    "paper": "the paper",
    "source-2012": "the original code",
    "one-gpu": "the one-GPU network of §3.2",
    "full-width": "one tower at full width",
    "caffe": "Caffe's network",
    "torchvision": "torchvision's network",
    "review-004": "the review notes' table",
}


def first_windows(spec: AlexNetSpec) -> dict:
    """What decides how conv1's windows lie on a row of pixels."""
    first = spec.convs[0]
    return {"side": spec.image_size, "padding": first.padding, "ceil": first.ceil_mode}


READINGS = {  # of "224", each as a spec reads it; the first is nobody's, and gives 54 windows
    "floor": first_windows(PAPER) | {"ceil": False},
    "ceil": first_windows(PAPER),
    "227": first_windows(CAFFE),
    "padding": first_windows(TORCHVISION),
}


def data_of(spec: AlexNetSpec) -> dict:
    """What the page knows of a spec: its layers, by arithmetic, and how its first windows lie."""
    found = {layer.name: layer for layer in trace(spec)}
    fields = ("channels", "size", "numbers", *COSTS, "receptive_field", "stride")
    layers = {name: {field: getattr(found[name], field) for field in fields} for name in LAYERS}
    for name, layer in layers.items():
        layer["own"] = spec.towers > 1 and not found[name].reads_all
    first = spec.convs[0]
    return {"layers": layers, "first": first_windows(spec), "z": first.kernel_size, "s": first.stride}


@cache
def torch_counts(spec: AlexNetSpec) -> dict[str, tuple[int, int, int]]:
    """(outputs, parameters, multiply-accumulates) of each layer, from torch's modules and shapes alone."""
    counts = {}

    def count(name: str):
        def hook(module, inputs, output):
            parameters = sum(p.numel() for p in module.parameters())
            weights = module.weight.numel() if parameters else 0
            counts[name] = (output[0].numel(), parameters, weights * output[0, 0].numel())

        return hook

    with torch.device("meta"):  # shapes and counts need no memory
        model = AlexNet(spec)
        for name, module in (*model.features.named_children(), *model.classifier.named_children()):
            module.register_forward_hook(count(name))
        model(torch.zeros(1, 3, spec.image_size, spec.image_size))
    return counts


class ArchitectureExplorer(PageWidget):
    """Pick a network and a layer, and see its shape, its cost and what one output sees (§3.5).

    `spec`: a name of `alexnet_lib.architecture.SPECS`. `layer`: "conv1" to "fc8", or "pool1", "pool2",
    "pool5". `reading`: how conv1's windows lie on a row: "own" is the spec's way, "floor", "ceil", "227"
    and "padding" are the four readings of the paper's 224 pixels.
    """

    page_name = "architecture"
    poster_size = (6.4, 3.6)

    spec = Choice("paper", WORDS, "Network")
    layer = Choice("conv1", {name: name for name in LAYERS}, "Layer")
    reading = Choice(
        "own",
        {
            "own": "as in this network",
            "floor": "224 pixels, whole windows only",
            "ceil": "224 pixels, the last may extend past the border (original code)",
            "227": "227 pixels (Caffe)",
            "padding": "224 pixels and 2 of padding (torchvision)",
        },
        "conv1's windows",
    )

    specs = traitlets.Dict(help="shapes and costs of every network").tag(sync=True)
    readings = traitlets.Dict(help="how conv1's windows may lie").tag(sync=True)
    photo = Asset("photo")

    def __init__(self, **values):
        specs = {name: data_of(spec) for name, spec in SPECS.items()}
        super().__init__(specs=specs, readings=READINGS, **values)

    def windows(self) -> tuple[int, int, int]:
        """(width of the image, windows in a row, first pixel after the last) in the chosen reading."""
        spec = self.specs[self.spec]
        row = spec["first"] if self.reading == "own" else READINGS[self.reading]
        kind = CeilConv2d if row["ceil"] else nn.Conv2d
        with torch.device("meta"):
            layer = kind(1, 1, spec["z"], spec["s"], row["padding"])
            count = layer(torch.zeros(1, 1, row["side"], row["side"])).shape[-1]
        return row["side"], count, (count - 1) * spec["s"] - row["padding"] + spec["z"]

    def reference(self) -> list[float]:
        """torch's counts for the layer and for the whole network, and the windows of a row."""
        counts = torch_counts(SPECS[self.spec])
        totals = [sum(layer[i] for layer in counts.values()) for i in (1, 2)]
        return [float(value) for value in (*counts[self.layer], *totals, *self.windows())]

    def summary(self) -> str:
        layers = self.specs[self.spec]["layers"]
        layer = layers[self.layer]
        costs = []
        for cost, words in COSTS.items():
            total = sum(each[cost] for each in layers.values())
            part = number(100 * layer[cost] / total)
            costs.append(f"{layer[cost]:,} of {total:,} {words} ({part} %)")
        side, count, end = self.windows()
        pixels = f"{abs(end - side)} pixel{'' if abs(end - side) == 1 else 's'}"
        ends = f"reaching {pixels} beyond it" if end > side else f"leaving out {pixels}"
        return (
            f"In {WORDS[self.spec]}, {self.layer} outputs {shape(layer)} values, "
            f"with {' and '.join(costs)}; a row of {side} pixels holds {count} windows of conv1, the last "
            f"{'ending where it ends' if end == side else ends}."
        )

    def draw_poster(self, figure: Figure) -> str:
        layers = self.specs[self.spec]["layers"]
        axes = figure.subplots()
        for offset, color, (cost, words) in zip((-0.2, 0.2), (BLUE, ORANGE), COSTS.items(), strict=True):
            total = sum(layer[cost] for layer in layers.values())
            shares = [100 * layer[cost] / total for layer in layers.values()]
            axes.barh([row + offset for row in range(len(layers))], shares, 0.38, color=color, label=words)
        axes.axhspan(*(LAYERS.index(self.layer) + side for side in (-0.5, 0.5)), color=GRAY, alpha=0.4)
        axes.set_yticks(range(len(layers)), layers)
        axes.get_yticklabels()[LAYERS.index(self.layer)].set_color(MARK)
        axes.set_xlabel("percent of the network")
        axes.set_title(f"{WORDS[self.spec]}: {self.layer}, {shape(layers[self.layer])}")
        axes.invert_yaxis()
        axes.legend(frameon=False)
        return (
            f"Bars of the fraction that each layer of {WORDS[self.spec]} has of all parameters and of all "
            f"multiply-accumulates, {self.layer} marked."
        )


def shape(layer: dict) -> str:
    """A layer's output as a sentence says it: 96 x 55 x 55 = 290,400, or 4,096."""
    if layer["size"] is None:
        return f"{layer['channels']:,}"
    return f"{layer['channels']} x {layer['size']} x {layer['size']} = {layer['numbers']:,}"
