"""Label-preserving changes of training images (§4.1), on whole uint8 batches (N, 3, H, W).

Random crops with reflections, color noise along the principal components of RGB, and the ten crops of a
test image. Everything runs on the device of the images; random numbers come from `generator`, or from
torch's global one when that is None.
"""

import torch
from torch import Generator, Tensor

from .guard import require_choice, require_count, require_number, require_tensor
from .paper import IMAGES


def views(side: int = IMAGES.stored, size: int = IMAGES.crop) -> int:
    """How many different crops and reflections of `size` a square image of `side` has (§4.1).

    A crop of 224 fits into 256 at 33 places each way, 0 to 32, so there are 33 * 33 * 2 = 2178 views. The
    paper prints 2048 = 32 * 32 * 2; its source draws from 33 places.
    """
    require_count("size", size, "it is the side of a crop (§4.1: 224)")
    require_count("side", side, f"a crop of {size} has to fit into it (§4.1: 256)", ge=size)
    return 2 * (side - size + 1) ** 2


class RandomCropFlip:
    """Cut one random size x size patch out of every image, reflected every second time (§4.1).

    Each image has its own place and reflection, and all (H - size + 1) * (W - size + 1) places are equally
    likely: 33 * 33 for 224 out of 256. `shared_by=32` is the 2012 source's way, where 32 consecutive images
    share one place and one reflection (convdata_jpeg.py: crop_chunk).

    Input uint8 (N, 3, H, W); output uint8 (N, 3, size, size) in a buffer of its own. Drawing and cutting can
    be done apart: `places` draws, `cut` cuts and can subtract the mean image on the way.
    Raises TypeError or ValueError for other input, and for images smaller than `size`.
    """

    def __init__(self, size: int = IMAGES.crop, generator: Generator | None = None, *, shared_by: int = 1):
        self.size = require_count("size", size, "it is the side of a crop (§4.1: 224)")
        self.shared_by = require_count("shared_by", shared_by, "that many images share a crop (1, or 32)")
        self.generator = require_generator(generator)

    def __call__(self, images: Tensor) -> Tensor:
        return self.cut(images, self.places(*require_images(images, self.size)))

    def places(self, count: int, height: int, width: int) -> Tensor:
        """Draw where to cut `count` images of height x width: int64 (count, 3) of top, left, reflected."""
        count = require_count("count", count, "it counts images", ge=0)
        for name, side in (("height", height), ("width", width)):
            require_count(name, side, f"a crop of {self.size} has to fit into it", ge=self.size)
        rows, columns = height - self.size + 1, width - self.size + 1
        return torch.stack([self._draw(choices, count) for choices in (rows, columns, 2)], dim=1)

    def cut(
        self,
        images: Tensor,
        places: Tensor,
        mean: Tensor | None = None,
        shifts: Tensor | None = None,
        *,
        numbers: Tensor | None = None,
        out: Tensor | None = None,
    ) -> Tensor:
        """Cut uint8 images (N, 3, H, W) at `places` (n, 3): uint8 (n, 3, size, size).

        With the mean image, (3, H, W) or (3, 1, 1), every crop loses the mean at its own place (§2), and the
        result is float32. shifts: (n, 3), what is then added to each image's colors, as `PCAColorNoise`
        draws it. numbers: (n,), the image that each place is in; None: each in its turn. out: where the
        result goes, in any order of its numbers in memory. Raises ValueError for shifts without a mean.
        """
        count, height, width = require_images(images, self.size)
        numbers = torch.arange(count) if numbers is None else _require_numbers(numbers, count)
        count = len(numbers)
        _require_places(places, count, height - self.size, width - self.size)
        if shifts is not None:
            require_tensor("shifts", shifts, f"({count}, 3)", "a color for each image")
        if mean is not None:
            require_tensor("mean", mean, f"(3, {height}, {width}) or (3, 1, 1)", "the mean image, a color")
            mean = mean.to(images.device).expand(3, height, width)
        elif shifts is not None:
            raise ValueError("shifts are given and mean is None: bytes hold no shifted colors, pass a mean")
        kind = torch.uint8 if mean is None else torch.float32
        if out is None:
            out = torch.empty(count, 3, self.size, self.size, dtype=kind, device=images.device)
        _require_out(out, (count, 3, self.size, self.size), kind, images.device)
        # A kernel launch for every image is slow on a GPU, and one big gather is slow on a CPU, where its
        # result leaves the cache.
        cut = _cut_each if images.device.type == "cpu" else _cut_all
        cut(out, images, numbers, places, mean, shifts)
        return out

    def _draw(self, choices: int, count: int) -> Tensor:
        """One whole number below `choices` for each of `count` images, equal inside a sharing group."""
        groups = -(-count // self.shared_by)
        device = self.generator.device if self.generator else "cpu"
        drawn = torch.randint(choices, (groups,), generator=self.generator, device=device)
        return drawn.repeat_interleave(self.shared_by)[:count]

    def __repr__(self) -> str:
        return f"RandomCropFlip(size={self.size}, shared_by={self.shared_by})"


@torch.inference_mode()  # less to do for each call, of which there are several for each image
def _cut_each(
    out: Tensor, images: Tensor, numbers: Tensor, places: Tensor, mean: Tensor | None, shifts: Tensor | None
) -> None:
    size, width, order = out.shape[-1], images.shape[-1], _order(images)
    alike = _order(out) == order
    one = torch.empty(1, *out.shape[1:], dtype=out.dtype).contiguous(memory_format=order)
    pixels, crops, scratch = _lying(images, order), _lying(out, order), _lying(one, order)[0]
    if mean is not None:  # once, not in every crop
        straight, mirrored = (_lying(side[None], order)[0].contiguous() for side in (mean, mean.flip(-1)))
    if shifts is not None:  # a whole row of each color: torch adds rows that lie alike several times as fast
        colors = _lying(shifts[:, :, None, None].expand(-1, -1, 1, size), order).contiguous()
    numbers, places = numbers.tolist(), places.tolist()
    # All that one image needs is done while it is in the cache, and in the order that its pixels have. The
    # reflected ones come last: the mean and its mirror image would drive each other out of the cache.
    for k in sorted(range(len(places)), key=lambda k: places[k][2]):
        top, left, reflected = places[k]
        crop = crops[k] if alike else scratch
        part = pixels[numbers[k], :, top : top + size, left : left + size]
        crop.copy_(part.flip(-2) if reflected else part)
        if mean is not None:
            under, start = (mirrored, width - size - left) if reflected else (straight, left)
            crop.sub_(under[:, top : top + size, start : start + size])
        if shifts is not None:
            crop.add_(colors[k])
        if not alike:
            out[k].copy_(one[0])


def _order(images: Tensor) -> torch.memory_format:
    """Whether the three numbers of a pixel lie side by side in memory, as a file's decoder leaves them."""
    by_pixel = images.is_contiguous(memory_format=torch.channels_last)
    return torch.channels_last if by_pixel else torch.contiguous_format


def _lying(images: Tensor, order: torch.memory_format) -> Tensor:
    """(N, 3, H, W) as numbers lie in memory: (N, 1, H, W, 3) pixel by pixel, or (N, 3, H, W, 1)."""
    return images.movedim(1, -1)[:, None] if order == torch.channels_last else images[..., None]


def _cut_all(
    out: Tensor, images: Tensor, numbers: Tensor, places: Tensor, mean: Tensor | None, shifts: Tensor | None
) -> None:
    device, size = images.device, out.shape[-1]
    top, left, reflected = places.to(device)[:, :, None].unbind(1)  # each (n, 1)
    along = torch.arange(size, device=device)
    rows = (top + along)[:, None, :, None]  # (n, 1, size, 1)
    columns = (left + torch.where(reflected.bool(), size - 1 - along, along))[:, None, None, :]
    color = torch.arange(3, device=device)[None, :, None, None]
    # (n, 3, size, size), columns backwards in a reflection
    out.copy_(images[numbers.to(device)[:, None, None, None], color, rows, columns])
    if mean is not None:
        out -= mean[color, rows, columns]
    if shifts is not None:
        out += shifts.to(device)[:, :, None, None]


def center_place(height: int, width: int, size: int) -> tuple[int, int]:
    """Top and left of the patch in the middle; halves go to the even side, as in torchvision."""
    return round((height - size) / 2), round((width - size) / 2)


def center_crop(images: Tensor, size: int = IMAGES.crop) -> Tensor:
    """The patch in the middle, a view: (..., H, W) -> (..., size, size), the fifth of `ten_crop`."""
    if not isinstance(images, Tensor) or images.dim() < 2:
        shape = tuple(images.shape) if isinstance(images, Tensor) else type(images).__name__
        raise TypeError(f"images are {shape}, and must be a tensor (..., H, W)")
    if require_count("size", size, "it is the side of a crop (§4.1: 224)") > min(images.shape[-2:]):
        raise ValueError(
            f"size is {size}, and images are {tuple(images.shape)}: use a size that fits into them"
        )
    top, left = center_place(*images.shape[-2:], size)
    return images[..., top : top + size, left : left + size]


class PCAColorNoise:
    """Shift the color of every image along the principal components of RGB (§4.1).

        pixel + [p1 p2 p3] [a1 l1, a2 l2, a3 l3]^T,   a ~ N(0, sigma), drawn once per image and use

    p and l are the eigenvectors and eigenvalues of the 3x3 covariance of RGB values over the training set.
    The formula does not survive a change of units: pixels grow with the unit, l with its square. On pixels
    from 0 to 255 the shifts reach hundreds of gray levels, and §4.1 names no unit. The default, ours, keeps
    the formula and measures pixels from 0 to 1: `unit` is the number of gray levels that count as one.
    `magnitude="deviation"` puts the standard deviation sqrt(l) in l's place, which fits every unit; the 2012
    source's factors are named so (convdata_jpeg.py: pca_stdevs).

    The 2012 source divides by 1.1 while the noise is on, after it has subtracted the mean: `divide_by=1.1`
    takes float images whose mean is gone, and refuses uint8.

    Use: `noise = PCAColorNoise().fit(training_images)`, then `noise(batch)`. Input uint8 or float32
    (N, 3, H, W) on the scale 0-255; output float32 of that shape. Raises RuntimeError before `fit`.
    After `fit`: `mean` (3,), in gray levels; `eigenvalues` (3,), falling, in square units; `eigenvectors`
    (3, 3), a column each, with the largest component positive; all float64.
    """

    def __init__(
        self,
        sigma: float = IMAGES.noise_sigma,
        generator: Generator | None = None,
        *,
        magnitude: str = "eigenvalue",
        unit: float = 255.0,
        divide_by: float = 1.0,
    ):
        self.sigma = require_number("sigma", sigma, "it is the deviation of a (§4.1: 0.1)", ge=0.0)
        self.magnitude = require_choice("magnitude", magnitude, ("eigenvalue", "deviation"))
        self.unit = require_number("unit", unit, "gray levels that count as one (255 or 1)", gt=0.0)
        self.divide_by = require_number("divide_by", divide_by, "use 1, or the 2012 source's 1.1", gt=0.0)
        self.generator = require_generator(generator)
        self.mean: Tensor | None = None
        self.eigenvalues: Tensor | None = None
        self.eigenvectors: Tensor | None = None

    def fit(self, images: Tensor) -> "PCAColorNoise":
        """Find the principal components of all pixels of uint8 images (N, 3, H, W); returns self."""
        count, height, width = require_images(images)
        pixels = count * height * width
        if pixels < 2:
            raise ValueError(
                f"images hold {pixels} pixels, and a covariance needs two: pass the training set"
            )
        total = torch.zeros(3, dtype=torch.float64, device=images.device)
        products = torch.zeros(3, 3, dtype=torch.float64, device=images.device)
        # Sums of whole numbers: float64 holds them exactly up to 2^53, the squares of 10^11 pixels.
        # Chunks of some 2^16 pixels stay in the cache, which makes this several times faster.
        for chunk in images.split(max(1, 2**16 // (height * width))):
            rgb = chunk.movedim(1, -1).reshape(-1, 3).double()  # (pixels of the chunk, 3)
            total += rgb.sum(0)
            products += rgb.T @ rgb
        covariance = (products - total.outer(total) / pixels) / (pixels - 1) / self.unit**2
        values, vectors = torch.linalg.eigh(covariance.cpu())
        self.mean = total.cpu() / pixels
        self.eigenvalues = values.flip(0).clamp(min=0)  # rounding leaves about -1e-17 where images are gray
        # An eigenvector's sign is arbitrary; a fixed one makes a seed mean the same noise everywhere.
        largest = vectors.abs().argmax(0, keepdim=True)
        self.eigenvectors = (vectors * vectors.gather(0, largest).sign()).flip(1)
        return self

    def shifts(self, count: int) -> Tensor:
        """Fresh color shifts in gray levels for `count` images: float32 (count, 3)."""
        count = require_count("count", count, "it counts images", ge=0)
        if self.eigenvalues is None:
            raise RuntimeError("PCAColorNoise knows no principal components yet: call fit(images) first")
        device = self.generator.device if self.generator else "cpu"
        drawn = torch.randn(count, 3, generator=self.generator, device=device).cpu().double()
        scale = self.eigenvalues if self.magnitude == "eigenvalue" else self.eigenvalues.sqrt()
        return (self.unit * self.sigma * (drawn * scale) @ self.eigenvectors.T).float()  # (count, 3)

    def __call__(self, images: Tensor) -> Tensor:
        require_images(images, dtypes=(torch.uint8, torch.float32))
        if self.divide_by != 1 and images.dtype == torch.uint8:
            raise ValueError(
                f"divide_by is {self.divide_by:g} and images are uint8, but the 2012 source divides after "
                f"subtracting the mean: pass images.float() - mean, or divide_by=1"
            )
        shifts = self.shifts(len(images)).to(images.device)
        noisy = images.to(torch.float32, copy=True).add_(shifts[:, :, None, None])
        return noisy if self.divide_by == 1 else noisy.div_(self.divide_by)

    def __repr__(self) -> str:
        return (
            f"PCAColorNoise(sigma={self.sigma:g}, magnitude={self.magnitude!r}, unit={self.unit:g}, "
            f"divide_by={self.divide_by:g}, fitted={self.eigenvalues is not None})"
        )


def ten_crop(images: Tensor, size: int = IMAGES.crop) -> Tensor:
    """The ten patches that §4.1 averages over at test time: four corners and center, and their reflections.

    uint8 or float32 (N, 3, H, W) -> the same (N, 10, 3, size, size). Order: top left, top right, bottom left,
    bottom right, center, then the same five places in the reflected image, as in torchvision's `ten_crop`.
    """
    require_count("size", size, "it is the side of a crop (§4.1: 224)")
    _, height, width = require_images(images, size, dtypes=(torch.uint8, torch.float32))
    down, right = height - size, width - size
    places = [(0, 0), (0, right), (down, 0), (down, right), center_place(height, width, size)]
    sides = (images, images.flip(-1))
    crops = [side[:, :, y : y + size, x : x + size] for side in sides for y, x in places]
    return torch.stack(crops, dim=1)


def require_generator(generator: Generator | None) -> Generator | None:
    """Return what random numbers are drawn from, if it is a generator of torch or None."""
    if generator is not None and not isinstance(generator, Generator):
        raise TypeError(f"generator is {generator!r}, and must be a torch.Generator, or None for torch's own")
    return generator


def _require_places(places: Tensor, count: int, down: int, right: int) -> None:
    """Refuse places that are not one for each image, or whose crop leaves the image."""
    require_tensor("places", places, f"({count}, 3)", "top, left and reflected for each image, from `places`")
    if places.is_floating_point():
        raise TypeError(f"places are {places.dtype}, and must be whole numbers")
    most = torch.tensor([down, right, 1], device=places.device)
    if ((places < 0) | (places > most)).any():
        raise ValueError(
            f"places must be from 0 to {down}, {right} and 1, where the crop is inside of its image"
        )


def _require_numbers(numbers: Tensor, count: int) -> Tensor:
    """Return numbers of images if each is one of `count`."""
    require_tensor("numbers", numbers, "(n)", "the image that each place is in")
    if numbers.is_floating_point():
        raise TypeError(f"numbers are {numbers.dtype}, and must be whole numbers")
    if ((numbers < 0) | (numbers >= count)).any():
        raise ValueError(
            f"numbers run from {numbers.min()} to {numbers.max()}, and must be from 0 to {count - 1}: they "
            f"number the {count} images"
        )
    return numbers


def _require_out(out: Tensor, shape: tuple[int, ...], kind: torch.dtype, device: torch.device) -> None:
    """Refuse a tensor that the crops do not go into as they are."""
    require_tensor("out", out, str(shape), "the crops go there")
    if (out.dtype, out.device) != (kind, device):
        raise TypeError(
            f"out is {out.dtype} on {out.device}, and the crops are {kind} on {device}: pass one like them"
        )


def require_images(images: Tensor, size: int = 1, dtypes: tuple = (torch.uint8,)) -> tuple[int, int, int]:
    """(N, H, W) of a batch (N, 3, H, W) of one of `dtypes` that a crop of `size` fits into, or an error."""
    require_count("size", size, "it is the side of a crop (§4.1: 224)")
    if not isinstance(images, Tensor) or images.dtype not in dtypes:
        kind = images.dtype if isinstance(images, Tensor) else type(images).__name__
        names = " or ".join(str(dtype) for dtype in dtypes)
        raise TypeError(f"images are {kind}, and must be a tensor of {names} on the scale 0-255")
    if images.dim() != 4 or images.shape[1] != 3:
        raise ValueError(
            f"images have shape {tuple(images.shape)}, and must be (N, 3, H, W): a single image needs [None] "
            f"in front, a gray one .expand(-1, 3, -1, -1)"
        )
    count, _, height, width = images.shape
    if min(height, width) < size:
        raise ValueError(
            f"images are {height}x{width}, and a crop of {size}x{size} does not fit: take a smaller size, or "
            f"rescale the images first (§2 rescales to 256, §4.1 crops 224)"
        )
    return count, height, width
