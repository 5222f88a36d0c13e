"""From stored images to what the net sees in one step (§2, §4.1), on the net's own device."""

from hashlib import blake2b

import torch
import torch.nn.functional as F
from torch import Generator, Tensor

from ..augmentation import PCAColorNoise, RandomCropFlip, center_place, crop_boxes
from ..dataset import ImageSet
from ..guard import Count, require_tensor, validated
from ..learning import TrainConfig
from ..training.ranks import Ranks, batch_shard
from .images import mean_image

SAMPLE = 20_000  # images that the principal components are found on, and
SAMPLE_BYTES = 2**30  # their bytes: more change nothing


def seed_of(*what: object) -> int:
    """A seed for what is named: the same names give the same seed, any other ones an unrelated one."""
    return int.from_bytes(blake2b(repr(what).encode(), digest_size=8).digest()) >> 1


@validated
def train_val_split(
    images: ImageSet, fraction: float, seed: int, limit: Count | None = None
) -> tuple[Tensor, Tensor]:
    """Indices of the images to train on, and of the `fraction` that only the schedule looks at, by chance.

    limit: train on so many of the others; None takes all. Raises ValueError for too many.
    """
    if not 0 <= fraction < 1:
        raise ValueError(f"fraction is {fraction:g}, and must be from 0 to below 1 (0.05)")
    kept = len(images) - round(fraction * len(images))
    if fraction and kept == len(images):
        raise ValueError(
            f"val_fraction is {fraction:g}, and of the {kept} images of {images.name} that is none: hold out "
            f"a larger share, or 0 with max_drops=0"
        )
    if limit is not None and limit > kept:
        raise ValueError(
            f"training_images is {limit}, and {images.name} has {kept} that are not held out: use at most "
            f"{kept}, or None"
        )
    order = torch.randperm(len(images), generator=Generator().manual_seed(seed_of(seed, "held out")))
    return order[:kept][:limit].sort().values, order[kept:].sort().values


def fingerprint(images: ImageSet) -> str:
    """A short text that changes with the images, their order, labels or classes.

    All labels count, and the pixels of some thousand images.
    """
    digest = blake2b(digest_size=16)
    digest.update(repr((tuple(images.images.shape), images.classes)).encode())
    digest.update(images.labels.numpy().tobytes())
    for image in images.images[:: max(1, len(images) // 1000)]:
        digest.update(image.contiguous().numpy().tobytes())
    return digest.hexdigest()


class Batches:
    """Training images in random order, cropped, reflected, without their mean, with color noise (§2, §4.1).

    What chance decides in a step follows from (seed, epoch, step) alone. So a run can go on at any step, and
    several processes draw alike: each cuts its own rows of the same batch. The last images of an epoch that
    fill no batch wait for another epoch, which has another order.

    images: the training set; chosen: the indices of the images to use. Mean image and principal components
    are of the chosen images alone. Records made before this rule took them over the whole training set, its
    validation and unused images too. mean: (3, side, side), in place of their own.
    """

    def __init__(
        self, images: ImageSet, chosen: Tensor, config: TrainConfig, ranks: Ranks, mean: Tensor | None = None
    ):
        self.config, self.chosen, self.device = config, chosen, ranks.device
        self.rows = batch_shard("batch_size", config.batch_size, ranks)
        self.steps = len(chosen) // config.batch_size  # of one epoch
        if not self.steps:
            raise ValueError(
                f"batch_size is {config.batch_size}, and {images.name} has {len(chosen)} images to train on: "
                f"use a smaller batch, or hold out fewer"
            )
        self.draw = Generator()
        self.crop = RandomCropFlip(config.input_size, self.draw, shared_by=config.crop_shared_by)
        mean = mean_image(images.images, chosen) if mean is None else mean
        self.mean = _resized(mean[None], config.image_size)[0].to(self.device)
        self.noise = None
        if config.color_noise:
            self.noise = PCAColorNoise(config.color_noise, self.draw, magnitude=config.color_noise_scale)
            most = min(SAMPLE, 1 + SAMPLE_BYTES // images.images[0].nbytes)
            self.noise.fit(images.images[chosen[:: -(-len(chosen) // most)]])
        self.images, self.labels = _near(images.images, self.device), images.labels
        self._order = (-1, chosen)

    def step(self, epoch: int, step: int) -> tuple[Tensor, Tensor]:
        """This process's rows of one step's batch: float32 (n, 3, crop, crop) and labels (n,)."""
        size, side = self.config.batch_size, self.config.image_size
        indices = self.order(epoch)[step * size : (step + 1) * size][self.rows]
        self.draw.manual_seed(seed_of(self.config.seed, "images", epoch, step))
        if self.config.random_crops:
            boxes = self.crop.draw_boxes(size, side, side)[self.rows]
        else:
            boxes = torch.tensor([*center_place(side, side, self.crop.size), 0]).expand(len(indices), 3)
        shifts = self.noise.color_shifts(size)[self.rows] if self.noise else None
        stored = self.images[indices.to(self.images.device)].to(self.device)  # (n, 3, H, W)
        batch = crop_boxes(resize_stored(stored, side), boxes, self.crop.size, self.mean, shifts)
        order = torch.channels_last if self.config.channels_last else torch.contiguous_format
        return batch.contiguous(memory_format=order), self.labels[indices].to(self.device)

    def order(self, epoch: int) -> Tensor:
        """The indices of the images in the order of this epoch."""
        if self._order[0] != epoch:
            self.draw.manual_seed(seed_of(self.config.seed, "order", epoch))
            self._order = epoch, self.chosen[torch.randperm(len(self.chosen), generator=self.draw)]
        return self._order[1]


def resize_stored(stored: Tensor, size: int) -> Tensor:
    """Stored images as crops are cut from them: uint8 (N, 3, size, size), rescaled where needed (§2)."""
    require_tensor("stored", stored, "(N, 3, H, W)", "uint8, on the scale 0-255")
    if stored.shape[-2:] == (size, size):
        return stored
    return _resized(stored.float(), size).round().to(torch.uint8)


def _resized(images: Tensor, size: int) -> Tensor:
    return F.interpolate(images, size=(size, size), mode="bilinear", antialias=True)


def _near(images: Tensor, device: torch.device) -> Tensor:
    """The images on the GPU where they leave it half of its free memory, else where they are."""
    if device.type != "cuda" or images.nbytes > torch.cuda.mem_get_info(device)[0] // 2:
        return images
    return images.to(device)
