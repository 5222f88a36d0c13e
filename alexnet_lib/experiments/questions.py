"""The questions, declared: what the paper claims, which fields change, which number answers.

Rates are chosen from a grid for each arm; where one lies at the grid's edge the report says so.
"""

from dataclasses import replace

from ..guard import require_choice
from ..learning import TrainConfig
from ..training.presets import PRESETS
from .experiment import RANDOM_GAP, TOWER_GAP, Arm, Comparison, Crossing, Experiment, Gap, Value

# §3.1: Figure 1.
_TO_25 = Crossing("training error", 0.25)
# Four rates, each twice the one before, around the best of first readings with one seed.
_RAW = {"relu": (0.0005, 0.001, 0.002, 0.004), "tanh": (0.01, 0.02, 0.04, 0.08)}
_SCALED = (0.005, 0.01, 0.02, 0.04)
# Some of these grids had their best rate at the edge, or none that got there. They were widened on that side
# after the first runs: `tanh-scaled` had been measured at 0.04 by then.
_WIDER = {
    "sigmoid": (*_RAW["tanh"], 0.16),
    "tanh-scaled": (*_SCALED, 0.08),
    "relu-torch-start": (0.000125, 0.00025, *_RAW["relu"]),
}
_TODAY = {"input_scale": 1 / 64}  # pixels with a spread near 1


def _unit(unit: str, start: str = "", **changes: object) -> dict:
    return {"spec": f"figure-1-{unit}{start}", **changes}


RELU = Experiment(
    "relu-against-tanh",
    "How many times the epochs of a ReLU net does a tanh net need to 25 % training error on CIFAR-10?",
    PRESETS["figure-1"],
    {
        # As in 2012: pixels on 0-255 with the mean subtracted, weights from N(0, 0.01).
        "relu": Arm(_unit("relu"), _RAW["relu"]),
        "tanh": Arm(_unit("tanh"), _RAW["tanh"]),
        "tanh-at-relu-rate": Arm(_unit("tanh"), rate_of="relu"),
        "sigmoid": Arm(_unit("sigmoid"), _WIDER["sigmoid"]),
        "leaky-relu": Arm(_unit("leaky-relu"), _RAW["relu"]),
        # As today: scaled pixels, torch's first weights; and each of the two alone.
        "relu-today": Arm(_unit("relu", "-torch-start", **_TODAY), _SCALED),
        "tanh-today": Arm(_unit("tanh", "-torch-start", **_TODAY), _SCALED),
        "relu-scaled": Arm(_unit("relu", **_TODAY), _SCALED),
        "tanh-scaled": Arm(_unit("tanh", **_TODAY), _WIDER["tanh-scaled"]),
        "relu-torch-start": Arm(_unit("relu", "-torch-start"), _WIDER["relu-torch-start"]),
        "tanh-torch-start": Arm(_unit("tanh", "-torch-start"), _RAW["tanh"]),
    },
    (
        Comparison("relu-speed", "relu", "tanh", _TO_25, "ratio", 6.0),
        Comparison(None, "relu-today", "tanh-today", _TO_25, "ratio", 6.0),
        Comparison(None, "relu-scaled", "tanh-scaled", _TO_25, "ratio", 6.0),
        Comparison(None, "relu-torch-start", "tanh-torch-start", _TO_25, "ratio", 6.0),
        Comparison(None, "relu", "tanh-at-relu-rate", _TO_25, "ratio", 6.0),
        Comparison(None, "relu", "sigmoid", _TO_25, "ratio"),
        Comparison(None, "relu", "leaky-relu", _TO_25, "ratio"),
    ),
    criterion=_TO_25,  # speed alone, as the paper chose them
)

# The full net at 224 pixels on Imagenette: the paper's recipe, its rate within a factor of two.
_IMAGENETTE = PRESETS["imagenette"]
_RATES = (0.005, 0.01, 0.02)
_TOP_1, _TOP_5 = Value("top-1 error, ten crops"), Value("top-5 error, ten crops")
_CENTER_1, _CENTER_5 = Value("top-1 error, center"), Value("top-5 error, center")
_AVERAGED_1, _AVERAGED_5 = Value("top-1 error, averaged"), Value("top-5 error, averaged")
_TRAINING = Value("training error")
_GAP, _RANDOM_GAP = (Value(name, unit="of colorfulness") for name in (TOWER_GAP, RANDOM_GAP))


def _nets(*names: str, rates: tuple[float, ...] = _RATES) -> dict[str, Arm]:
    """An arm for each net, called after it."""
    return {name: Arm({"spec": name}, rates) for name in names}


def _errors(claim: str | None, arm: str, against: str, top_1: float | None, top_5: float | None) -> tuple:
    """Top-1 and top-5 error saved, with the paper's two numbers. The first of the two decides on a claim."""
    return (
        Comparison(claim, arm, against, _TOP_1, printed=top_1),
        Comparison(claim, arm, against, _TOP_5, printed=top_5),
    )


LRN = Experiment(
    "lrn",
    "What does response normalization save?",
    _IMAGENETTE,
    _nets("paper", "no-norm", "norm-1", "source-2012", "alpha-over-n"),
    (
        *_errors("lrn", "paper", "no-norm", 0.014, 0.012),
        *_errors("lrn-layer-2", "paper", "norm-1", None, None),
        *_errors(None, "source-2012", "no-norm", 0.014, 0.012),
        *_errors(None, "alpha-over-n", "no-norm", 0.014, 0.012),
    ),
)
OVERLAP = Experiment(
    "overlapping-pooling",
    "What do overlapping windows save, and do they hold back overfitting? Outputs and paddings are the same.",
    _IMAGENETTE,
    _nets("paper", "z-2"),
    (
        *_errors("overlap", "paper", "z-2", 0.004, 0.003),
        Comparison("overlap-overfitting", "paper", "z-2", Gap(_CENTER_1, _TRAINING)),
    ),
)
TOWERS = Experiment(
    "two-towers",
    "What do two towers save against one with half the kernels, what does their communication save, and do "
    "their first kernels part by color?",
    _IMAGENETTE,
    _nets("paper", "one-gpu", "full-width", "no-communication"),
    (
        *_errors("two-towers", "paper", "one-gpu", 0.017, 0.012),
        *_errors("no-communication", "paper", "no-communication", None, None),
        *_errors(None, "full-width", "paper", None, None),
        # §6.1. Between the two halves of one tower's kernels there should be nothing but chance.
        Comparison("tower-colors", "paper", "paper", _RANDOM_GAP, other=_GAP),
        Comparison(None, "full-width", "full-width", _RANDOM_GAP, other=_GAP),
        Comparison(None, "full-width", "paper", _GAP),
    ),
)
AUGMENTATION = Experiment(
    "augmentation",
    "What do color noise, crops and reflections save in training, and ten crops in the test?",
    _IMAGENETTE,
    {
        "all": Arm({}, _RATES),
        "no-color-noise": Arm({"color_noise": 0.0}, _RATES),
        "no-crops": Arm({"random_crops": False}, _RATES),
        "nothing": Arm({"random_crops": False, "color_noise": 0.0}, _RATES),
    },
    (
        Comparison("color-noise", "all", "no-color-noise", _TOP_1, printed=0.01),
        Comparison("ten-crops", "all", "all", _TOP_1, printed=0.015, other=_CENTER_1),
        Comparison("ten-crops", "all", "all", _TOP_5, printed=0.013, other=_CENTER_5),
        Comparison(None, "all", "no-crops", _CENTER_1),
        Comparison(None, "all", "nothing", _CENTER_1),
    ),
)
DROPOUT = Experiment(
    "dropout",
    "How many times the epochs to a training loss of 1 does dropout take, and how much overfitting is left?",
    _IMAGENETTE,
    {"dropout": Arm({}, _RATES), "no-dropout": Arm({"dropout": 0.0}, _RATES)},
    (
        # The loss with dropout is that of the thinned nets, as they learn.
        Comparison("dropout-time", "no-dropout", "dropout", Crossing("training loss", 1.0), "ratio", 2.0),
        Comparison(None, "dropout", "no-dropout", _CENTER_1),
    ),
)
_DECAYS = {"decay-0": 0.0, "decay-5e-5": 5e-5, "decay-5e-4": 5e-4, "decay-5e-3": 5e-3}
WEIGHT_DECAY = Experiment(
    "weight-decay",
    "Does a small weight decay lower even the training error?",
    _IMAGENETTE,
    {name: Arm({"weight_decay": decay}, _RATES) for name, decay in _DECAYS.items()},
    (
        Comparison("weight-decay", "decay-5e-4", "decay-0", _TRAINING),
        Comparison(None, "decay-5e-5", "decay-0", _TRAINING),
        Comparison(None, "decay-5e-3", "decay-0", _TRAINING),
    ),
)
DEPTH = Experiment(
    "depth",
    "What does the removal of a middle layer add?",
    _IMAGENETTE,
    _nets("paper", "no-conv3", "no-conv4", "no-conv3-conv4"),
    (
        Comparison("depth", "paper", "no-conv3", _TOP_1, printed=0.02),
        Comparison("depth", "paper", "no-conv4", _TOP_1, printed=0.02),
        Comparison(None, "paper", "no-conv3-conv4", _TOP_1),
    ),
)

# §6. Five runs of five nets. Those of a run learn from the same images; weights and order are their own.
AVERAGED = Experiment(
    "averaged-nets",
    "What does the average of five nets save against one of them?",
    _IMAGENETTE,
    {"five-nets": Arm({}, _RATES, nets=5)},
    (
        Comparison("averaged-nets", "five-nets", "five-nets", _AVERAGED_1, printed=0.026, other=_TOP_1),
        Comparison("averaged-nets", "five-nets", "five-nets", _AVERAGED_5, printed=0.018, other=_TOP_5),
    ),
)

# Four layers on CIFAR-10, with crops of 24 pixels and reflections, as the nets that the author published.
# 10,000 training images and 30 epochs let a laptop answer: these are 15 arms of 9 runs, four to find the rate
# and five to measure. For the same reason the net is the one without response normalization, which would
# double the time of a step, but where the question is about it. The test set is whole.
_CIFAR = TrainConfig(
    spec="four-layer-no-norm",
    data="cifar10",
    training_images=10_000,
    image_size=32,
    crop=24,
    color_noise=0.0,
    epochs=30,
    milestones=(20, 26),
    dropout=0.0,
)
# Four rates, each twice the one before, around the lowest training loss after three epochs with the search's
# seed: 0.004 without a norm, 0.008 with either norm, and with a hidden layer.
_CIFAR_RATES = (0.001, 0.002, 0.004, 0.008)
_NORM_RATES = (0.002, 0.004, 0.008, 0.016)
LRN_CIFAR = Experiment(
    "lrn-cifar",
    "What does response normalization save in a four-layer net on CIFAR-10, and what batch normalization?",
    _CIFAR,
    _nets("four-layer", "four-layer-batch-norm", rates=_NORM_RATES)
    | _nets("four-layer-no-norm", rates=_CIFAR_RATES),
    (
        Comparison("lrn-cifar", "four-layer", "four-layer-no-norm", _TOP_1, printed=0.02),
        Comparison(None, "four-layer-batch-norm", "four-layer-no-norm", _TOP_1),
        Comparison(None, "four-layer", "four-layer-batch-norm", _TOP_1),
    ),
)
# The same questions as above on small pictures: other data than the claim's, so none of them answers it.
OVERLAP_CIFAR = Experiment(
    "overlapping-pooling-cifar",
    "What do overlapping windows save in a four-layer net on CIFAR-10?",
    replace(_CIFAR, crop=23),  # 23, 11, 5 and 2 pixels with either window
    _nets("four-layer-no-norm", "four-layer-z-2", rates=_CIFAR_RATES),
    (
        Comparison(None, "four-layer-no-norm", "four-layer-z-2", _TOP_1),
        Comparison(None, "four-layer-no-norm", "four-layer-z-2", Gap(_CENTER_1, _TRAINING)),
    ),
)
AUGMENTATION_CIFAR = Experiment(
    "augmentation-cifar",
    "What do crops, reflections and color noise save in a four-layer net on CIFAR-10?",
    _CIFAR,
    {
        "crops": Arm({}, _CIFAR_RATES),
        "crops-color-noise": Arm({"color_noise": 0.1}, _CIFAR_RATES),
        # 0.0005 was added after the first runs, which had 0.001, the edge of the grid, as the best.
        "nothing": Arm({"random_crops": False}, (0.0005, *_CIFAR_RATES)),
    },
    (
        Comparison(None, "crops", "nothing", _CENTER_1),
        Comparison(None, "crops-color-noise", "crops", _TOP_1),
        Comparison(None, "crops", "crops", _TOP_1, other=_CENTER_1),
    ),
)
DROPOUT_CIFAR = Experiment(
    "dropout-cifar",
    "How many times the epochs to a training loss of 1.4 does dropout take in a net with a hidden layer on "
    "CIFAR-10, and what does it save?",
    replace(_CIFAR, spec="four-layer-hidden"),
    {
        "dropout": Arm({"dropout": 0.5}, _NORM_RATES),
        "no-dropout": Arm({}, _NORM_RATES),
        # Declared after the others had been measured: by one of 2,500 validation images the search chose
        # 0.008 for dropout, twice the rate of the other arm, and 0.004 gets to the loss sooner.
        "dropout-at-same-rate": Arm({"dropout": 0.5}, rate_of="no-dropout"),
    },
    (
        # With the search's seed the slower arm gets there in 12 epochs at 0.008, before the rate falls.
        Comparison(None, "no-dropout", "dropout", Crossing("training loss", 1.4), "ratio", 2.0),
        Comparison(None, "dropout", "no-dropout", _CENTER_1),
        # Overfitting. The training error, too, is that of the thinned nets.
        Comparison(None, "dropout", "no-dropout", Gap(_CENTER_1, _TRAINING)),
        Comparison(None, "no-dropout", "dropout-at-same-rate", Crossing("training loss", 1.4), "ratio", 2.0),
        Comparison(None, "dropout-at-same-rate", "no-dropout", _CENTER_1),
        Comparison(None, "dropout-at-same-rate", "no-dropout", Gap(_CENTER_1, _TRAINING)),
    ),
)
WEIGHT_DECAY_CIFAR = replace(
    WEIGHT_DECAY,
    name="weight-decay-cifar",
    question="Does a small weight decay lower even the training error of a four-layer net on CIFAR-10?",
    setting=_CIFAR,
    arms={name: Arm({"weight_decay": decay}, _CIFAR_RATES) for name, decay in _DECAYS.items()},
    comparisons=tuple(replace(comparison, claim=None) for comparison in WEIGHT_DECAY.comparisons),
)
AVERAGED_CIFAR = replace(
    AVERAGED,
    name="averaged-nets-cifar",
    question="What does the average of five four-layer nets save against one of them, on CIFAR-10?",
    setting=_CIFAR,
    arms={"five-nets": Arm({}, _CIFAR_RATES, nets=5)},
    comparisons=tuple(replace(comparison, claim=None) for comparison in AVERAGED.comparisons),
)

EXPERIMENTS = {
    experiment.name: experiment
    for experiment in (
        *(RELU, TOWERS, LRN, LRN_CIFAR, OVERLAP, OVERLAP_CIFAR, AUGMENTATION, AUGMENTATION_CIFAR),
        *(DROPOUT, DROPOUT_CIFAR, WEIGHT_DECAY, WEIGHT_DECAY_CIFAR, DEPTH),
        *(AVERAGED, AVERAGED_CIFAR),
    )
}


def named(name: str) -> Experiment:
    """The experiment of that name. Raises ValueError for an unknown one."""
    return EXPERIMENTS[require_choice("name", name, EXPERIMENTS)]
