"""The details of learning (§5): the paper's update rule, its initial weights, its settings."""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, fields, replace
from fnmatch import fnmatch

import torch
from torch import Tensor, nn

from .guard import require_choice, require_count, require_flag, require_net, require_number
from .paper import BIAS_ONE, IMAGES, LEARNING
from .specs import NETS

PIECE = 2**16  # numbers of a weight that each thread of a CPU updates at a time


class PaperSGD(torch.optim.Optimizer):
    """Stochastic gradient descent as §5 prints it, with the rate inside the velocity.

        v <- momentum * v - weight_decay * lr * w - lr * dL/dw
        w <- w + v

    `torch.optim.SGD` keeps the rate outside (v <- momentum * v + g, w <- w - lr * v). At a constant rate
    both walk the same path. When the rate is divided by ten, torch's step shrinks at once; here the old
    velocity, gained at the old rate, dies away over the next steps.

    A group whose rate is 0 stands still at once, as in the 2012 source (weights.cu), and keeps its velocity.

    params as for every torch optimizer, tensors or groups with their own lr, momentum and weight_decay.
    """

    def __init__(
        self,
        params: Iterable,
        lr: float = LEARNING.lr,
        momentum: float = LEARNING.momentum,
        weight_decay: float = LEARNING.weight_decay,
    ):
        super().__init__(params, {"lr": lr, "momentum": momentum, "weight_decay": weight_decay})
        for group in self.param_groups:
            require_number("lr", group["lr"], "it is the learning rate (§5: 0.01)", least=0.0)
            why = "it is the share of velocity that stays (§5: 0.9)"
            require_number("momentum", group["momentum"], why, least=0.0, most=1.0)
            why = "it pulls weights to zero (§5: 0.0005)"
            require_number("weight_decay", group["weight_decay"], why, least=0.0)

    @torch.no_grad()
    def step(self, closure: Callable[[], Tensor] | None = None) -> Tensor | None:
        """One update. `closure`, if given, computes the loss anew and returns it."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            weights = [weight for weight in group["params"] if weight.grad is not None]
            if not weights or group["lr"] == 0:
                continue
            for weight in weights:
                if not self.state[weight]:
                    self.state[weight]["velocity"] = torch.zeros_like(weight)
            velocities = [self.state[weight]["velocity"] for weight in weights]
            gradients = [weight.grad for weight in weights]
            keep, decay, rate = group["momentum"], -group["weight_decay"] * group["lr"], -group["lr"]
            if weights[0].device.type == "cpu":
                for tensors in zip(weights, velocities, gradients, strict=True):
                    momentum = tensors[1].new_tensor(keep)  # else every multiplication makes it one
                    for w, v, g in _pieces(*tensors):
                        v.mul_(momentum).add_(w, alpha=decay).add_(g, alpha=rate)
                        w.add_(v)
            else:  # torch's own many-tensors-at-once operations: one call instead of one per layer
                torch._foreach_mul_(velocities, keep)
                torch._foreach_add_(velocities, weights, alpha=decay)
                torch._foreach_add_(velocities, gradients, alpha=rate)
                torch._foreach_add_(weights, velocities)
        return loss


def _pieces(*tensors: Tensor) -> Iterable[tuple[Tensor, ...]]:
    """The same numbers of every tensor, so few at a time that all work on them is done in the CPU's cache."""
    if not all(tensor.is_contiguous() for tensor in tensors):
        return [tensors]  # a convolution's in channels_last, which are few
    size = PIECE * torch.get_num_threads()
    return zip(*(tensor.view(-1).split(size) for tensor in tensors), strict=True)


@torch.no_grad()
def init_paper_(model: nn.Module) -> nn.Module:
    """Start a net as §5 says, in place: weights N(0, 0.01), biases 1 in conv2, 4, 5, fc6, fc7, else 0.

    Layers are known by their names, as `AlexNet` gives them; in any other net all biases start at 0.
    """
    for name, layer in require_net("model", model).named_modules():
        if isinstance(layer, nn.Conv2d | nn.Linear):
            nn.init.normal_(layer.weight, std=LEARNING.initial_std)
            if layer.bias is not None:
                nn.init.constant_(layer.bias, float(name.rpartition(".")[2] in BIAS_ONE))
    return model


OPTIMIZERS = {"paper-sgd": PaperSGD, "torch-sgd": torch.optim.SGD, "adam": torch.optim.Adam}


@dataclass(frozen=True)
class RateGroup:
    """Parameters that share a learning rate and a weight decay.

    pattern: which parameters, by name, with * and ?; rates: (epoch from which, what the run's rate is
    multiplied by), the first from epoch 0; weight_decay: the same kind of factor.
    """

    pattern: str
    rates: tuple[tuple[int, float], ...] = ((0, 1.0),)
    weight_decay: float = 1.0

    def __post_init__(self):
        if not isinstance(self.pattern, str):
            raise TypeError(f"pattern is {self.pattern!r}, and must be a text such as '*.bias'")
        if not isinstance(self.rates, tuple | list):
            raise TypeError(
                f"rates are {self.rates!r}, and must be pairs of an epoch and a factor: ((0, 1.0),)"
            )
        starts = [_require_rate(pair) for pair in self.rates]
        if not starts or starts[0] != 0 or starts != sorted(starts):
            raise ValueError(f"rates are {self.rates!r}, and must start with epoch 0 and rise: ((0, 1.0),)")
        require_number("weight_decay", self.weight_decay, "it is a factor (1: the run's own)", least=0.0)

    def factor(self, epoch: int) -> float:
        """What the run's rate is multiplied by in `epoch`, counted from 0."""
        require_count("epoch", epoch, "epochs are counted from 0", least=0)
        return [factor for start, factor in self.rates if start <= epoch][-1]


def _require_rate(pair: tuple[int, float]) -> int:
    """The epoch of a pair (epoch, factor)."""
    if not isinstance(pair, tuple | list) or len(pair) != 2:
        raise TypeError(f"rates hold {pair!r}, and must be pairs of an epoch and a factor: ((0, 1.0), ...)")
    require_number("rates", pair[1], "an epoch has a factor for the run's rate (1)", least=0.0)
    return require_count("rates", pair[0], "a factor holds from an epoch on, counted from 0", least=0)


# Which rates a run has. A parameter belongs to the first group whose pattern fits its name.
LR_PLANS = {
    "paper": (RateGroup("*"),),  # §5: one rate for all layers
    # The log of run 145 (layer-params-145.cfg). Biases keep twice the first rate throughout, and weight decay
    # is not applied to them; conv1 is slowed at 67 and stands still from 72 on.
    "source-2012": (
        RateGroup("features.conv1.weight", ((0, 1.0), (25, 0.1), (51, 0.01), (67, 0.001), (72, 0.0)), 1.0),
        RateGroup("features.conv1.bias", ((0, 2.0), (72, 0.0)), 0.0),
        RateGroup("*.bias", ((0, 2.0),), 0.0),
        RateGroup("*", ((0, 1.0), (25, 0.1), (51, 0.01), (79, 0.001)), 1.0),
    ),
}


def parameter_groups(model: nn.Module, plan: Sequence[RateGroup], weight_decay: float) -> list[dict]:
    """The parameters of `model` as groups for an optimizer, each with its place in the plan under "plan"."""
    weight_decay = require_number("weight_decay", weight_decay, "it pulls weights to zero", least=0.0)
    listed = isinstance(plan, Sequence) and not isinstance(plan, str | bytes)
    if not listed or not all(isinstance(group, RateGroup) for group in plan):
        raise TypeError(f"plan is {plan!r}, and must be a sequence of RateGroup: (RateGroup('*'),)")
    members = [[] for _ in plan]
    for name, parameter in require_net("model", model).named_parameters():
        fitting = [place for place, group in enumerate(plan) if fnmatch(name, group.pattern)]
        if not fitting:
            raise ValueError(f"plan has no group for {name}: end it with RateGroup('*')")
        members[fitting[0]].append(parameter)
    return [
        {"params": members[place], "weight_decay": weight_decay * group.weight_decay, "plan": place}
        for place, group in enumerate(plan)
        if members[place]
    ]


@dataclass
class Plateau:
    """Divide the rate by ten when the validation error stops improving, at most `divisions` times (§5).

    The paper's authors did it by hand. Here the error has stopped improving when `patience` epochs in a row
    brought none below the best; patience is ours.
    """

    divisions: int = LEARNING.max_drops
    patience: int = 5
    best: float = math.inf
    waited: int = 0  # epochs since the best, or since the last division
    divided: int = 0

    def __post_init__(self):
        require_count("divisions", self.divisions, "it counts divisions by ten (§5: 3)", least=0)
        require_count("patience", self.patience, "it counts epochs without improvement")

    @property
    def factor(self) -> float:
        """What the run's rate is multiplied by: 1, 0.1, 0.01, ..."""
        return 10.0**-self.divided

    def see(self, error: float) -> bool:
        """Take in the validation error of one more epoch; True if the rate was divided for the next."""
        error = require_number("error", error, "it is the validation error of an epoch")
        improved = error < self.best
        self.best, self.waited = min(self.best, error), 0 if improved else self.waited + 1
        due = self.waited >= self.patience and self.divided < self.divisions
        if due:
            self.divided, self.waited = self.divided + 1, 0
        return due


@dataclass(frozen=True)
class TrainConfig:
    """One training run. Every default is the paper's (§2-§5); `ours` says where it names none.

    Each field is checked on its own when a config is made, and what does not fit together too.
    """

    spec: str = "paper"  # a name from variants.NETS
    data: str = "folder:imagenet"  # what dataset.load takes
    val_fraction: float = 0.05  # ours: the share of the training set that only the plateau looks at
    training_images: int | None = None  # ours: so many of the rest, another choice for each split; None: all
    split_seed: int | None = None  # ours: draws the images held out and left out; None: seed does
    image_size: int = IMAGES.stored
    crop: int | None = None  # the spec's own (§4.1: 224)
    input_scale: float = 1.0  # the pixels' factor; 1 leaves them on 0-255
    random_crops: bool = True  # with reflections; without, the center crop
    crop_shared_by: int = 1  # 32 in the 2012 source
    color_noise: float = IMAGES.noise_sigma
    color_noise_scale: str = "eigenvalue"  # or "deviation", the 2012 source's; see PCAColorNoise
    optimizer: str = "paper-sgd"  # or "torch-sgd", "adam"
    batch_size: int = LEARNING.batch_size  # over all processes together
    epochs: int = LEARNING.epochs
    stop_at_error: float | None = None  # ours: an epoch's training error that ends the run; None: never
    lr: float = LEARNING.lr
    lr_plan: str = "paper"  # a name from LR_PLANS
    max_drops: int = LEARNING.max_drops  # on a plateau; 0 keeps the rate
    patience: int = 5  # ours: epochs without improvement that make a plateau
    milestones: tuple[int, ...] = ()  # fixed epochs to divide by ten at, instead of plateaus
    momentum: float = LEARNING.momentum
    weight_decay: float = LEARNING.weight_decay
    dropout: float = LEARNING.dropout
    seed: int = 0  # ours: the paper names none
    precision: str = "float32"  # or "bfloat16", "float16"
    channels_last: bool = True  # ours: the order of numbers in memory
    compiled: bool = False  # torch.compile

    def __post_init__(self):
        require_choice("spec", self.spec, NETS)
        if not isinstance(self.data, str):
            raise TypeError(f"data is {self.data!r}, and must be a name that dataset.load takes: 'cifar10'")
        require_number("val_fraction", self.val_fraction, "it is a share (0.05)", least=0.0, most=0.5)
        if self.training_images is not None:
            require_count("training_images", self.training_images, "it counts images to train on; None: all")
        if self.split_seed is not None:
            require_count("split_seed", self.split_seed, "it draws the images that are left out", least=0)
        require_count("image_size", self.image_size, "it is the side of the stored images (§2: 256)")
        if self.crop is not None:
            require_count("crop", self.crop, "it is the side of the net's input (§4.1: 224)")
        for name, why in (
            ("random_crops", "without them the center is cut"),
            ("channels_last", "it is an order of numbers in memory"),
            ("compiled", "it asks for torch.compile"),
        ):
            require_flag(name, getattr(self, name), why)
        require_number("input_scale", self.input_scale, "1 keeps 0-255, 1/255 makes 0-1", above=0.0)
        require_count("crop_shared_by", self.crop_shared_by, "that many images share a crop (1, or 32)")
        require_number("color_noise", self.color_noise, "it is the deviation of a (§4.1: 0.1)", least=0.0)
        require_choice("color_noise_scale", self.color_noise_scale, ("eigenvalue", "deviation"))
        require_choice("optimizer", self.optimizer, OPTIMIZERS)
        require_count("batch_size", self.batch_size, "it counts the images of a step (§5: 128)")
        require_count("epochs", self.epochs, "it counts passes over the training set (§5: 90)")
        if self.stop_at_error is not None:
            require_number("stop_at_error", self.stop_at_error, "it is a share (0.25)", least=0.0, most=1.0)
        require_number("lr", self.lr, "it is the learning rate (§5: 0.01)", least=0.0)
        require_choice("lr_plan", self.lr_plan, LR_PLANS)
        require_count("max_drops", self.max_drops, "it counts divisions by ten (§5: 3)", least=0)
        require_count("patience", self.patience, "it counts epochs without improvement")
        require_number("momentum", self.momentum, "a share of velocity (§5: 0.9)", least=0.0, most=1.0)
        require_number("weight_decay", self.weight_decay, "it pulls to zero (§5: 0.0005)", least=0.0)
        require_number("dropout", self.dropout, "it is a probability (§4.2: 0.5)", least=0.0, most=0.99)
        require_count("seed", self.seed, "it starts the random numbers", least=0)
        require_choice("precision", self.precision, ("float32", "bfloat16", "float16"))
        if not isinstance(self.milestones, tuple | list):
            raise TypeError(f"milestones is {self.milestones!r}, and must be a tuple of epochs: (40, 65)")
        for epoch in self.milestones:
            require_count("milestones", epoch, "the rate is divided by ten after so many epochs", least=0)
        if list(self.milestones) != sorted(set(self.milestones)):
            raise ValueError(f"milestones is {self.milestones}, and must rise: the epochs come in order")
        if self.milestones and self.lr_plan != "paper":
            raise ValueError(
                f"milestones is {self.milestones}, and lr_plan {self.lr_plan!r} has epochs of its own: "
                f"leave one of them out"
            )
        if self.input_size > self.image_size:
            raise ValueError(
                f"crop is {self.input_size} and image_size {self.image_size}, and a crop has to fit into its "
                f"image: use image_size={self.input_size} or more, or a smaller crop"
            )
        if self.watches_plateau and not self.val_fraction:
            raise ValueError(
                "val_fraction is 0, and the plateau has no images to look at: hold out a share (0.05), name "
                "milestones, or use max_drops=0"
            )

    @property
    def input_size(self) -> int:
        """The side of the net's input in pixels."""
        return self.crop or NETS[self.spec].image_size

    @property
    def split(self) -> int:
        """The seed that draws the images held out and left out: runs of one split learn from the same."""
        return self.seed if self.split_seed is None else self.split_seed

    @property
    def watches_plateau(self) -> bool:
        """Whether the rate falls on plateaus: with one rate for all layers and no epochs named for it."""
        return self.max_drops > 0 and not self.milestones and self.lr_plan == "paper"

    def plan(self) -> tuple[RateGroup, ...]:
        """The groups of parameters and their rates. A plan made for 90 epochs is stretched to this run's."""
        if self.milestones:
            tenths = tuple((epoch, 10.0**-n) for n, epoch in enumerate(self.milestones, 1))
            return tuple(replace(group, rates=((0, 1.0), *tenths)) for group in LR_PLANS["paper"])
        stretch = self.epochs / LEARNING.epochs
        return tuple(
            replace(group, rates=tuple((round(start * stretch), factor) for start, factor in group.rates))
            for group in LR_PLANS[self.lr_plan]
        )

    def make_optimizer(self, model: nn.Module) -> torch.optim.Optimizer:
        """The optimizer of this run, with the parameters in the groups of `plan`."""
        groups = parameter_groups(model, self.plan(), self.weight_decay)
        if self.optimizer == "adam":
            return torch.optim.Adam(groups, lr=self.lr)
        return OPTIMIZERS[self.optimizer](groups, lr=self.lr, momentum=self.momentum)

    def deviations(self) -> dict[str, tuple[object, object]]:
        """Where this run leaves the paper: field -> (paper's value, ours), the crop in pixels."""
        paper = TrainConfig()
        pairs = {
            field.name: (getattr(paper, field.name), getattr(self, field.name)) for field in fields(self)
        }
        pairs["crop"] = (paper.input_size, self.input_size)  # None stands for the spec's own side
        return {name: pair for name, pair in pairs.items() if pair[0] != pair[1]}
