"""How well "Teach it your classes" (chapter 7) does a stranger's task: 5 + 5 photos, 10 others to judge.

    ALEXNET_DATA=... python tools/teach_classes.py           # means over many random draws, for each source

Sources: pieces of a third of the shorter side, cut at random from scikit-image's photographs; test
photographs of Imagenette, whose ten classes the network knows; test pictures of CIFAR-10. The head is fitted
as js/teach.js fits it, on fc7, and for comparison on the picture's pixels, averaged over 9 x 9.
"""

import itertools
from collections.abc import Iterator

import numpy as np
import torch
import torch.nn.functional as F

from alexnet_lib.augmentation import center_crop
from alexnet_lib.data.images import rescale_and_crop
from alexnet_lib.dataset import load, photographs
from alexnet_lib.qualitative import trained_network

SIDE, EACH, DRAWS = 144, 40, 10


def sources() -> Iterator[tuple[str, list[torch.Tensor]]]:
    """A name, and for each class its pictures, uint8 (n, 3, 144, 144)."""
    draw = np.random.default_rng(0)
    classes = []
    for photo in photographs().values():
        z = min(photo.shape[1:]) // 3
        tops, lefts = (draw.integers(0, size - z, EACH) for size in photo.shape[1:])
        cuts = (photo[:, y : y + z, x : x + z] for y, x in zip(tops, lefts, strict=True))
        classes.append(torch.stack([rescale_and_crop(cut.contiguous(), SIDE) for cut in cuts]))
    yield "pieces of two photographs", classes
    for name in ("imagenette", "cifar10"):
        test = load(name, "test")
        few = (test.images[(test.labels == label).nonzero()[:EACH, 0]] for label in range(len(test.classes)))
        yield name, [torch.stack([rescale_and_crop(image, SIDE) for image in images]) for images in few]


@torch.no_grad()
def described(shipped, images: torch.Tensor) -> dict[str, np.ndarray]:
    kept = []
    hook = shipped.net.classifier.dropout7.register_forward_hook(lambda _m, _i, output: kept.append(output))
    shipped.net(center_crop(images.float() - shipped.mean, shipped.net.spec.image_size) * shipped.input_scale)
    hook.remove()
    return {"fc7": kept[0].double().numpy(), "pixels": F.avg_pool2d(images.double(), 9).flatten(1).numpy()}


def right(train: np.ndarray, test: np.ndarray, labels: np.ndarray) -> int:
    """Of the test rows: 150 steps of gradient descent on a coefficient for each example and class."""
    center = train.mean(axis=0)
    products = (train - center) @ (train - center).T
    scale = np.trace(products) / len(train)
    coefficients = np.zeros((len(train), 2))
    for _ in range(150):
        powers = np.exp(products @ coefficients / scale)
        chances = powers / powers.sum(axis=1, keepdims=True)
        coefficients -= 2 * ((chances - np.eye(2)[labels]) / len(train) + 0.01 * coefficients)
    return int((((test - center) @ (train - center).T @ coefficients).argmax(axis=1) == labels).sum())


def main() -> None:
    shipped, draw, labels = trained_network(), np.random.default_rng(1), np.repeat([0, 1], 5)
    for name, classes in sources():
        found = [described(shipped, images) for images in classes]
        for kind in ("fc7", "pixels"):
            scores = []
            for pair in itertools.combinations(found, 2):
                for _ in range(DRAWS):
                    chosen = [rows[kind][draw.permutation(len(rows[kind]))[:10]] for rows in pair]
                    train, test = (
                        np.concatenate([rows[part] for rows in chosen]) for part in (slice(5), slice(5, 10))
                    )
                    scores.append(right(train, test, labels))
            scores = np.array(scores)
            print(
                f"{name}, {kind}: {scores.mean():.2f} of 10 right over {len(scores)} draws, "
                f"at least 8 in {100 * (scores >= 8).mean():.0f} %",
                flush=True,
            )


if __name__ == "__main__":
    main()
