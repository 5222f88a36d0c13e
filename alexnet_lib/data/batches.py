"""From stored images to what the net sees in one step (§2, §4.1), on the net's own device."""

from functools import partial
from hashlib import blake2b

import torch
import torch.nn.functional as F
from torch import Generator, Tensor

from ..augmentation import PCAColorNoise, RandomCropFlip, center_place
from ..dataset import ImageSet
from ..guard import require_count, require_number, require_tensor
from ..learning import TrainConfig
from ..room import Room
from ..training.ranks import World, equal_share

SAMPLE = 20_000  # images that the color noise's principal components are found on; more change nothing


def seed_of(*what: object) -> int:
    """A seed for what is named: the same names give the same seed, any other ones an unrelated one."""
    return int.from_bytes(blake2b(repr(what).encode(), digest_size=8).digest()) >> 1


def train_val_split(
    images: ImageSet, share: float, seed: int, most: int | None = None
) -> tuple[Tensor, Tensor]:
    """Numbers of the images to train on, and of those that only the schedule looks at, by chance.

    most: train on so many of those that are not held out; None takes all. Raises ValueError for too many.
    """
    require_number("share", share, "it is a share of the images (0.05)", ge=0.0, le=1.0)
    if most is not None:
        require_count("most", most, "it counts images to train on; None: all")
    if share and not round(share * len(images)):
        raise ValueError(
            f"val_fraction is {share:g}, and of the {len(images)} images of {images.name} that is none: hold out "
            f"a larger share, or 0 with max_drops=0"
        )
    order = torch.randperm(len(images), generator=Generator().manual_seed(seed_of(seed, "held out")))
    kept = len(images) - round(share * len(images))
    if most is not None and most > kept:
        raise ValueError(
            f"training_images is {most}, and {images.name} has {kept} that are not held out: use at most "
            f"{kept}, or None"
        )
    return order[:kept][:most].sort().values, order[kept:].sort().values


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

    images: the training set; chosen: the numbers of the images to use. `mean`: (3, side, side), float32.
    """

    def __init__(self, images: ImageSet, chosen: Tensor, config: TrainConfig, world: World):
        self.config, self.chosen, self.device = config, chosen, world.device
        self.rows = equal_share("batch_size", config.batch_size, world)
        self.steps = len(chosen) // config.batch_size  # of one epoch
        if not self.steps:
            raise ValueError(
                f"batch_size is {config.batch_size}, and {images.name} has {len(chosen)} images to train on: "
                f"use a smaller batch, or hold out fewer"
            )
        self.draw = Generator()
        self.crop = RandomCropFlip(config.input_size, self.draw, shared_by=config.crop_shared_by)
        self.mean = _resized(images.mean()[None], config.image_size)[0].to(self.device)
        self.noise = None
        if config.color_noise:
            self.noise = PCAColorNoise(config.color_noise, self.draw, magnitude=config.color_noise_scale)
            self.noise.fit(images.images[:: -(-len(images) // SAMPLE)])
        self.images, self.labels = _near(images.images, self.device), images.labels.to(self.device)
        order = (0, 2, 3, 1) if config.channels_last else (0, 1, 2, 3)
        shape = (self.rows.stop - self.rows.start, 3, config.input_size, config.input_size)
        self.memory = partial(Room().empty, shape, order, torch.float32, self.device)
        self._order = (-1, chosen)

    def step(self, epoch: int, step: int) -> tuple[Tensor, Tensor]:
        """This process's rows of one step's batch: float32 (n, 3, crop, crop) and labels (n,)."""
        size, side = self.config.batch_size, self.config.image_size
        numbers = self.order(epoch)[step * size : (step + 1) * size][self.rows]
        self.draw.manual_seed(seed_of(self.config.seed, "images", epoch, step))
        if self.config.random_crops:
            places = self.crop.places(size, side, side)[self.rows]
        else:
            places = torch.tensor([*center_place(side, side, self.crop.size), 0]).expand(len(numbers), 3)
        shifts = self.noise.shifts(size)[self.rows] if self.noise else None
        labels, stored = self.labels[numbers.to(self.device)], self.images
        if stored.device != self.device or stored.shape[-2:] != (side, side):
            stored = whole(stored[numbers].to(self.device), side)
            numbers = torch.arange(len(numbers))
        # Straight out of the set: whole images would be read and written once more than their crops.
        out = self.memory()
        return self.crop.cut(stored, places, self.mean, shifts, numbers=numbers, out=out), labels

    def order(self, epoch: int) -> Tensor:
        """The numbers of the images in the order of this epoch."""
        if self._order[0] != epoch:
            self.draw.manual_seed(seed_of(self.config.seed, "order", epoch))
            self._order = epoch, self.chosen[torch.randperm(len(self.chosen), generator=self.draw)]
        return self._order[1]


def whole(stored: Tensor, side: int) -> Tensor:
    """Stored images as crops are cut from them: uint8 (N, 3, side, side), rescaled where needed (§2)."""
    require_tensor("stored", stored, "(N, 3, H, W)", "uint8, on the scale 0-255")
    require_count("side", side, "it is the side of the images that crops are cut from (§2: 256)")
    if stored.shape[-2:] == (side, side):
        return stored
    return _resized(stored.float(), side).round().to(torch.uint8)


def _resized(images: Tensor, side: int) -> Tensor:
    return F.interpolate(images, size=(side, side), mode="bilinear", antialias=True)


def _near(images: Tensor, device: torch.device) -> Tensor:
    """The images on the GPU where they leave it half of its free memory, else where they are."""
    if device.type != "cuda" or images.nbytes > torch.cuda.mem_get_info(device)[0] // 2:
        return images
    return images.to(device)
