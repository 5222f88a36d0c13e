"""Label-preserving changes of training images (§4.1), on whole uint8 batches (N, 3, H, W).

Random crops with flips, color noise along the principal components of RGB, and the ten crops of a test
image. Random numbers come from `generator`, or from torch's global one when that is None. In the workers of
a DataLoader leave it None: torch seeds each worker's own, and a generator would be copied to all of them, so
that all draw the same.
"""

from typing import Literal

import torch
from torch import Generator, Tensor

from .guard import Count, Index, NonNegative, Positive, require_count, require_tensor, validated
from .paper import IMAGES


@validated
def views(side: Count = IMAGES.stored, size: Count = IMAGES.crop) -> int:
    """How many different crops and flips of `size` a square image of `side` has (§4.1).

    A crop of 224 fits into 256 at 33 places each way, 0 to 32, so there are 33 * 33 * 2 = 2178 views. The
    paper prints 2048 = 32 * 32 * 2; its source draws from 33 places.
    """
    require_count("side", side, f"a crop of {size} has to fit into it (§4.1: 256)", ge=size)
    return 2 * (side - size + 1) ** 2


class RandomCropFlip:
    """Cut one random size x size patch out of every image, reflected every second time (§4.1).

    uint8 (N, 3, H, W) -> uint8 (N, 3, size, size). All (H - size + 1) * (W - size + 1) places are equally
    likely: 33 * 33 for 224 out of 256. `shared_by=32` is the 2012 source's way, where 32 consecutive images
    share one place and one reflection (convdata_jpeg.py: crop_chunk).
    """

    @validated
    def __init__(
        self,
        size: Count = IMAGES.crop,
        generator: Generator | None = None,
        *,
        shared_by: Count = 1,
    ):
        self.size, self.generator, self.shared_by = size, generator, shared_by

    def __call__(self, images: Tensor) -> Tensor:
        count, height, width = require_images(images, self.size)
        return crop_boxes(images, self.draw_boxes(count, height, width), self.size)

    def draw_boxes(self, count: int, height: int, width: int) -> Tensor:
        """Where to cut `count` images: int64 (count, 3) of top, left, reflected (0 or 1)."""
        choices = (height - self.size + 1, width - self.size + 1, 2)
        groups = -(-count // self.shared_by)
        device = getattr(self.generator, "device", "cpu")
        drawn = [torch.randint(n, (groups,), generator=self.generator, device=device) for n in choices]
        return torch.stack(drawn, dim=1).repeat_interleave(self.shared_by, dim=0)[:count]

    def __repr__(self) -> str:
        return f"RandomCropFlip(size={self.size}, shared_by={self.shared_by})"


def crop_boxes(
    images: Tensor,
    boxes: Tensor,
    size: int,
    mean: Tensor | None = None,
    shifts: Tensor | None = None,
) -> Tensor:
    """Cut the box (top, left, reflected) out of every image: (N, 3, H, W) -> (N, 3, size, size).

    mean: (3, H, W) or (3, 1, 1); each crop loses the mean at its own place (§2), and the result is float32.
    shifts: (N, 3), then added to each image's colors, as `PCAColorNoise.color_shifts` draws it.
    """
    kind = images.dtype if mean is None else torch.float32
    crops = torch.empty(len(boxes), 3, size, size, dtype=kind, device=images.device)
    if mean is not None:
        mean = mean.to(images.device).expand(images.shape[1:])
    for n, (top, left, reflected) in enumerate(boxes.tolist()):
        rows, columns = slice(top, top + size), slice(left, left + size)
        crop = images[n, :, rows, columns]  # (3, size, size)
        if mean is not None:
            crop = crop - mean[:, rows, columns]
        crops[n] = crop.flip(-1) if reflected else crop
    if shifts is not None:
        crops += shifts.to(crops.device)[:, :, None, None]
    return crops


def center_place(height: int, width: int, size: int) -> tuple[int, int]:
    """Top and left of the patch in the middle; halves go to the even side, as in torchvision."""
    return round((height - size) / 2), round((width - size) / 2)


def center_crop(images: Tensor, size: int = IMAGES.crop) -> Tensor:
    """The patch in the middle, a view: (..., H, W) -> (..., size, size), the fifth of `ten_crop`."""
    require_tensor("images", images, "(..., H, W)", "images on any scale")
    if require_count("size", size, "it is the side of a crop (§4.1: 224)") > min(images.shape[-2:]):
        raise ValueError(
            f"size is {size}, and images are {tuple(images.shape)}: use a size that fits into them"
        )
    top, left = center_place(*images.shape[-2:], size)
    return images[..., top : top + size, left : left + size]


class PCAColorNoise:
    """Shift the color of every image along the principal components of RGB (§4.1).

        pixel + [p1 p2 p3] [a1 l1, a2 l2, a3 l3]^T,   a ~ N(0, sigma), drawn once per image and use

    p and l are the eigenvectors and eigenvalues of the covariance of RGB over the training set. §4.1 names no
    unit for pixels, and l grows with its square: on 0 to 255 the shifts reach hundreds of gray levels. The
    default, ours, measures pixels from 0 to 1 (`unit` gray levels count as one). `magnitude="deviation"` puts
    sqrt(l) in l's place, which fits every unit, as the 2012 source's pca_stdevs do (convdata_jpeg.py).
    `divide_by=1.1` is that source too: it takes float images whose mean is gone.

    Use: `noise = PCAColorNoise().fit(training_images)`, then `noise(batch)`: uint8 or float32 (N, 3, H, W) on
    0-255 -> float32. After `fit`: `mean` (3,), in gray levels; `eigenvalues` (3,), falling, in square units;
    `eigenvectors` (3, 3), a column each, with the largest component positive; all float64.
    """

    @validated
    def __init__(
        self,
        sigma: NonNegative = IMAGES.noise_sigma,
        generator: Generator | None = None,
        *,
        magnitude: Literal["eigenvalue", "deviation"] = "eigenvalue",
        unit: Positive = 255.0,
        divide_by: Positive = 1.0,
    ):
        self.sigma, self.generator = sigma, generator
        self.magnitude, self.unit, self.divide_by = magnitude, unit, divide_by
        self.mean: Tensor | None = None
        self.eigenvalues: Tensor | None = None
        self.eigenvectors: Tensor | None = None

    def fit(self, images: Tensor) -> "PCAColorNoise":
        """Find the principal components of all pixels of uint8 images (N, 3, H, W); returns self."""
        count, height, width = require_images(images)
        pixels = require_count("pixels", count * height * width, "a covariance needs two of them", ge=2)
        total = torch.zeros(3, dtype=torch.float64, device=images.device)
        products = torch.zeros(3, 3, dtype=torch.float64, device=images.device)
        for some in images.split(64):  # whole numbers: float64 sums them exactly, in any order
            rgb = some.movedim(1, 0).flatten(1).double()  # (3, pixels)
            total += rgb.sum(1)
            products += rgb @ rgb.T
        covariance = (products - total.outer(total) / pixels) / (pixels - 1) / self.unit**2
        values, vectors = torch.linalg.eigh(covariance.cpu())
        self.mean = total.cpu() / pixels
        self.eigenvalues = values.flip(0).clamp(min=0)  # rounding leaves about -1e-17 where images are gray
        # An eigenvector's sign is arbitrary; a fixed one makes a seed mean the same noise everywhere.
        largest = vectors.abs().argmax(0, keepdim=True)
        self.eigenvectors = (vectors * vectors.gather(0, largest).sign()).flip(1)
        return self

    @validated
    def color_shifts(self, count: Index) -> Tensor:
        """Fresh color shifts in gray levels for `count` images: float32 (count, 3)."""
        if self.eigenvalues is None:
            raise RuntimeError("PCAColorNoise knows no principal components yet: call fit(images) first")
        device = getattr(self.generator, "device", "cpu")
        a = torch.randn(count, 3, generator=self.generator, device=device).cpu().double()
        variance = self.magnitude == "eigenvalue"
        scale = self.eigenvalues if variance else self.eigenvalues.sqrt()
        return (self.unit * self.sigma * (a * scale) @ self.eigenvectors.T).float()  # (count, 3)

    def __call__(self, images: Tensor) -> Tensor:
        require_images(images, dtypes=(torch.uint8, torch.float32))
        if self.divide_by != 1 and images.dtype == torch.uint8:
            raise ValueError(
                f"divide_by is {self.divide_by:g} and images are uint8, but the 2012 source divides after "
                f"subtracting the mean: pass images.float() - mean, or divide_by=1"
            )
        shifts = self.color_shifts(len(images)).to(images.device)
        return (images + shifts[:, :, None, None]) / self.divide_by

    def __repr__(self) -> str:
        return f"PCAColorNoise(sigma={self.sigma:g}, magnitude={self.magnitude!r}, unit={self.unit:g})"


def ten_crop(images: Tensor, size: int = IMAGES.crop) -> Tensor:
    """The ten patches that §4.1 averages over at test time: four corners and center, and their flips.

    uint8 or float32 (N, 3, H, W) -> the same (N, 10, 3, size, size). Order: top left, top right, bottom left,
    bottom right, center, then the same five places in the reflected image, as in torchvision's `ten_crop`.
    """
    _, height, width = require_images(images, size, dtypes=(torch.uint8, torch.float32))
    down, right = height - size, width - size
    places = [(0, 0), (0, right), (down, 0), (down, right), center_place(height, width, size)]
    sides = (images, images.flip(-1))
    crops = [side[:, :, y : y + size, x : x + size] for side in sides for y, x in places]
    return torch.stack(crops, dim=1)


def require_images(images: Tensor, size: int = 1, dtypes: tuple = (torch.uint8,)) -> tuple[int, int, int]:
    """(N, H, W) of a batch (N, 3, H, W) of one of `dtypes` that a crop of `size` fits into, or an error."""
    require_count("size", size, "it is the side of a crop (§4.1: 224)")
    names = " or ".join(str(dtype) for dtype in dtypes)
    form = f"{names} on the scale 0-255; a single image needs [None], a gray one .expand(-1, 3, -1, -1)"
    require_tensor("images", images, "(N, 3, H, W)", form)
    if images.dtype not in dtypes:
        raise TypeError(f"images are {images.dtype}, and must be {form}")
    count, _, height, width = images.shape
    if min(height, width) < size:
        raise ValueError(
            f"images are {height}x{width}, and a crop of {size}x{size} does not fit: take a smaller size, or "
            f"rescale the images first (§2 rescales to 256, §4.1 crops 224)"
        )
    return count, height, width
