"""`TowerExplorer`: who reads which channels on two GPUs, and what is transferred between them (§3.2)."""

from dataclasses import replace
from functools import cache

import torch
import traitlets
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from torch import nn

from ..architecture import PAPER, AlexNet, AlexNetSpec
from ..counts import crossings, trace
from ..paper import LEARNING
from ..towers import TOWERS, maps_of, maps_read
from .base import PageWidget
from .params import Choice, Slider, Steps, Toggle
from .posters import BLUE, MARK, ORANGE
from .wording import number

EVERY = replace(PAPER, name="every", convs=tuple(replace(conv, grouped=False) for conv in PAPER.convs))
READS = {"paper": crossings(PAPER), "none": {}, "every": crossings(EVERY)}  # who reads both towers
SPECS = {"paper": PAPER, "every": EVERY}


def layers_of_the_paper() -> list[dict]:
    """The eight layers: what each reads (`below`: `channels` of `size` x `size`) and its own `units`."""
    found, below = [], {"below": "image", "channels": 3, "size": PAPER.image_size}
    for layer in trace(PAPER):
        if layer.parameters:
            found.append({"name": layer.name, **below, "units": layer.channels})
        if layer.parameters or layer.name.startswith("pool"):  # a ReLU or a norm changes no shape
            below = {"below": layer.name, "channels": layer.channels, "size": layer.size}
    return found


LAYERS = {layer["name"]: layer for layer in layers_of_the_paper()}
READERS = list(LAYERS)[1:]  # conv1 reads the image, which both GPUs get


@cache
def torch_crossings(spec: AlexNetSpec) -> list[int]:
    """Values of the other tower that torch's ungrouped layers read, conv2 to fc8, for one image."""
    found = []

    def count(module, inputs, output):
        grouped = isinstance(module, nn.Conv2d) and module.groups > 1
        found.append(0 if grouped else inputs[0].numel() * (TOWERS - 1))

    with torch.device("meta"):  # shapes need no memory
        model = AlexNet(spec)
        for module in model.modules():
            if isinstance(module, nn.Conv2d | nn.Linear):
                module.register_forward_hook(count)
        model(torch.zeros(1, 3, spec.image_size, spec.image_size))
    return found[1:]


class TowerExplorer(PageWidget):
    """Pick a layer and a GPU and see which channels it reads, and what the GPUs transfer (§3.2).

    `wiring`: conv3 and the fully-connected layers read both towers as in the "paper", or "none" does, or
    "every" layer. `layer`: "conv2" to "fc8". `tower`: "1" or "2". `batch`: images; `bytes`: of a value.

    Counted is each activation that a layer reads on one GPU and that was computed on the other, once for
    each image, in both directions. `training` adds as many gradients in the backward pass. Not counted: the
    images, which both GPUs get, and the weights, which stay on their GPU. The 1000 classes are split in
    half as well; the paper does not say how they are divided.
    """

    page_name = "towers"
    poster_size = (4.6, 3.2)

    layer = Choice("conv3", {name: name for name in READERS}, "Layer")
    batch = Slider(LEARNING.batch_size, 1, 1024, "Batch", "it counts images (§5: 128)", unit="images")
    bytes = Steps([1, 2, 4, 8], "A value takes", paper=4, unit="bytes")
    wiring = Choice(
        "paper",
        {
            "paper": "conv3, fc6, fc7, fc8 (paper)",
            "none": "no layer: two separate networks",
            "every": "every layer from conv2",
        },
        "Who reads both towers",
    )
    tower = Choice("1", {"1": "GPU 1", "2": "GPU 2"}, "Seen from")
    training = Toggle(False, "with the gradients of the backward pass")

    data = traitlets.Dict(help="the layers, and what each wiring transfers").tag(sync=True)

    def __init__(self, **values):
        super().__init__(data={"layers": list(LAYERS.values()), "crossings": READS}, **values)

    def sent(self) -> dict[str, int]:
        """Values transferred for one image before each layer from conv2 on."""
        passes = 2 if self.training else 1
        return {name: READS[self.wiring].get(name, 0) * passes for name in READERS}

    def reads(self) -> range:
        """The channels that the chosen layer reads on the chosen GPU."""
        own_only = self.layer not in READS[self.wiring]
        return maps_read(int(self.tower) - 1, LAYERS[self.layer]["channels"], own_only=own_only)

    def megabytes(self, numbers: int) -> float:
        """Of a batch, in millions of bytes."""
        return numbers * self.batch * self.bytes / 1e6

    def reference(self) -> list[float]:
        """Values transferred before each layer, and bytes of a batch, counted on torch's modules."""
        found = torch_crossings(SPECS[self.wiring]) if self.wiring in SPECS else [0] * len(READERS)
        sent = [numbers * (2 if self.training else 1) for numbers in found]
        return [float(value) for value in (*sent, sum(sent) * self.batch * self.bytes)]

    def summary(self) -> str:
        layer, reads, total = LAYERS[self.layer], self.reads(), sum(self.sent().values())
        kind = "channels" if layer["size"] else "units"
        whose = f"{kind} {reads[0]} to {reads[-1]} of {layer['below']}, its own half"
        if len(reads) == layer["channels"]:
            half, other = len(reads) // TOWERS, 3 - int(self.tower)
            whose = f"all {len(reads)} {kind} of {layer['below']}, {half} of them from GPU {other}"
        return (
            f"{self.layer} on GPU {self.tower} reads {whose}; the whole network transfers {total:,} values "
            f"for one image, forward{' and backward' if self.training else ''}: "
            f"{number(self.megabytes(total))} MB for a batch of {self.batch} at {self.bytes} "
            f"byte{'' if self.bytes == 1 else 's'} each."
        )

    def draw_poster(self, figure: Figure) -> str:
        axes, centers = figure.subplots(), (1.0, 3.2)
        for row, (name, layer) in enumerate(LAYERS.items()):
            across = name in READS[self.wiring]
            for tower, center in enumerate(centers):
                own = maps_of(tower, layer["units"])
                axes.add_patch(Rectangle((center - 0.9, row - 0.22), 1.8, 0.44, color="#e4e4e4"))
                axes.text(center, row, f"{own[0]} to {own[-1]}", ha="center", va="center", fontsize=7)
                for start in (0, 1) if across else (tower,):
                    chosen = name == self.layer and tower == int(self.tower) - 1
                    style = {"color": BLUE} if start == tower else {"color": ORANGE, "linestyle": "--"}
                    axes.plot(
                        (centers[start], center),
                        (row - 0.78, row - 0.22),
                        **style | ({"color": MARK, "linewidth": 3} if chosen else {}),
                    )
            axes.text(0, row, name, ha="right", va="center", fontsize=9)
            crossing = f"{self.sent()[name]:,}" if across else ""
            axes.text(5.3, row, crossing, ha="right", va="center", fontsize=9, color=ORANGE)
        axes.set(xlim=(-0.7, 5.4), ylim=(7.4, -0.8))
        axes.set_title("Channels on GPU 1 and GPU 2, and what is transferred", fontsize=10)
        axes.axis("off")
        told = ", ".join(READS[self.wiring]) or "no layer"
        return (
            f"Two columns of boxes, one for each GPU, from conv1 to fc8; lines show what each layer reads: "
            f"{told} from both columns, the rest from its own."
        )
