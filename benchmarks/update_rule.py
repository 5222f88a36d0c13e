"""The paper's update rule against torch's, on the parameters of the paper's net: time of one step.

    python benchmarks/update_rule.py

Both update the same 60,965,224 numbers, in turn, so that a busy machine slows both. The ratio is torch's time
divided by ours, the median over the rounds: above 1 ours is faster.
"""

import statistics
import time

import torch

from alexnet_lib.architecture import AlexNet
from alexnet_lib.learning import PaperSGD

ROUNDS = 15


def optimizer_on_its_own_copy(make):
    net = AlexNet("paper")
    for parameter in net.parameters():
        parameter.grad = torch.randn_like(parameter)
    return make(net.parameters())


def seconds(optimizer) -> float:
    begun = time.perf_counter()
    optimizer.step()
    return time.perf_counter() - begun


def main() -> None:
    settings = {"lr": 0.01, "momentum": 0.9, "weight_decay": 5e-4}
    ours = optimizer_on_its_own_copy(lambda parameters: PaperSGD(parameters, **settings))
    print(f"torch {torch.__version__}, CPU, {torch.get_num_threads()} thread(s)")
    for how in ("foreach", "fused"):
        torchs = optimizer_on_its_own_copy(lambda p, how=how: torch.optim.SGD(p, **settings, **{how: True}))
        for optimizer in (ours, torchs):
            optimizer.step()  # makes the velocities
        pairs = [(seconds(torchs), seconds(ours)) for _ in range(ROUNDS)]
        ratio = statistics.median(theirs / own for theirs, own in pairs)
        mine = statistics.median(own for _, own in pairs)
        print(f"against torch.optim.SGD({how}=True): {mine:.3f} s ours, x {ratio:.2f}")


if __name__ == "__main__":
    main()
