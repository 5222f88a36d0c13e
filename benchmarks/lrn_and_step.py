"""Response normalization against torch's layer, and a training step against torchvision's alexnet, by ratios.

Rounds are interleaved and a ratio is the median over rounds, because other programs come and go.
"""

import statistics

import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.benchmark import Timer
from torchvision.models import alexnet

from alexnet_lib import fast
from alexnet_lib.architecture import AlexNet
from alexnet_lib.normalization import LocalResponseNorm

ROUNDS = 5


def ratio(theirs, ours):
    """How many times as fast ours is."""
    rounds = []
    for _ in range(ROUNDS):
        times = [Timer("f()", globals={"f": call}).timeit(1).mean for call in (theirs, ours)]
        rounds.append(times[0] / times[1])
    return statistics.median(rounds)


def lrn(shape, memory_format):
    a = torch.randn(shape).to(memory_format=memory_format).requires_grad_()
    g = torch.randn(shape).to(memory_format=memory_format)
    layers = nn.LocalResponseNorm(5, alpha=5e-4, k=2.0), fast.use(LocalResponseNorm())
    return ratio(*(lambda layer=layer: torch.autograd.grad(layer(a), a, g) for layer in layers))


def step(autocast, batch=64):
    images, labels = torch.randn(batch, 3, 224, 224), torch.randint(1000, (batch,))
    images = images.to(memory_format=torch.channels_last)

    def one(net):
        sgd = torch.optim.SGD(net.parameters(), lr=1e-4, momentum=0.9, weight_decay=5e-4, fused=True)

        def call():
            with torch.autocast("cpu", torch.bfloat16, enabled=autocast):
                loss = F.cross_entropy(net(images), labels)
            sgd.zero_grad()
            loss.backward()
            sgd.step()

        return call

    return ratio(one(alexnet().to(memory_format=torch.channels_last)), one(fast.use(AlexNet("paper"))))


if __name__ == "__main__":
    torch.set_num_threads(1)
    for shape in ((32, 96, 55, 55), (64, 256, 27, 27)):
        for memory_format in (torch.contiguous_format, torch.channels_last):
            print(f"LRN {shape} {memory_format}: {lrn(shape, memory_format):.1f}", flush=True)
    for autocast in (False, True):
        print(f"step, {'bfloat16 autocast' if autocast else 'float32'}: {step(autocast):.2f}", flush=True)
