"""Pictures of the network: without JavaScript, on paper, and in the first moment of the landing page."""

import base64
import io
import json
import math

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from PIL import Image
from torch import Tensor

from ..data.images import to_tensor
from .bundle import asset_text
from .net import NetExplorer, answer
from .net_weights import ShippedNet, load
from .posters import BLUE, GRAY, MARK, ORANGE
from .twin import twin

LAYERS = {  # what is shown of a layer: its last stage before pooling
    "conv1": ("norm1", 96),
    "conv2": ("norm2", 256),
    "conv3": ("relu3", 384),
    "conv4": ("relu4", 384),
    "conv5": ("relu5", 256),
    "fc6": ("relu6", 4096),
    "fc7": ("relu7", 4096),
}
TOWER_MAPS = [LinearSegmentedColormap.from_list("tower", ["white", color]) for color in (BLUE, ORANGE)]
BOXES = {"conv1": (96, 112), "conv2": (84, 104), "conv3": (74, 96), "conv4": (74, 96), "conv5": (66, 86)}
QUALITY = 45


def shipped_network() -> ShippedNet:
    """The network that ships with the book."""
    return load(json.loads(asset_text("network")))


def shipped_photo(name: str = "astronaut") -> Tensor:
    """One of the ten photographs as the page shows it: uint8 (3, side, side)."""
    jpeg = base64.b64decode(json.loads(asset_text("photos"))["photos"][name]["jpeg"])
    return to_tensor(Image.open(io.BytesIO(jpeg)).convert("RGB"))


def mosaic(stage: Tensor, tower: int, ratio: float) -> np.ndarray:
    """All channels of one tower, about `ratio` times as wide as high: (height, width) in [0, 1]."""
    maps = stage.reshape(stage.shape[0], -1)
    size = math.isqrt(maps.shape[1])
    half = len(maps) // 2
    shown = maps[tower * half : (tower + 1) * half].clamp(min=0).reshape(half, size, size).numpy()
    across = max(1, round(math.sqrt(half * ratio)))
    gap = 1 if size > 1 else 0
    rows = -(-half // across)
    sheet = np.zeros((rows * (size + gap), across * (size + gap)), np.float32)
    for i, channel in enumerate(shown):
        top, left = i // across * (size + gap), i % across * (size + gap)
        sheet[top : top + size, left : left + size] = channel
    return (sheet / max(maps.abs().max().item(), 1e-30)) ** 0.6  # small values stay visible


def hero_html(name: str = "astronaut") -> str:
    """The light form of `NetExplorer` for the landing page: every channel, alive after one click."""
    shipped, photo = shipped_network(), shipped_photo(name)
    stages, _ = answer(shipped, photo)
    pieces = {"image": Image.fromarray(_crop(shipped, photo)).resize((100, 100), Image.Resampling.LANCZOS)}
    for layer, (stage, _) in LAYERS.items():
        box = BOXES.get(layer, (24, 112))
        for tower in (0, 1):
            gray = Image.fromarray((mosaic(stages[stage], tower, box[0] / box[1]) * 255).astype(np.uint8))
            pieces[f"{layer}.{tower}"] = gray.resize(box, Image.Resampling.LANCZOS).convert("RGB")
    sheet, places, left = Image.new("RGB", (sum(piece.width for piece in pieces.values()), 112)), {}, 0
    for key, piece in pieces.items():
        sheet.paste(piece, (left, 0))
        places[key] = [left, 0, *piece.size]
        left += piece.width
    source = f"data:image/webp;base64,{base64.b64encode(_as_webp(sheet)).decode('ascii')}"
    widget = NetExplorer(photo=name, hero={"source": source, "places": places})
    figure = Figure(figsize=(6.4, 2.9), dpi=100)
    alt = draw_network(figure, shipped, photo, stages)
    caption = "Every channel of every layer, for one photograph. Blue: tower 1. Orange: tower 2."
    page = twin("net", widget.page_state(), webp(figure), alt, caption)
    return page.replace("data:image/png", "data:image/webp", 1)


def webp(figure: Figure) -> bytes:
    """The figure as a WebP, a third of a PNG's weight where hundreds of small maps are in it."""
    raw = io.BytesIO()
    figure.savefig(raw, format="png")
    return _as_webp(Image.open(raw).convert("RGB"))


def _as_webp(picture: Image.Image) -> bytes:
    file = io.BytesIO()
    picture.save(file, format="webp", quality=QUALITY, method=6)
    return file.getvalue()


def draw_network(figure: Figure, shipped: ShippedNet, photo: Tensor, stages: dict[str, Tensor]) -> str:
    """Photograph, five layers and two fully-connected ones on two towers; returns the alt text."""
    axes = _canvas(figure)
    axes.imshow(_crop(shipped, photo), extent=(0, 11, 18, 29))
    left, before = 14.5, (11, None)
    for layer, (stage, _) in LAYERS.items():
        width, height = (2.2, 20) if layer.startswith("fc") else [side / 6 for side in BOXES[layer]]
        for tower in (0, 1):
            middle = 35 - 23 * tower
            _maps(axes, stages[stage], tower, (left, middle - height / 2, width, height))
            for other in (0, 1):
                if before[1] is None:
                    _line(axes, (11, 23.5), (left, middle), GRAY if other == tower else None)
                elif other == tower or layer in ("conv3", "fc6", "fc7"):
                    color = GRAY if other == tower else MARK
                    _line(axes, (before[0], 35 - 23 * other), (left, middle), color)
        axes.text(left + width / 2, 0, layer, ha="center", fontsize=8)
        before, left = (left + width, layer), left + width + 2.2
    return (
        "A photograph, and all channels of five convolutional and two fully-connected layers, half of them "
        "on each of two towers, which exchange values before conv3, fc6 and fc7."
    )


def _crop(shipped: ShippedNet, photo: Tensor) -> np.ndarray:
    edge = (photo.shape[-1] - shipped.net.spec.image_size) // 2
    return photo[:, edge : photo.shape[-1] - edge, edge : photo.shape[-1] - edge].permute(1, 2, 0).numpy()


def _canvas(figure: Figure) -> Axes:
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set(xlim=(-1, 101), ylim=(-2, 47), aspect="auto")
    axes.axis("off")
    return axes


def _maps(axes: Axes, stage: Tensor, tower: int, box: tuple[float, float, float, float]) -> None:
    x, y, width, height = box
    sheet = mosaic(stage, tower, width / height * 64 / 29 * 49 / 102)
    axes.imshow(
        sheet, extent=(x, x + width, y, y + height), cmap=TOWER_MAPS[tower], vmin=0, vmax=1, aspect="auto"
    )


def _line(axes: Axes, start: tuple[float, float], end: tuple[float, float], color: str | None) -> None:
    if color:
        style = "--" if color == MARK else "-"
        axes.plot(*zip(start, end, strict=True), color=color, linestyle=style, linewidth=1.1, zorder=0)


def draw_stop(figure: Figure, layer: str, shipped: ShippedNet, photo: Tensor, answers: tuple) -> str:
    """One layer: what it reads on the left, what it makes on the right; returns the alt text."""
    stages, logits = answers
    order = [*LAYERS, "fc8"]
    place = order.index(layer)
    axes = _canvas(figure)
    left, right = (4, 6, 30, 17), (56, 6, 30, 17)
    meets = layer in ("conv3", "fc6", "fc7", "fc8")
    for tower in (0, 1):
        up = 24 * (1 - tower)
        if place:
            name = order[place - 1]
            _maps(axes, stages[LAYERS[name][0]], tower, (left[0], left[1] - 5 + up, *left[2:]))
        if layer != "fc8":
            _maps(axes, stages[LAYERS[layer][0]], tower, (right[0], right[1] - 5 + up, *right[2:]))
        axes.text(left[0] if place else right[0], 19.2 + up, f"tower {tower + 1}", fontsize=9)
        for other in (0, 1):
            start = (34, 9.5 + 24 * (1 - other)) if place else (30, 21.5)
            if other == tower or meets:
                end = (56, 9.5 + up) if layer != "fc8" else (58, 21.5)
                _line(axes, start, end, GRAY if other == tower or layer == "fc8" else MARK)
    if not place:
        axes.imshow(_crop(shipped, photo), extent=(6, 30, 9.5, 34), aspect="auto")
        axes.text(6, 36, "the photograph", fontsize=9)
    if layer == "fc8":
        chances = logits.softmax(dim=1).mean(dim=0)
        for row, at in enumerate(chances.argsort(descending=True).tolist()):
            y = 41 - 4.3 * row
            axes.text(73, y, shipped.classes[at], ha="right", va="center", fontsize=9)
            axes.barh(y, 24 * chances[at].item(), left=74, height=2.6, color=MARK if row == 0 else GRAY)
    axes.text(left[0] if place else 6, -1.6, order[place - 1] if place else "", fontsize=9, color="#555555")
    axes.text(right[0], -1.6, layer if layer != "fc8" else "", fontsize=9, color="#555555")
    reads = "both towers" if meets else "the whole photograph" if not place else "its own tower only"
    if layer == "fc8":
        return "The 4096 values of fc7 on the left and ten bars on the right, one for each class."
    return f"What {layer} makes of the photograph, tower 1 blue and tower 2 orange; each tower reads {reads}."
