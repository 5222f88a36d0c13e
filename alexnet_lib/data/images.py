"""Reading pictures (§2): any file or photograph becomes upright RGB, rescaled and cropped as in the paper.

Images are uint8 tensors (N, 3, H, W), or (3, H, W) for one, on the scale 0-255. In memory they are
channels_last, as a decoder leaves them and as the net's first convolution takes them.
"""

import math
import os
import stat
import warnings
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageOps
from torch import Tensor
from tqdm import tqdm

from ..guard import Count, require_tensor, validated
from ..paper import IMAGES

AHEAD = 256  # pictures that are decoded together, so that memory holds no more of them


class CorruptImageError(ValueError):
    """Some files are no readable images. `reasons`: path -> why; `paths`: all of them, in order."""

    def __init__(self, reasons: dict[Path, str]):
        self.reasons, self.paths = reasons, tuple(reasons)
        shown = "; ".join(f"{path}: {why}" for path, why in list(reasons.items())[:10])
        more = f"; and {len(reasons) - 10} more, all in .paths" if len(reasons) > 10 else ""
        super().__init__(
            f"{len(reasons)} file(s) cannot be read as images: {shown}{more}. Replace or remove them"
        )


@validated
def rescale_and_crop(image: Tensor | Image.Image, size: Count = IMAGES.stored) -> Tensor:
    """Rescale the shorter side to `size`, then cut out the central size x size square (§2).

    image: uint8 (3, H, W), or a PIL image of any mode; returns uint8 (3, size, size). The paper names no
    interpolation; ours is bilinear with antialiasing, by Pillow, as torchvision does it.
    """
    if isinstance(image, Tensor):
        if image.dtype != torch.uint8 or image.dim() != 3 or len(image) != 3 or not image.numel():
            raise ValueError(
                f"image is {image.dtype} of shape {tuple(image.shape)}, and must be uint8 (3, H, W): rescale "
                f"one image at a time, before it becomes float"
            )
        image = Image.fromarray(image.permute(1, 2, 0).contiguous().cpu().numpy())
    return to_tensor(square(to_rgb(image), size))


def square(image: Image.Image, size: int) -> Image.Image:
    """The central size x size square of an RGB picture whose shorter side is rescaled to `size`."""
    shorter, most = min(image.size), Image.MAX_IMAGE_PIXELS
    width, height = (int(size * side / shorter) for side in image.size)
    if most and width * height > most:  # at 256 pixels a strip of 20000x1 would take 4 GB on the way
        raise ValueError(
            f"image is {image.width}x{image.height}, and rescaled to size={size} it would have "
            f"{width * height:.1e} pixels, above Pillow's limit of {most:.1e}: cut it, or take a smaller size"
        )
    left, top = round((width - size) / 2), round((height - size) / 2)
    if image.size != (width, height):
        image = image.resize((width, height), Image.Resampling.BILINEAR)
    return image.crop((left, top, left + size, top + size))


def to_rgb(image: Image.Image) -> Image.Image:
    """Transparency laid over white, gray and CMYK converted, 16 bits cut to 8."""
    if image.mode.startswith("I"):
        image = Image.fromarray((np.asarray(image) >> 8).clip(0, 255).astype(np.uint8))
    elif image.has_transparency_data:
        white = Image.new("RGBA", image.size, "white")
        image = Image.alpha_composite(white, image.convert("RGBA"))
    return image if image.mode == "RGB" else image.convert("RGB")


def to_tensor(image: Image.Image) -> Tensor:
    """An RGB picture as uint8 (3, H, W)."""
    return torch.from_numpy(np.array(image)).permute(2, 0, 1)


def mean_image(images: Tensor, indices: Tensor | None = None) -> Tensor:
    """The mean of uint8 images (N, 3, H, W) at every pixel, which §2 subtracts: float32 (3, H, W).

    indices: the images to take, (n,); None takes all.
    """
    require_tensor("images", images, "(N, 3, H, W)", "uint8; take the mean over the training set")
    indices = torch.arange(len(images)) if indices is None else indices
    if images.dtype != torch.uint8 or not len(indices):
        raise ValueError(
            f"images are {images.dtype}, {len(indices)} of shape {tuple(images.shape[1:])}, and must be "
            f"uint8, at least one: take the mean over the training set, before images become float"
        )
    # Whole numbers add up exactly: float32 counts to 2^24, which 65,794 white pixels exceed.
    total = sum(images[rows].sum(0, dtype=torch.int32).long() for rows in indices.split(16))
    return (total.double() / len(indices)).float().contiguous()


def read_image(path: str | Path) -> Image.Image:
    """One file as an upright RGB picture.

    An EXIF rotation is applied, transparency laid over white, gray and CMYK converted, 16 bits cut to 8; of
    several frames the first counts. A truncated file is an error.
    """
    if not stat.S_ISREG(os.stat(path).st_mode):  # to open a named pipe would wait for ever
        raise ValueError("not a regular file")
    with Image.open(path) as file:
        # Mode I has 32 bits. Pillow uses it for 16-bit PNG and PGM files too; elsewhere no white is known.
        if file.mode == "F" or (file.mode == "I" and file.format not in ("PNG", "PPM")):
            raise ValueError(f"pixels of mode {file.mode} have no fixed white: save the picture with 8 bits")
        ImageOps.exif_transpose(file, in_place=True)
        return to_rgb(file)


def decode(paths: Sequence[Path], size: int | None = None) -> Iterator[np.ndarray]:
    """The pictures in order, uint8 (H, W, 3), decoded by several threads; with `size`, central squares.

    Raises CorruptImageError after the last one: it names every unreadable file, and one beyond Pillow's limit
    on decompression bombs counts as such. Until then the readable ones are given.
    """
    reasons = {}
    with (
        warnings.catch_warnings(),
        ThreadPoolExecutor(min(8, os.cpu_count() or 1)) as pool,
        tqdm(desc="images", total=len(paths), disable=None) as bar,
    ):
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        for start in range(0, len(paths), AHEAD):
            some = paths[start : start + AHEAD]
            for path, picture in zip(some, pool.map(partial(_decoded, size=size), some), strict=True):
                if isinstance(picture, Exception):
                    reasons[Path(path)] = f"{type(picture).__name__}: {picture}"
                else:
                    yield picture
                bar.update()
    if reasons:
        raise CorruptImageError(reasons)


def _decoded(path: Path, size: int | None) -> np.ndarray | Exception:
    try:
        image = read_image(path)
        return np.asarray(image if size is None else square(image, size))
    except MemoryError:  # says nothing of the picture
        raise
    except Exception as error:  # decoders raise errors of many types; the caller collects them all
        return error


def read_images(paths: Sequence[Path], size: int | None = None) -> Tensor:
    """All files as one uint8 tensor (N, 3, H, W); without `size` their common one, else 256 (§2).

    Raises CorruptImageError as `decode` does, and MemoryError when the tensor does not fit.
    """
    if not paths:
        raise ValueError("paths is empty, and there is no tensor of no images: name at least one file")
    images = None if size is None else _allocate(len(paths), (size, size, 3))
    for k, picture in enumerate(decode(paths, size)):
        if images is None:
            images = _allocate(len(paths), picture.shape)
        if picture.shape != images.shape[1:]:
            return read_images(paths, IMAGES.stored)
        images[k] = picture
    return torch.from_numpy(images).permute(0, 3, 1, 2)


def _allocate(count: int, shape: tuple[int, ...]) -> np.ndarray:
    try:
        return np.empty((count, *shape), np.uint8)
    except MemoryError as error:
        raise MemoryError(
            f"{count:,} images of {shape} take {count * math.prod(shape) / 1e9:.0f} GB of memory, which "
            f"is not to be had: choose a smaller size= or a folder with fewer images, or use cache="
        ) from error
