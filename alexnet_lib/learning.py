"""The details of learning (§5): the paper's update rule, its initial weights, its settings."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, fields

import torch
from torch import Tensor, nn

from .checks import require_number
from .paper import BIAS_ONE, LEARNING


class PaperSGD(torch.optim.Optimizer):
    """Stochastic gradient descent as §5 prints it, with the rate inside the velocity.

        v <- momentum * v - weight_decay * lr * w - lr * dL/dw
        w <- w + v

    `torch.optim.SGD` keeps the rate outside (v <- momentum * v + g, w <- w - lr * v). At a constant rate
    both walk the same path. When the rate is divided by ten, torch's step shrinks at once; here the old
    velocity, gained at the old rate, dies away over the next steps.

    params as for every torch optimizer, tensors or groups with their own lr, momentum and weight_decay.
    """

    def __init__(
        self,
        params: Iterable,
        lr: float = LEARNING.rate,
        momentum: float = LEARNING.momentum,
        weight_decay: float = LEARNING.weight_decay,
    ):
        require_number("lr", lr, "it is the learning rate (§5: 0.01)", least=0.0)
        require_number(
            "momentum", momentum, "it is the share of velocity that stays (§5: 0.9)", least=0.0, most=1.0
        )
        require_number("weight_decay", weight_decay, "it pulls weights to zero (§5: 0.0005)", least=0.0)
        super().__init__(params, {"lr": lr, "momentum": momentum, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self, closure: Callable[[], Tensor] | None = None) -> Tensor | None:
        """One update. `closure`, if given, computes the loss anew and returns it."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            weights = [weight for weight in group["params"] if weight.grad is not None]
            if not weights:
                continue
            for weight in weights:
                if not self.state[weight]:
                    self.state[weight]["velocity"] = torch.zeros_like(weight)
            velocities = [self.state[weight]["velocity"] for weight in weights]
            # torch's own many-tensors-at-once operations: one call instead of one per layer.
            torch._foreach_mul_(velocities, group["momentum"])
            torch._foreach_add_(velocities, weights, alpha=-group["weight_decay"] * group["lr"])
            torch._foreach_add_(velocities, [weight.grad for weight in weights], alpha=-group["lr"])
            torch._foreach_add_(weights, velocities)
        return loss


@torch.no_grad()
def init_paper_(model: nn.Module) -> nn.Module:
    """Start a net as §5 says, in place: weights N(0, 0.01), biases 1 in conv2, 4, 5, fc6, fc7, else 0.

    Layers are known by their names, as `AlexNet` gives them; in any other net all biases start at 0.
    """
    for name, layer in model.named_modules():
        if isinstance(layer, nn.Conv2d | nn.Linear):
            nn.init.normal_(layer.weight, std=LEARNING.initial_std)
            if layer.bias is not None:
                nn.init.constant_(layer.bias, float(name.rpartition(".")[2] in BIAS_ONE))
    return model


@dataclass(frozen=True)
class TrainConfig:
    """One training run. Every default is the value printed in §5, or §4.2 for dropout."""

    batch_size: int = LEARNING.batch_size
    epochs: int = LEARNING.epochs
    rate: float = LEARNING.rate
    momentum: float = LEARNING.momentum
    weight_decay: float = LEARNING.weight_decay
    rate_divisions: int = LEARNING.rate_divisions
    dropout: float = LEARNING.dropout
    seed: int = 0  # ours: the paper names none

    def deviations(self) -> dict[str, tuple[object, object]]:
        """Where this run leaves the paper: field -> (paper's value, ours)."""
        paper = TrainConfig()
        pairs = {
            field.name: (getattr(paper, field.name), getattr(self, field.name)) for field in fields(self)
        }
        return {name: pair for name, pair in pairs.items() if pair[0] != pair[1]}
