"""Record first training curves of Figure 1's net, with ReLUs and with tanh units, on a CPU.

    python tools/relu_curves.py --root DIR

10,000 images of CIFAR-10, one seed and one rate for both: curves to look at and to compare with the
RunExplorer. They do not measure §3.1's claim: that takes the best rate of each, and several seeds.
"""

import argparse
import sys
import time

import torch
import torch.nn.functional as F
from tqdm import tqdm

from alexnet_lib import dataset, records
from alexnet_lib.relu import FourLayerNet

SCALE = 64.0  # pixels are divided by it after the mean is subtracted: about unit variance


def train(activation: str, args: argparse.Namespace, images: torch.Tensor, labels: torch.Tensor) -> dict:
    """Training loss and error after each epoch; the error is measured during the epoch, as it goes."""
    torch.manual_seed(args.seed)
    net = FourLayerNet(activation)
    optimizer = torch.optim.SGD(net.parameters(), lr=args.rate, momentum=0.9)
    curves = {"training loss": [], "training error": []}
    for _ in tqdm(range(args.epochs), desc=activation, unit="epoch"):
        loss_sum = wrong = 0.0
        for index in torch.randperm(len(images)).split(args.batch):
            scores = net(images[index])
            loss = F.cross_entropy(scores, labels[index])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            loss_sum += loss.item() * len(index)
            wrong += (scores.argmax(1) != labels[index]).sum().item()
        curves["training loss"].append(loss_sum / len(images))
        curves["training error"].append(wrong / len(images))
    return curves


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--root", help="folder of the data sets; else ALEXNET_DATA")
    parser.add_argument("--images", type=int, default=10_000)
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--rate", type=float, default=0.02)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()

    cifar = dataset.load("cifar10", "train", root=args.root)
    chosen = torch.randperm(len(cifar), generator=torch.Generator().manual_seed(0))[: args.images]
    images = cifar.images[chosen].float()
    images = ((images - images.mean(dim=0)) / SCALE).to(memory_format=torch.channels_last)
    for activation in ("relu", "tanh"):
        begun = time.time()
        curves = train(activation, args, images, cifar.labels[chosen])
        records.store(
            records.Record(
                experiment="first_curves",
                label=activation,
                command="python tools/relu_curves.py " + " ".join(sys.argv[1:]),
                data=cifar.source,
                images=args.images,
                seed=args.seed,
                config={
                    "activation": activation,
                    "rate": args.rate,
                    "batch": args.batch,
                    "pixels divided by": SCALE,
                },
                seconds=round(time.time() - begun),
                curves=curves,
                results={"training error": curves["training error"][-1]},
                **records.circumstances(),
            )
        )


if __name__ == "__main__":
    main()
