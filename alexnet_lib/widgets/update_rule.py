"""`UpdateRuleExplorer`: the paper's velocity against torch's on a bowl, when the learning rate drops (§5)."""

import numpy as np
import torch
from matplotlib.figure import Figure
from torch import Tensor

from ..learning import PaperSGD
from ..paper import LEARNING
from .base import PageWidget
from .params import Slider, Steps
from .posters import BLUE, GRAY, MARK, ORANGE
from .wording import number

STEPS = 120
CURVATURE, MINIMUM = (1.0, 10.0), (2.0, 1.0)  # away from 0, where weight decay pulls
WINDOW = (-4.5, 7.5, -3.5, 5)  # of the bowl that is drawn
SAME = 1e-9  # paths nearer than this differ by rounding alone


class UpdateRuleExplorer(PageWidget):
    """Walk down a bowl by the paper's update rule and by torch.optim.SGD, side by side (§5).

    The loss is (w1 - 2)^2 / 2 + 10 (w2 - 1)^2 / 2. `rate` (the learning rate), `momentum` and `weight_decay`
    as in the paper; the learning rate is divided by ten after `drop` of 120 steps. `w1` and `w2`: where the
    walk begins.
    """

    page_name = "update_rule"
    poster_size = (5.6, 2.4)

    rate = Slider(
        LEARNING.lr, 0.001, 0.1, "Learning rate ε", "it is the learning rate (§5: 0.01)", step=20, log=True
    )
    momentum = Slider(
        LEARNING.momentum,
        0,
        0.99,
        "Momentum",
        "it is the fraction of the velocity that stays (§5: 0.9)",
        step=0.01,
    )
    weight_decay = Steps([0, 0.0005, 0.005, 0.05, 0.5], "Weight decay", LEARNING.weight_decay)
    drop = Slider(20, 0, STEPS, "Drops after", "the walk has 120 steps", unit="steps")
    w1 = Slider(-3.0, -4, 4, "Start w1", "the walk begins in the picture", step=0.1)
    w2 = Slider(3.0, -3, 3, "Start w2", "the walk begins in the picture", step=0.1)

    def walk(self, rule: type[torch.optim.Optimizer]) -> Tensor:
        """The weights after 0 to 120 steps of `rule`: (121, 2), float64."""
        curvature, minimum, start = (
            torch.tensor(pair, dtype=torch.float64) for pair in (CURVATURE, MINIMUM, (self.w1, self.w2))
        )
        weights = torch.nn.Parameter(start)
        optimizer = rule([weights], lr=self.rate, momentum=self.momentum, weight_decay=self.weight_decay)
        path = [weights.detach().clone()]
        for step in range(STEPS):
            if step == self.drop:
                optimizer.param_groups[0]["lr"] /= 10
            weights.grad = curvature * (weights.detach() - minimum)
            optimizer.step()
            path.append(weights.detach().clone())
        return torch.stack(path)

    def paths(self) -> tuple[Tensor, Tensor]:
        """The paper's path and torch's."""
        return self.walk(PaperSGD), self.walk(torch.optim.SGD)

    def reference(self) -> list[float]:
        """Every sixth point of both paths, and how far they part."""
        paper, torchs = self.paths()
        return [
            *torch.cat([paper[6::6], torchs[6::6]]).flatten().tolist(),
            (paper - torchs).norm(dim=1).max().item(),
        ]

    def summary(self) -> str:
        paths = self.paths()
        apart = (paths[0] - paths[1]).norm(dim=1)
        ends = [number(_from_minimum(path)[-1].item()) for path in paths]
        if apart.max() < SAME:
            return f"Both rules walk the same path for all {STEPS} steps and end {ends[0]} from the minimum."
        strides = [number((path[self.drop + 1] - path[self.drop]).norm().item()) for path in paths]
        return (
            f"Both rules walk the same path until the learning rate drops after step {self.drop}; the next "
            f"step is {strides[0]} long by the paper's rule and {strides[1]} by torch's. They part by up to "
            f"{number(apart.max().item())}, at step {apart.argmax()}, and end {ends[0]} and {ends[1]} from "
            f"the minimum."
        )

    def draw_poster(self, figure: Figure) -> str:
        bowl, distance = figure.subplots(1, 2)
        left, right, low, high = WINDOW
        w1, w2 = np.meshgrid(np.linspace(left, right, 80), np.linspace(low, high, 80))
        loss = sum(c * (w - m) ** 2 / 2 for c, w, m in zip(CURVATURE, (w1, w2), MINIMUM, strict=True))
        bowl.contour(w1, w2, np.sqrt(loss), levels=4, colors=GRAY, antialiased=False, linewidths=1)
        looks = [("paper", BLUE, "-"), ("torch", ORANGE, "--")]
        for path, (name, color, style) in zip(self.paths(), looks, strict=True):
            bowl.plot(*path.T.numpy(), style, color=color)
            distance.semilogy(_from_minimum(path).numpy(), style, color=color, label=name)
        bowl.plot(*MINIMUM, "+", color=MARK)
        bowl.set(title="two paths on the bowl", xlabel="w1", ylabel="w2")
        distance.axvline(self.drop, color=MARK, linestyle=":")
        distance.set(title="distance to the minimum", xlabel="step")
        distance.legend()
        return (
            f"Two paths down a bowl, by the paper's update rule and by torch's, and their distance to the "
            f"minimum over {STEPS} steps; the learning rate is divided by ten after step {self.drop}."
        )


def _from_minimum(path: Tensor) -> Tensor:
    return (path - torch.tensor(MINIMUM, dtype=torch.float64)).norm(dim=1)
