"""`UnitExplorer`: what excites a unit of the trained network (§6.1)."""

from functools import cache

import torch
from matplotlib.figure import Figure

from ..augmentation import center_crop
from ..counts import trace
from .base import PageWidget
from .net import PHOTOS
from .net_weights import ShippedNet
from .params import Choice, Slider
from .posters import BLUE, ORANGE

UNITS = {"conv1": 96, "conv2": 256, "conv3": 384, "conv4": 384, "conv5": 256, "fc7": 4096, "fc8": 10}
LAYERS = {name: name for name in UNITS} | {"fc8": "fc8: the ten classes"}
SHOWN = 3  # patches of the poster


class UnitExplorer(PageWidget):
    """What does this unit see? The patches that excite it most, and a picture made to excite it (§6.1).

    `layer` and `unit` choose a channel of a convolution, a unit of fc7, or a class (fc8); a layer with fewer
    units counts from 0 again. `photo` is looked at more closely. Readers can add pictures of their own.
    """

    page_name = "units"
    poster_size = (6.4, 2.4)

    layer = Choice("conv2", LAYERS, "Layer")
    unit = Slider(10, 0, 4095, "Unit", "fc7 has units 0 to 4095 (§3.5)")
    photo = Choice("chelsea", PHOTOS, "Photograph")

    def summary(self) -> str:
        unit, photo = self.unit % UNITS[self.layer], PHOTOS[self.photo]
        if self.layer == "fc8":
            return f"Class score {unit} of 10, beside the photograph “{photo}”."
        tower = 1 if unit < UNITS[self.layer] / 2 else 2
        kind = "unit" if self.layer == "fc7" else "channel"
        return (
            f"{self.layer}, {kind} {unit} of {UNITS[self.layer]}, in tower {tower}, beside the photograph "
            f"“{photo}”."
        )

    def draw_poster(self, figure: Figure) -> str:
        found = strongest(self.layer, self.unit % UNITS[self.layer])[:SHOWN]
        color = ORANGE if self.unit % UNITS[self.layer] >= UNITS[self.layer] / 2 else BLUE
        for axes, (photo, value, patch) in zip(figure.subplots(1, SHOWN), found, strict=True):
            axes.imshow(patch.permute(1, 2, 0).numpy(), interpolation="nearest")
            axes.set_title(f"{PHOTOS[photo]}: {value:.3g}", fontsize=9)
            axes.set(xticks=[], yticks=[])
            axes.spines[:].set(color=color, linewidth=2)
        names = ", ".join(f"{PHOTOS[photo]} {value:.3g}" for photo, value, _ in found)
        return f"The patches of {SHOWN} photographs that excite this unit most: {names}."


def strongest(layer: str, unit: int) -> list[tuple[str, float, torch.Tensor]]:
    """Photograph, value and patch, (3, z, z) in 0-255, of a unit's strongest position in each, best first.

    The value is the sum before the ReLU, the patch the receptive field, gray beyond the picture's border.
    """
    shipped, photos, sums = _answers()
    size = shipped.net.spec.image_size
    found = []
    for name, photo in photos.items():
        values = sums[layer][name]
        plane = values[unit].reshape(values.shape[1:] or (1, 1))
        row, column = divmod(plane.argmax().item(), plane.shape[1])
        left, top, z = (0, 0, size) if layer.startswith("fc") else window(shipped, layer, row, column)
        edge = (photo.shape[-1] - size) // 2
        padded = torch.nn.functional.pad(photo[:, edge : edge + size, edge : edge + size], [z] * 4, value=238)
        found.append((name, plane.max().item(), padded[:, z + top : 2 * z + top, z + left : 2 * z + left]))
    return sorted(found, key=lambda one: -one[1])


def window(shipped: ShippedNet, layer: str, row: int, column: int) -> tuple[int, int, int]:
    """Left, top and side, in pixels of the crop, of what one position of a convolution sees."""
    start, jump = 0, 1
    for conv in shipped.net.spec.convs[: int(layer[-1])]:
        start -= conv.padding * jump
        jump *= conv.stride
        last = jump
        for pool in (step for step in conv.then if hasattr(step, "z")):
            jump *= pool.s
    field = next(one.receptive_field for one in trace(shipped.net.spec) if one.name == layer)
    return start + column * last, start + row * last, field


@cache
@torch.no_grad()
def _answers() -> tuple:
    """The network, the ten photographs, and what each layer makes of each: layer -> photo -> values."""
    from .net_stills import shipped_network, shipped_photo  # it imports net.py, as this file does

    shipped, photos = shipped_network(), {name: shipped_photo(name) for name in PHOTOS}
    net, sums = shipped.net, {}
    for layer in UNITS:
        part = net.classifier if layer.startswith("fc") else net.features
        getattr(part, layer).register_forward_hook(
            lambda _module, _inputs, output, layer=layer: sums.update({layer: output})
        )
    images = torch.stack(list(photos.values())).float() - shipped.mean
    net(center_crop(images, net.spec.image_size) * shipped.input_scale)
    return shipped, photos, {layer: dict(zip(photos, found, strict=True)) for layer, found in sums.items()}
