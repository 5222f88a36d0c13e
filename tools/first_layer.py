"""Train the 96 first-layer kernels that the figures use, on Imagenette, on a CPU.

    python tools/first_layer.py --root DIR --epochs 30

The net is small so that this ends within the hour on one core: the paper's conv1 (96 kernels of 11x11, stride
4, §3.5), ReLU, pooling and LRN, then one 3x3 convolution and a ten-way softmax. It is not AlexNet, and its
kernels are labelled as what they are in the record beside them. Inputs are as in the paper: 0-255, mean
subtracted. The kernels go to alexnet_lib/results/first_layer/kernels.npz, the record beside them.
"""

import argparse
import sys
import time

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn
from tqdm import tqdm

from alexnet_lib import dataset, records
from alexnet_lib.augmentation import RandomCropFlip
from alexnet_lib.images import mean_image
from alexnet_lib.normalization import LocalResponseNorm

CROP = 128  # of 224: first-layer kernels see 11 pixels, and small crops make many steps


def first_layer_net() -> nn.Sequential:
    """(N, 3, 128, 128) -> (N, 10). Weights start normal, biases at 0.

    conv1 starts below §5's 0.01: less of its noise is left in kernels from a short training.
    """
    net = nn.Sequential(
        nn.Conv2d(3, 96, 11, stride=4),  # (N, 96, 30, 30)
        nn.ReLU(),
        nn.MaxPool2d(3, 2),  # (N, 96, 14, 14)
        LocalResponseNorm(),
        nn.Conv2d(96, 128, 3, stride=2),  # (N, 128, 6, 6)
        nn.ReLU(),
        nn.MaxPool2d(3, 2),  # (N, 128, 2, 2)
        nn.Flatten(),
        nn.Dropout(0.5),
        nn.Linear(128 * 2 * 2, 10),
    )
    for layer, std in ((net[0], 0.002), (net[4], 0.02), (net[9], 0.02)):
        nn.init.normal_(layer.weight, std=std)
        nn.init.zeros_(layer.bias)
    return net.to(memory_format=torch.channels_last)


def centre(images: torch.Tensor) -> torch.Tensor:
    margin = (images.shape[-1] - CROP) // 2
    return images[..., margin : margin + CROP, margin : margin + CROP]


@torch.no_grad()
def error(net: nn.Module, test, mean: torch.Tensor, batch: int = 128) -> float:
    net.eval()
    wrong = sum(
        (net(centre(images).float() - mean).argmax(1) != labels).sum().item()
        for images, labels in zip(test.images.split(batch), test.labels.split(batch), strict=True)
    )
    return wrong / len(test)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--root", help="folder that holds imagenette2-160; else ALEXNET_DATA")
    parser.add_argument("--epochs", type=int, default=30)
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--rate", type=float, default=0.001)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()

    torch.manual_seed(args.seed)
    train = dataset.load("imagenette", "train", root=args.root)
    test = dataset.load("imagenette", "test", root=args.root)
    mean = mean_image(train.images).mean(dim=(1, 2), keepdim=True)  # (3, 1, 1)
    net, crop = first_layer_net(), RandomCropFlip(CROP)
    groups = [{"params": [p for p in net.parameters() if p.dim() > 1], "weight_decay": 5e-4}]
    groups += [{"params": [p for p in net.parameters() if p.dim() == 1], "weight_decay": 0.0}]
    optimizer = torch.optim.SGD(groups, lr=args.rate, momentum=0.9)
    steps = args.epochs * (len(train) // args.batch)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)

    curves, begun = {"training loss": [], "test error": []}, time.time()
    with tqdm(total=steps, unit="batch", file=sys.stderr, mininterval=5) as bar:
        for epoch in range(args.epochs):
            net.train()
            losses = []
            for index in torch.randperm(len(train)).split(args.batch)[: len(train) // args.batch]:
                images = (crop(train.images[index]).float() - mean).to(memory_format=torch.channels_last)
                loss = F.cross_entropy(net(images), train.labels[index])
                if not torch.isfinite(loss):
                    raise SystemExit(f"the loss is {loss.item()} in epoch {epoch + 1}; try a smaller --rate")
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                schedule.step()
                losses.append(loss.item())
                bar.update()
            curves["training loss"].append(float(np.mean(losses)))
            curves["test error"].append(error(net, test, mean))
            bar.set_postfix({name: f"{values[-1]:.3f}" for name, values in curves.items()})
            write_kernels(net, mean)
    records.store(
        records.Record(
            experiment="first_layer",
            label="",
            command="python tools/first_layer.py " + " ".join(sys.argv[1:]),
            data=train.source,
            images=len(train),
            seed=args.seed,
            config={
                "net": "the paper's conv1, ReLU, pooling, LRN, a 3x3 convolution, softmax; not AlexNet",
                "epochs": args.epochs,
                "batch": args.batch,
                "rate": args.rate,
                "crop": CROP,
            },
            seconds=round(time.time() - begun),
            curves=curves,
            results={"test error": curves["test error"][-1]},
            **records.circumstances(),
        )
    )


def write_kernels(net: nn.Module, mean: torch.Tensor) -> None:
    """The kernels, biases and input mean so far, in one file that is replaced whole."""
    folder = records.RESULTS / "first_layer"
    folder.mkdir(parents=True, exist_ok=True)
    part = folder / "kernels.part.npz"
    arrays = {"kernels": net[0].weight.detach(), "bias": net[0].bias.detach(), "mean": mean.flatten()}
    np.savez_compressed(part, **{name: array.numpy().astype(np.float16) for name, array in arrays.items()})
    part.replace(folder / "kernels.npz")


if __name__ == "__main__":
    main()
