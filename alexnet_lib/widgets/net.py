"""`NetExplorer`: a trained two-tower network, all of it, on a photograph (§3.5)."""

import json

import numpy as np
import torch
import traitlets
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from torch import Tensor

from ..augmentation import center_crop, ten_crop
from ..experiments.switches import switched
from .base import PageWidget
from .bundle import asset_text, on_click_names
from .net_weights import ShippedNet, load
from .params import Choice, Slider, Toggle
from .posters import BLUE, MARK, ORANGE

WIDTHS = {"conv1": 96, "conv2": 256, "conv3": 384, "conv4": 384, "conv5": 256}
POOLS = {"3/2": {"z": 3, "s": 2}, "2/2": {"z": 2, "s": 2}}
PHOTOS = {
    "astronaut": "astronaut",
    "chelsea": "cat",
    "coffee": "coffee",
    "rocket": "rocket",
    "hubble_deep_field": "galaxies",
    "retina": "retina",
    "immunohistochemistry": "tissue",
    "motorcycle_left": "motorcycle",
    "grass": "grass",
    "gravel": "gravel",
}
CARDS = ("both towers", "tower 1 silent", "tower 2 silent")


class NetExplorer(PageWidget):
    """A trained AlexNet with two towers, live on a photograph: every channel of every layer (§3.5).

    `photo`: one of the ten that ship with the book; a reader can drop another into the widget. `norm`,
    `pooling`, `towers`, `conv3` and `crops` change the network, `compare` keeps the trained one beside it.
    `layer`, `channel`, `across` and `down` (percent of the picture) open one activation.

    In the page JavaScript computes; in Jupyter torch repeats every answer and the widget says how far apart
    the two are.
    """

    page_name = "net"
    poster_size = (6.4, 3.0)

    photo = Choice("astronaut", PHOTOS, "Photograph")
    norm = Choice(
        "paper",
        {"paper": "as in the paper", "over-n": "α / n", "before": "before the ReLU", "off": "off"},
        "LRN",
    )
    pooling = Choice("3/2", {"3/2": "3 × 3, stride 2", "2/2": "2 × 2, stride 2"}, "Pooling")
    towers = Choice("both", dict(zip(("both", "without-1", "without-2"), CARDS, strict=True)), "Towers")
    conv3 = Choice("on", {"on": "on", "cut": "cut"}, "Communication at conv3")
    crops = Choice("center", {"center": "center crop", "ten": "ten crops"}, "Crops")
    compare = Toggle(False, "Beside it: the network as trained")
    layer = Choice("conv1", {name: name for name in WIDTHS}, "Layer")
    channel = Slider(0, 0, 383, "Channel", "conv3 and conv4 have channels 0 to 383 (§3.5)")
    across = Slider(50, 0, 100, "Across", "it is a percentage of the picture's width", unit="percent")
    down = Slider(50, 0, 100, "Down", "it is a percentage of the picture's height", unit="percent")

    hero = traitlets.Dict(help="the light form of the landing page: a precomputed picture").tag(sync=True)

    def __init__(self, **values):
        super().__init__(**values)
        self._shipped = None
        self.on_msg(self._answer)

    def summary(self) -> str:
        word = {p.name: p.options[getattr(self, p.name)] for p in self.parameters() if isinstance(p, Choice)}
        beside = ", beside the network as trained" if self.compare else ""
        return (
            f"The network reads the photograph “{word['photo']}”: LRN {word['norm']}, pooling "
            f"{word['pooling']}, {word['towers']}, communication at conv3 {word['conv3']}, {word['crops']}. "
            f"Open: {self.layer}, channel {self.channel % WIDTHS[self.layer]}, {self.across} % across and "
            f"{self.down} % down{beside}."
        )

    def _answer(self, _widget, message: dict, buffers: list) -> None:
        """What the notebook's view asks: an asset, or torch's opinion of what it computed."""
        if message.get("ask") == "asset" and message.get("name") in on_click_names():
            self.send({"answer": message["id"], "text": asset_text(message["name"])})
        elif message.get("ask") == "check":
            self._shipped = self._shipped or load(json.loads(asset_text("network")))
            side = self._shipped.mean.shape[-1]
            pixels = torch.from_numpy(
                np.frombuffer(buffers[0], np.uint8).reshape(side, side, 4)[..., :3].copy()
            )
            setting = {
                name: message["setting"][name] for name in ("norm", "pooling", "towers", "conv3", "crops")
            }
            logits = answer(self._shipped, pixels.permute(2, 0, 1), **setting)[1]
            ours = torch.from_numpy(np.frombuffer(buffers[1], np.float32).copy()).view_as(logits)
            apart = (ours - logits).abs().max() / logits.abs().max()
            self.send({"answer": message["id"], "apart": apart.item()})

    def draw_poster(self, figure: Figure) -> str:
        axes = figure.subplots()
        axes.set(xlim=(0, 100), ylim=(-4, 50))
        axes.axis("off")
        axes.add_patch(Rectangle((1, 17), 11, 14, color="#dddddd"))
        axes.text(6.5, 24, "photo", ha="center", va="center", fontsize=9)
        places = {"conv1": 17, "conv2": 31, "conv3": 45, "conv4": 56, "conv5": 67, "fc6": 79, "fc7": 86}
        for number, (name, left) in enumerate(places.items()):
            width = 3 if name.startswith("fc") else 10 - number
            for tower, color in enumerate((BLUE, ORANGE)):
                silent = self.towers == f"without-{tower + 1}"
                tall = 17 if name.startswith("fc") else 19 - 2 * number
                middle = 37 - 26 * tower
                face = "#eeeeee" if silent else color
                axes.add_patch(Rectangle((left, middle - tall / 2), width, tall, color=face, alpha=0.75))
            axes.text(left + width / 2, -3, name, ha="center", fontsize=9)
        for left, right in ((38.5, 45), (72.5, 79), (82, 86)):
            for low, high in ((37, 11), (11, 37)):
                if self.conv3 == "on" or left > 50:
                    axes.plot([left, right], [low, high], color=MARK, linestyle="--", linewidth=1.2)
        for row in range(10):
            axes.plot([92, 99], [40 - 3.4 * row] * 2, color="#bbbbbb", linewidth=4)
        axes.text(95.5, 45, "10 scores", ha="center", fontsize=9)
        return (
            "The network as a diagram: a photograph, five convolutional layers and two fully-connected "
            "ones, each split over two towers, which exchange values before conv3, fc6 and fc7, and ten "
            "class scores."
        )


@torch.no_grad()
def answer(
    shipped: ShippedNet,
    photo: Tensor,
    *,
    norm="paper",
    pooling="3/2",
    towers="both",
    conv3="on",
    crops="center",
) -> tuple[dict[str, Tensor], Tensor]:
    """torch's answer under the widget's switches: stages of the center crop by name, logits of each crop.

    photo: uint8 (3, side, side).
    """
    silent = 0 if towers == "both" else int(towers[-1])
    net = switched(shipped.net, norm=norm, pool=POOLS[pooling], silent=silent, cut=conv3 == "cut")
    found = {}

    def keep(name: str):
        def hook(_module, _inputs, output):
            found[name] = output

        return hook

    for part in (net.features, net.classifier):
        for name, module in part.named_children():
            module.register_forward_hook(keep(name))
    size = net.spec.image_size
    cut = (
        (lambda images: ten_crop(images, size)[0])
        if crops == "ten"
        else (lambda images: center_crop(images, size))
    )
    logits = net((cut(photo[None].float()) - cut(shipped.mean[None])) * shipped.input_scale)
    middle = 4 if crops == "ten" else 0  # the fifth of ten is the center
    stages = {name: maps[middle] for name, maps in found.items()}
    for name in [name for name in stages if name.startswith("dropout")]:
        stages[name.replace("dropout", "relu")] = stages.pop(
            name
        )  # the page applies dropout's factor with the ReLU
    return stages, logits
