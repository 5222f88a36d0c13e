"""Reading pictures (§2): any file or photograph becomes upright RGB, rescaled and cropped as in the paper.

Images are uint8 tensors (N, 3, H, W), or (3, H, W) for one, on the scale 0-255. In memory the three numbers
of a pixel lie side by side, as a decoder leaves them and as the net's first convolution takes them
(channels_last): nothing in between has to change their order.
"""

import math
import os
import warnings
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from io import BytesIO
from itertools import chain
from multiprocessing.pool import ThreadPool
from pathlib import Path
from threading import Lock
from typing import TypeVar

import numpy as np
import torch
from PIL import Image, ImageOps
from torch import Tensor
from tqdm import tqdm

from ..guard import require_count, require_tensor
from ..paper import IMAGES

Pictures = Tensor | list[Tensor | Exception]
Result = TypeVar("Result")
SMALL = 2**20  # bytes of a file that is read at once
CHUNK = 64  # pictures in one task at most: a task for each costs as much as decoding a small one


class CorruptImageError(ValueError):
    """Some files are no readable images. `reasons`: path -> why; `paths`: all of them, in order."""

    def __init__(self, reasons: dict[Path, str]):
        self.reasons, self.paths = reasons, tuple(reasons)
        shown = "; ".join(f"{path}: {why}" for path, why in list(reasons.items())[:10])
        more = f"; and {len(reasons) - 10} more, all in .paths" if len(reasons) > 10 else ""
        super().__init__(
            f"{len(reasons)} file(s) cannot be read as images: {shown}{more}. Replace or remove them; none "
            f"is left out in silence"
        )


def rescale_and_crop(image: Tensor | Image.Image, size: int = IMAGES.stored) -> Tensor:
    """Rescale the shorter side to `size`, then cut out the central size x size square (§2).

    image: uint8 (3, H, W), or a PIL image of any mode; returns uint8 (3, size, size). The paper names no
    interpolation; ours is bilinear with antialiasing, by Pillow, as torchvision does it.
    """
    require_count("size", size, "it is the side of the square (§2: 256)")
    if isinstance(image, Tensor):
        if image.dtype != torch.uint8 or image.dim() != 3 or len(image) != 3 or not image.numel():
            raise ValueError(
                f"image is {image.dtype} of shape {tuple(image.shape)}, and must be uint8 (3, H, W): rescale "
                f"one image at a time, before it becomes float"
            )
        image = Image.fromarray(image.permute(1, 2, 0).contiguous().cpu().numpy())
    elif not isinstance(image, Image.Image):
        raise TypeError(
            f"image is {type(image).__name__}, and must be a uint8 tensor (3, H, W) or a PIL image"
        )
    return to_tensor(_square(_to_rgb(image), size))


def _square(image: Image.Image, size: int) -> Image.Image:
    """An RGB picture rescaled and cropped as `rescale_and_crop` says."""
    shorter = min(image.size)
    width, height = (int(size * side / shorter) for side in image.size)
    _require_room(image, width, height)
    left, top = round((width - size) / 2), round((height - size) / 2)
    # Pillow copies a picture that is not changed, which takes a tenth of the time of decoding one.
    if image.size != (width, height):
        image = image.resize((width, height), Image.Resampling.BILINEAR)
    if image.size != (size, size):
        image = image.crop((left, top, left + size, top + size))
    return image


def _require_room(image: Image.Image, width: int, height: int) -> None:
    """Keep Pillow's limit for the rescaled picture too: at 256 pixels a strip of 20000x1 would take 4 GB."""
    most = Image.MAX_IMAGE_PIXELS
    if most and width * height > most:
        raise ValueError(
            f"image is {image.width}x{image.height}, and rescaled to size={min(width, height)} it would have "
            f"{width * height:.1e} pixels, above Pillow's limit of {most:.1e}: cut it, or take a smaller size"
        )


def mean_image(images: Tensor) -> Tensor:
    """The mean of uint8 images (N, 3, H, W) at every pixel, which §2 subtracts: float32 (3, H, W)."""
    require_tensor(
        "images", images, "(N, 3, H, W)", "uint8, N at least 1; take the mean over the training set"
    )
    if images.dtype != torch.uint8 or not len(images):
        raise ValueError(
            f"images are {images.dtype} of shape {tuple(images.shape)}, and must be uint8 (N, 3, H, W), N at "
            f"least 1: take the mean over the training set, before images become float"
        )
    # Sums of whole numbers are exact. float32 counts to 2^24, which 65,794 white pixels exceed; int32 holds
    # a chunk's, and adds twice as fast as int64.
    # In the order of memory: in another one it takes ten times as long.
    by_pixel = images.is_contiguous(memory_format=torch.channels_last)
    lying = images.movedim(1, -1) if by_pixel else images  # (N, H, W, 3) or (N, 3, H, W)
    total = sum(chunk.sum(0, dtype=torch.int32).long() for chunk in lying.split(16))
    mean = (total.double() / len(images)).float()
    return mean.movedim(-1, 0).contiguous() if by_pixel else mean


def read_image(path: str | Path) -> Image.Image:
    """One file as an upright RGB picture.

    An EXIF rotation is applied, transparency laid over white, gray and CMYK converted, 16 bits cut to 8; of
    several frames the first counts. A truncated file is an error.
    """
    with Image.open(_content(path)) as file:
        # Mode I has 32 bits. Pillow uses it for 16-bit PNG and PGM files too; elsewhere no white is known.
        if file.mode == "F" or (file.mode == "I" and file.format not in ("PNG", "PPM")):
            raise ValueError(f"pixels of mode {file.mode} have no fixed white: save the picture with 8 bits")
        ImageOps.exif_transpose(file, in_place=True)
        return _to_rgb(file)


class _Content(BytesIO):
    """The bytes of a file, which Pillow calls by the file's name where they are no picture."""

    def __init__(self, content: bytes, path: str | Path):
        super().__init__(content)
        self.path = path

    def __repr__(self) -> str:
        return repr(str(self.path))


def _content(path: str | Path) -> str | Path | _Content:
    """A small file's bytes, or the path of another: Pillow would read both in pieces.

    Each call of the system hands Python's lock to another thread, and waits for it afterwards.
    """
    file = os.open(path, os.O_RDONLY | getattr(os, "O_BINARY", 0))  # the second on Windows
    try:
        content, more = os.read(file, SMALL), os.read(file, 1)
    finally:
        os.close(file)
    return path if more else _Content(content, path)


def _to_rgb(image: Image.Image) -> Image.Image:
    if image.mode.startswith("I"):
        image = Image.fromarray((np.asarray(image) >> 8).clip(0, 255).astype(np.uint8))
    elif image.has_transparency_data:
        white = Image.new("RGBA", image.size, "white")
        image = Image.alpha_composite(white, image.convert("RGBA"))
    return image if image.mode == "RGB" else image.convert("RGB")


def to_tensor(image: Image.Image, out: Tensor | None = None) -> Tensor:
    """An RGB picture as uint8 (3, H, W), in `out` if that has its shape, pixel by pixel."""
    if out is None or out.shape != (3, image.height, image.width):
        # By numpy, whose error is a MemoryError where there is none; torch's would pass for a broken picture.
        out = _by_pixel(np.empty((image.height, image.width, 3), np.uint8))
    # Not numpy's copy, which lets Python's lock go: to get it back takes longer than the copy.
    memoryview(out.numpy().transpose(1, 2, 0)).cast("B")[:] = image.tobytes()
    return out


def _by_pixel(pixels: np.ndarray) -> Tensor:
    """uint8 (..., H, W, 3) as a tensor (..., 3, H, W) of the same memory."""
    return torch.from_numpy(pixels).movedim(-1, -3)


def read_images(paths: Sequence[Path], size: int | None = None) -> Tensor:
    """All files as one uint8 tensor (N, 3, H, W); `size` as in `load`.

    Raises CorruptImageError that names every unreadable file, after all have been tried; one beyond Pillow's
    limit on decompression bombs counts as such. Raises MemoryError when the tensor does not fit.
    """
    if not paths:
        raise ValueError("paths is empty, and there is no tensor of no images: name at least one file")
    images = None if size is None else _allocate(len(paths), (3, size, size))
    allocating = Lock()

    def keep(first: int, pictures: Pictures) -> list[Exception | bool]:
        """Whether each picture has the shape of the others, and then its place; or why it is none."""
        nonlocal images
        found = []
        for k, picture in enumerate(pictures, first):
            if isinstance(picture, Exception):
                found.append(picture)
                continue
            with allocating:
                if images is None:
                    images = _allocate(len(paths), picture.shape)
            found.append(picture.shape == images.shape[1:])
            if found[-1]:
                images.numpy()[k] = picture.numpy()
        return found

    reasons = {}
    with decoding(paths, size, keep) as chunks, tqdm(desc="images", total=len(paths), disable=None) as bar:
        for path, fits in zip(paths, chain.from_iterable(chunks), strict=True):
            if isinstance(fits, Exception):
                reasons[Path(path)] = reason(fits)
            elif not fits:
                break
            bar.update()
        else:
            if reasons:
                raise CorruptImageError(reasons)
            return images
    return read_images(paths, IMAGES.stored)  # §2: a constant input size


@contextmanager
def decoding(
    paths: Sequence[Path], size: int | None, work: Callable[[int, Pictures], Result]
) -> Iterator[Iterator[Result]]:
    """An iterator over what `work` makes of the pictures, a few at a time, in order.

    work(first, pictures): called in the thread that decoded them, with the number of the first path and the
    pictures, one tensor uint8 (n, 3, size, size). Without a size, or where one cannot be read, they are a
    list of tensors (3, H, W) with the exception in place of that one. Their memory is taken for other
    pictures when it returns: copy what you keep. Several threads decode ahead, but not far.
    """
    threads = min(8, os.cpu_count() or 1)
    chunk = max(1, min(CHUNK, len(paths) // (4 * threads)))  # a few tasks for each thread
    spare = deque()  # memory for pictures of a task: fresh memory has to be cleared by the system

    def task(first: int) -> Result:
        try:
            memory = spare.pop()
        except IndexError:  # to ask whether one is left does not help: another thread may take it meanwhile
            memory = [None] * chunk if size is None else _by_pixel(np.empty((chunk, size, size, 3), np.uint8))
        chosen = zip(paths[first : first + chunk], memory, strict=False)  # the last task may have fewer paths
        pictures = [_picture(path, size, out) for path, out in chosen]
        if size is not None and all(isinstance(picture, Tensor) for picture in pictures):
            pictures = memory[: len(pictures)]
        result = work(first, pictures)
        spare.append(memory)
        return result

    with warnings.catch_warnings(), ThreadPool(threads) as pool:
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        yield _in_order(pool, task, range(0, len(paths), chunk), ahead=4 * threads)


def _in_order(pool: ThreadPool, task: Callable[[int], Result], starts: Sequence[int], ahead: int) -> Iterator:
    waiting = deque()
    for start in starts:
        waiting.append(pool.apply_async(task, [start]))
        if len(waiting) > ahead:
            yield waiting.popleft().get()
    while waiting:
        yield waiting.popleft().get()


def _picture(path: Path, size: int | None, out: Tensor | None) -> Tensor | Exception:
    try:
        image = read_image(path)
        if size is not None:
            image = _square(image, size)
        return to_tensor(image, out)
    except MemoryError:  # says nothing of the picture
        raise
    except Exception as error:  # decoders raise errors of many types; the caller collects them all
        return error


def reason(error: Exception) -> str:
    """Why a file is no picture, in one line."""
    return f"{type(error).__name__}: {error}"


def _allocate(count: int, shape: Sequence[int]) -> Tensor:
    try:
        return torch.empty(count, *shape, dtype=torch.uint8, memory_format=torch.channels_last)
    except RuntimeError as error:
        gigabytes = count * math.prod(shape) / 1e9
        raise MemoryError(
            f"{count:,} images of {tuple(shape)} take {gigabytes:.0f} GB of memory, which is not to be had: "
            f"choose a smaller size= or a folder with fewer images"
        ) from error
