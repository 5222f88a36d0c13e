"""`CropExplorer`: the crops and flips of a training image, and the ten of a test image (§4.1)."""

import torch
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from ..augmentation import ten_crop, views
from ..paper import IMAGES
from .base import PageWidget
from .packed import Asset
from .params import Choice, Slider, Toggle
from .posters import BLUE, MARK, ORANGE, sketch
from .wording import number

SIDE, SIZE = IMAGES.stored, IMAGES.crop
FREE = SIDE - SIZE  # the last of the 33 positions, 0 to 32, along each axis
CORNERS = {"top left": (0, 0), "top right": (0, FREE), "bottom left": (FREE, 0), "bottom right": (FREE, FREE)}
POSITIONS = CORNERS | {"center": (FREE // 2, FREE // 2)}  # in ten_crop's order


class CropExplorer(PageWidget):
    """Move the 224 x 224 crop over a 256 x 256 photograph and count what crops have in common (§4.1).

    `top` and `left`: pixels above and left of the crop, 0 to 32. `reflect`: the crop flipped.
    `show`: "training", one crop; "test", the ten crops that are averaged over in evaluation.
    """

    page_name = "crop"
    poster_size = (5.4, 2.9)

    top = Slider(
        6, 0, FREE, "Rows above", "a crop of 224 fits into 256 at positions 0 to 32 (§4.1)", unit="rows"
    )
    left = Slider(
        29, 0, FREE, "Columns left", "a crop of 224 fits into 256 at positions 0 to 32 (§4.1)", unit="columns"
    )
    reflect = Toggle(False, "flipped horizontally")
    show = Choice(
        "training", {"training": "one crop, as in training", "test": "the ten crops of a test image"}, "Show"
    )

    photo = Asset("photo")

    def shared(self, top: int, left: int) -> int:
        """How many pixels of the photograph both this crop and the one at `top`, `left` hold."""
        return (SIZE - abs(self.top - top)) * (SIZE - abs(self.left - left))

    def nearest(self) -> str:
        """The test crop that shares most with this crop; the first of them, if several do."""
        return max(POSITIONS, key=lambda name: self.shared(*POSITIONS[name]))

    def reference(self) -> list[float]:
        """Counts that torch makes on an image whose pixels name their own row and column.

        First pixel (row, column) of each of the ten crops; pixels shared with each of their five positions;
        the number of views; pixels that every crop holds; pixels that two crops share on average.
        """
        line = torch.arange(SIDE)
        rows, columns = torch.meshgrid(line, line, indexing="ij")
        image = torch.stack([rows, columns, columns]).to(torch.uint8)[None]  # (1, 3, 256, 256)
        firsts = ten_crop(image, SIZE)[0, :, :2, 0, 0]  # (10, 2)
        first = torch.arange(FREE + 1)[:, None]
        held = (line >= first) & (line < first + SIZE)  # (33, 256): does a crop from here hold this line?
        both = held.double() @ held.double().T  # (33, 33) lines that two positions have in common
        common = [both[self.top, top] * both[self.left, left] for top, left in POSITIONS.values()]
        numbers = [views(SIDE, SIZE), held.all(dim=0).sum() ** 2, both.mean() ** 2]
        return [*firsts.flatten().tolist(), *map(float, common + numbers)]

    def summary(self) -> str:
        flipped = ", flipped," if self.reflect else ""
        if self.show == "test":
            name = self.nearest()
            pixels = self.shared(*POSITIONS[name])
            return (
                f"The ten test crops are four corners, the center and their flips; this crop at row "
                f"{self.top}, column {self.left}{flipped or ','} is nearest to the {name} one and shares "
                f"{pixels} of its {SIZE**2} pixels with it, {number(100 * pixels / SIZE**2)} %."
            )
        pixels = self.shared(*POSITIONS["center"])
        return (
            f"The crop at row {self.top}, column {self.left}{flipped} is one of {FREE + 1} x {FREE + 1} x "
            f"2 = {views(SIDE, SIZE)} views, where the paper states {FREE} x {FREE} x 2 = {2 * FREE**2}; it "
            f"shares {pixels} of its {SIZE**2} pixels with the center crop, "
            f"{number(100 * pixels / SIZE**2)} %."
        )

    def draw_poster(self, figure: Figure) -> str:
        pixels = sketch()
        whole, crop = figure.subplots(1, 2)
        whole.imshow(pixels, interpolation="nearest", extent=(0, SIDE, SIDE, 0))
        frames = POSITIONS if self.show == "test" else {"center": POSITIONS["center"]}
        for name, (top, left) in frames.items():
            color = ORANGE if name == "center" else BLUE
            whole.add_patch(Rectangle((left, top), SIZE, SIZE, fill=False, color=color, linestyle="--"))
        whole.add_patch(Rectangle((self.left, self.top), SIZE, SIZE, fill=False, color=MARK, linewidth=3))
        whole.set_title(f"{SIDE} x {SIDE}, with the crop's frame")
        crop.imshow(pixels, interpolation="nearest", extent=(0, SIDE, SIDE, 0))
        across = (self.left, self.left + SIZE)
        crop.set(xlim=across[::-1] if self.reflect else across, ylim=(self.top + SIZE, self.top))
        crop.set_title(f"the crop, {SIZE} x {SIZE}{', flipped' if self.reflect else ''}")
        for axes in (whole, crop):
            axes.set_xticks([])
            axes.set_yticks([])
        others = "the five positions of the test crops" if self.show == "test" else "the center crop"
        return f"A photograph with the frame of one 224 by 224 crop and of {others}, and the crop itself."
