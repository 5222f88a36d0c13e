"""What readers of the paper may bring along from notes and accounts, and what holds."""

from collections.abc import Iterator

from .. import paper
from ..architecture import SPECS
from ..augmentation import views
from ..experiments import Answer, named, report
from ..qualitative import recorded_first_layer, tower_gap
from ..spec import trace
from .results import ENTRY_ERRORS
from .table import Table


def readers_notes() -> Table:
    """Claims of five notes that readers wrote about the paper, what holds, and the chapter that shows it."""
    columns = ("note", "what it says", "what holds", "chapter")
    return Table("Notes of readers, and what holds", columns, tuple(_notes()))


def _answer(experiment: str, arm: str, against: str) -> Answer:
    """The first answer on two arms."""
    return next(
        answer
        for answer in report(named(experiment)).answers
        if (answer.comparison.arm, answer.comparison.against) == (arm, against)
    )


def _notes() -> Iterator[tuple[str, str, str, str]]:
    parameters = {name: f"{sum(layer.parameters for layer in trace(SPECS[name])):,}" for name in SPECS}
    net = SPECS["paper"]
    operations = sum(layer.multiply_accumulates for layer in trace(net)) / 1e6
    errors = {name: round(100 * error, 1) for name, error in ENTRY_ERRORS.items()}
    margin = errors["SIFT + FVs"] - errors["7 CNNs*"]
    gap = tower_gap(recorded_first_layer().weight)
    against_batch_norm = _answer("lrn-cifar", "four-layer", "four-layer-batch-norm")
    dropout_time = [
        _answer("dropout-cifar", "no-dropout", arm).effect for arm in ("dropout", "dropout-at-same-rate")
    ]
    yield (
        "000",
        "One GPU learns kernels without color, the other colored ones",
        f"The paper shows it for one net and says it of all. In the one net on record the towers differ in "
        f"color {'by more' if gap.p <= 0.05 else 'by no more'} than chance explains; in every run is not "
        f"measured yet",
        "3.2, 6.1",
    )
    yield (
        "000",
        "Batch normalization has replaced response normalization",
        "Later nets do have it in that place. It takes the contrast out that response normalization leaves "
        "in. Errors of a four-layer net on 10,000 images of CIFAR-10, batch normalization against the "
        f"other: {against_batch_norm.means}, {against_batch_norm.effect}; in the full net not measured yet",
        "3.3",
    )
    yield (
        "000",
        "Parameters and sizes of all tensors can be worked out by hand",
        f"Yes: {parameters['paper']} parameters, layer by layer",
        "3.5",
    )
    yield (
        "001",
        "Crops and reflections make the data 2048 times as large",
        f"The source draws from {views():,} views. Neither is a number of independent images: two crops "
        "share most of their pixels, and no view brings a new label",
        "4.1",
    )
    yield (
        "001",
        "Dropout makes training twice as long",
        "The paper says so of the iterations to converge. It depends on the form of dropout, the rate and "
        f"what counts as converged. In a small net on 10,000 images of CIFAR-10, to a training loss of 1.4: "
        f"{dropout_time[0]}, and {dropout_time[1]} at the rate of the net without; in the full net not "
        f"measured yet",
        "4.2",
    )
    yield (
        "001",
        "About 62 million parameters and 630 million operations",
        f"{parameters['paper']}; without towers {parameters['full-width']}. We count {operations:.0f} "
        "million multiply-accumulates, and no counting known to us gives 630 million",
        "3.5",
    )
    yield (
        "001",
        "Response normalization comes before the ReLU",
        "The paper puts it behind the ReLU. The 2012 source has it before the ReLU in layer 1, and behind "
        "it in layer 2",
        "3.3",
    )
    yield (
        "002",
        "The image has 227 pixels a side, because 224 do not fit",
        f"{net.image_size} fit: the last windows hang over the edge by 3 pixels. 227 is a later repair",
        "3.5",
    )
    yield (
        "002",
        "conv3 has 284 kernels",
        f"A misprint: {net.convs[2].out_channels}, for Figure 2 prints {paper.NEURONS['conv3']:,} neurons",
        "3.5, find the bug",
    )
    yield (
        "003",
        "A table of both towers, with stride 0 in conv3 to conv5",
        f"The stride is {net.convs[2].s}: windows 0 pixels apart never move on",
        "3.2, 3.5, find the bug",
    )
    yield (
        "003",
        "The entry won by 10.9 %",
        f"By {margin:.1f} points, {errors['SIFT + FVs']:g} % against {errors['7 CNNs*']:g} %. Relative to "
        f"the second, errors fell by {100 * margin / errors['SIFT + FVs']:.0f} %",
        "6",
    )
    yield (
        "004",
        "A table of layers with 58,322,314 parameters",
        f"{parameters['review-004']}: right, for one tower and ten classes",
        "3.5",
    )
    yield (
        "004",
        "A program: alpha of the first norm, weights never drawn, biases in the wrong layers, a "
        "transform that does nothing, validation images from the test set, Adam",
        "Each fault is rebuilt in small, found by a check and mended. Adam is no fault if it is said",
        "find the bug",
    )
    yield (
        "004",
        "A baseline: CIFAR-10 enlarged to 227 pixels, Adam at 0.001, 15 epochs",
        "The library has it as the preset cifar10-227, beside cifar10-paper; not measured yet",
        "5.1",
    )
