"""What the paper and the 2012 source state, with section numbers, and the paper's misprints.

Paper: A. Krizhevsky, I. Sutskever, G. Hinton, "ImageNet Classification with Deep Convolutional Neural
Networks", NIPS 2012. Source 2012: the original code with its run logs, published by the Computer History
Museum in 2025; a configuration is named by its number, layers/layer-params-N.cfg.

Three values of a claim are never mixed: `paper` (printed), `source` (code and logs) and what we measure,
which is not here but in the records under `alexnet_lib/results`. This module imports nothing of ours.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class LocalResponseNormalization:
    """§3.3. `k` keeps the denominator off zero, `n` counts the maps of a window."""

    n: int = 5
    k: float = 2.0
    alpha: float = 1e-4
    beta: float = 0.75


@dataclass(frozen=True)
class Pooling:
    """§3.4. Windows of z x z, s pixels apart; they overlap because s < z."""

    z: int = 3
    s: int = 2


@dataclass(frozen=True)
class Images:
    """§2 and §4.1. `stored`: the side after rescaling and cutting; `crop`: the net's input."""

    stored: int = 256
    crop: int = 224
    classes: int = 1000
    training_images: int = 1_200_000  # "roughly"; ILSVRC-2010 and -2012
    noise_sigma: float = 0.1  # of the three random factors of the color noise
    test_crops: int = 10


@dataclass(frozen=True)
class Learning:
    """§5, "Details of learning"; the dropout probability is §4.2's."""

    batch_size: int = 128
    lr: float = 0.01
    momentum: float = 0.9
    weight_decay: float = 0.0005
    epochs: int = 90  # "roughly 90 cycles through the training set"
    max_drops: int = 3  # by ten, each when the validation error stopped improving
    initial_std: float = 0.01
    dropout: float = 0.5


LRN = LocalResponseNormalization()
POOLING = Pooling()
IMAGES = Images()
LEARNING = Learning()

# Layers whose biases start at 1 (§5): the ReLUs behind them then see positive inputs early on.
BIAS_ONE = ("conv2", "conv4", "conv5", "fc6", "fc7")

NEURONS = {  # caption of Figure 2
    "input": 150_528,
    "conv1": 253_440,
    "conv2": 186_624,
    "conv3": 64_896,
    "conv4": 64_896,
    "conv5": 43_264,
    "fc6": 4096,
    "fc7": 4096,
    "fc8": 1000,
}
ERRATA = {"conv1": 290_400}  # 253,440 is 55*48*96; the two towers together make 55*55*96


@dataclass(frozen=True)
class Claim:
    """One checkable statement. `source` is None where the 2012 package holds nothing on it."""

    name: str
    section: str
    statement: str
    paper: str
    source: str | None = None
    experiment: str | None = None  # the recorded experiment that measures it, if any


CLAIMS = (
    Claim(
        "error-2010",
        "6",
        "Test error on ILSVRC-2010, ten crops, top-1 / top-5",
        "37.5 % / 17.0 %",
        "37.47 % / 17.00 % (run 145-2010)",
    ),
    Claim(
        "error-2010-center",
        "6",
        "The same with the center crop alone",
        "39.0 % / 18.3 %",
        "39.02 % / 18.30 % (run 145-2010)",
    ),
    Claim(
        "error-2012",
        "6",
        "Validation error on ILSVRC-2012, one net, ten crops, top-1 / top-5",
        "40.7 % / 18.2 %",
        "40.66 % / 18.21 % (run 145)",
    ),
    Claim(
        "error-2012-continued",
        "6",
        "The same net trained on from epoch 91 to 135, the rate raised once more",
        "not in the paper",
        "40.25 % / 17.99 % (run 145, continued)",
    ),
    Claim(
        "averaged-nets",
        "6",
        "Top-1 / top-5 error saved by averaging five nets, ILSVRC-2012 validation",
        "2.6 / 1.8 points",
        experiment="what-each-part-is-worth",
    ),
    Claim("parameters", "1", "Parameters of the net", "60 million"),
    Claim("neurons", "1", "Neurons of the net", "650,000"),
    Claim(
        "relu-speed",
        "3.1",
        "Epochs to 25 % training error on CIFAR-10, tanh against ReLU (Figure 1)",
        "6 times",
        experiment="relu-against-tanh",
    ),
    Claim(
        "two-towers",
        "3.2",
        "Top-1 / top-5 error saved by two towers against one with half the kernels",
        "1.7 / 1.2 points",
        "1.70 / 1.23 points (145-half against 145-2010)",
        experiment="what-each-part-is-worth",
    ),
    Claim(
        "no-communication",
        "3.2",
        "The same saved by communication between the towers, conv3 reading both",
        "not in the paper",
        "1.16 / 1.12 points (150 against 145; 150 has a wider conv2 and fc6 too)",
        experiment="what-each-part-is-worth",
    ),
    Claim(
        "lrn",
        "3.3",
        "Top-1 / top-5 error saved by response normalization",
        "1.4 / 1.2 points",
        "1.37 / 1.15 points (148 against 145)",
        experiment="what-each-part-is-worth",
    ),
    Claim(
        "lrn-cifar",
        "3.3",
        "CIFAR-10 test error of a four-layer net without and with normalization",
        "13 % and 11 %",
        experiment="lrn-cifar",
    ),
    Claim(
        "lrn-layer-2",
        "3.3",
        "Top-1 / top-5 error saved by the two norms of layer 2, in runs of 2013",
        "not in the paper",
        "-0.04 / +0.07 points (167 against 170; their last rates differ too)",
    ),
    Claim(
        "overlap",
        "3.4",
        "Top-1 / top-5 error saved by overlapping pooling (z = 3, s = 2 against z = 2, s = 2)",
        "0.4 / 0.3 points",
        "0.39 / 0.30 points (147 against 145; 147 changes two paddings too)",
        experiment="what-each-part-is-worth",
    ),
    Claim(
        "overlap-overfitting",
        "3.4",
        "Nets with overlapping pooling are a little harder to overfit",
        "yes, no number",
        experiment="what-each-part-is-worth",
    ),
    Claim(
        "views",
        "4.1",
        "Different training views of one image, crops times horizontal flips",
        "2048",
        "2178: 33 positions each way, not 32",
    ),
    Claim(
        "color-noise",
        "4.1",
        "Top-1 error saved by color noise",
        "over 1 point",
        experiment="what-each-part-is-worth",
    ),
    Claim(
        "ten-crops",
        "4.1",
        "Top-1 / top-5 error saved by ten crops against the center crop",
        "1.5 / 1.3 points",
        "1.55 / 1.30 points (run 145-2010)",
        experiment="what-each-part-is-worth",
    ),
    Claim(
        "dropout-time",
        "4.2",
        "Iterations to converge with dropout against without",
        "about 2 times",
        experiment="what-each-part-is-worth",
    ),
    Claim(
        "weight-decay",
        "5",
        "Weight decay lowers the training error too",
        "yes, no number",
        experiment="what-each-part-is-worth",
    ),
    Claim(
        "tower-colors",
        "6.1",
        "First-layer kernels of one tower are color-blind, those of the other are not, in every run",
        "yes, no number",
        experiment="what-each-part-is-worth",
    ),
    Claim(
        "depth",
        "7",
        "Top-1 error added by removing a middle layer",
        "about 2 points",
        experiment="what-each-part-is-worth",
    ),
)


def claims(section: str) -> tuple[Claim, ...]:
    """The claims of one section, "3.3" for §3.3. Raises ValueError for a section that holds none."""
    found = tuple(claim for claim in CLAIMS if claim.section == section)
    if not found:
        known = sorted({claim.section for claim in CLAIMS})
        raise ValueError(f"section is {section!r}, and no claim stands there; choose from {', '.join(known)}")
    return found


@dataclass(frozen=True)
class Difference:
    """One point where the 2012 source does something else than the paper prints."""

    section: str
    subject: str
    paper: str
    source: str
    where: str


DIFFERENCES = (
    Difference(
        "3.3",
        "What alpha multiplies",
        "the sum of squares: alpha = 1e-4",
        "the sum divided by n: effectively 1e-4 / 5 = 2e-5",
        "layer.py:1183; torch.nn.LocalResponseNorm divides too",
    ),
    Difference(
        "3.3",
        "Order in layer 1",
        "convolution, ReLU, normalization, pooling",
        "convolution, normalization, pooling, ReLU",
        "layers-145.cfg: neuron=relu belongs to pool1",
    ),
    Difference(
        "3.3",
        "Norms of layer 2",
        "one, across channels",
        "a second one inside each channel: 5 x 5 window, 0.001 / 25, exponent 0.75",
        "layers-145.cfg: cnorm2a, type=rnorm",
    ),
    Difference(
        "3.3",
        "Windows at the tower boundary",
        "not said",
        "never cross from one GPU to the other (channel 47 to 48, 127 to 128)",
        "layers-145.cfg: each norm layer lives on one GPU",
    ),
    Difference(
        "3.5",
        "How 224 pixels give 55 windows",
        "not said",
        "1 + ceil((224 - 11) / 4) = 55; the last windows extend 3 pixels past the border",
        "layer.py:1004",
    ),
    Difference("5", "Initial weights", "N(0, 0.01)", "0.03 in conv3, conv4, conv5", "layers-145.cfg: initW"),
    Difference(
        "5",
        "Initial biases",
        "1 in conv2, conv4, conv5 and the hidden fully-connected layers",
        "the same",
        "layers-145.cfg: initB",
    ),
    Difference(
        "5",
        "Learning rates",
        "one for all layers, divided by 10 three times",
        "per layer: bias rate 0.02 kept; weights 0.01 to 1e-5 in 3 steps; conv1 cut at 67, frozen at 72",
        "run 145's log",
    ),
    Difference(
        "4.1",
        "Color noise",
        "throughout",
        "until about epoch 67, then none; the image is divided by 1.1 while it is on",
        "run 145's log; convdata_jpeg.py",
    ),
    Difference(
        "4.1",
        "A crop for each image",
        "random per image",
        "one crop and one reflection shared by 32 consecutive images",
        "convdata_jpeg.py: crop_chunk",
    ),
    Difference(
        "4.1",
        "Crop positions",
        "32 x 32 x 2 = 2048",
        "33 x 33 x 2 = 2178",
        "convdata_jpeg.py: randint(0, 2 * border + 1), border 16",
    ),
    Difference("4.2", "Dropout at test time", "outputs times 0.5", "the same", "layers-145.cfg"),
)


# What else the source does in its own way; the twelve above are those that change a result or a count.
FURTHER_DIFFERENCES = (
    Difference(
        "2",
        "The mean that a crop loses",
        "that of each pixel",
        "the center of the mean image, for every crop and reflection",
        "convdata_jpeg.py: data_mean_crop",
    ),
    Difference(
        "3.2",
        "Where the last layer lives",
        "not said",
        "fc8 lies whole on the first GPU",
        "layers-145.cfg: fc1000, gpu=0",
    ),
    Difference(
        "3.4",
        "What the net without overlap changes",
        "the pooling windows; outputs keep their size",
        "also the padding of conv2, 2 to 1, and of conv5, 1 to 0",
        "layers-147.cfg",
    ),
    Difference(
        "3.4",
        "Pooling windows at the edge",
        "not said",
        "counted with ceil: the last window may hang over",
        "layer.py: PoolLayerParser",
    ),
    Difference(
        "3.5",
        "Order in layer 5",
        "convolution, ReLU, pooling",
        "convolution, pooling, ReLU; the result is the same",
        "layers-145.cfg: neuron=relu stands on pool3",
    ),
)


def differences(*sections: str) -> tuple[Difference, ...]:
    """Where paper and source part: the twelve points, or all that is known about the given sections."""
    if not sections:
        return DIFFERENCES
    return tuple(row for row in DIFFERENCES + FURTHER_DIFFERENCES if row.section in sections)
