"""What a chapter hands to figures, tables, experiments and checkers, with one part of it made wrong.

Right arguments stand here once for each function. From them come the wrong ones: a number, word or tensor
anywhere in an argument is put in place of another, or something is emptied.
"""

import ast
import dataclasses
import math
import re
import traceback
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pytest
import test_bad_input
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.figure import Figure
from test_api import api
from test_bench import SESSION
from test_records import RECORD
from torch import Tensor, nn

import alexnet_lib
from alexnet_lib import (
    bench,
    chapter,
    distributed,
    evaluation,
    experiments,
    figures,
    learning,
    memory,
    normalization,
    paper,
    qualitative,
    records,
    reuse,
    spec,
    tables,
    towers,
    variants,
)
from alexnet_lib.architecture import PAPER
from alexnet_lib.augmentation import PCAColorNoise
from alexnet_lib.experiments import EXPERIMENTS, Arm, Comparison, Crossing, Experiment, Gap, Value
from alexnet_lib.learning import LR_PLANS, RateGroup, TrainConfig
from alexnet_lib.qualitative import Guess
from alexnet_lib.training.presets import config_from

OURS = str(Path(alexnet_lib.__file__).parent)
quick = settings(deadline=None, derandomize=True, database=None, max_examples=25)

PHOTO = torch.arange(3 * 224 * 224).remainder(251).view(3, 224, 224).to(torch.uint8)
SMALL = PHOTO[:, :12, :12]
MAPS = torch.rand(96, 4, 4)
KERNELS = torch.randn(4, 3, 5, 5)
NOISE = PCAColorNoise().fit(PHOTO[None])
WEIGHT = nn.Parameter(torch.ones(1))
ERRORS = {"a": [0.5, 0.25], "b": [0.75, 0.5]}
ROW = bench.Row("group/one", "ours", "peer", "bytes", None, None, bench.Pair)
RATIO = Comparison(None, "a", "b", Value("error"), "ratio", 2.0)
ARMS = {"a": Arm({}), "b": Arm({"lr": 0.02})}

# name -> (function, right arguments). An argument that a call leaves out is not tried.
CALLS = {
    # what the chapters compute with
    "window_sum": (normalization.window_sum, dict(x=MAPS, n=3)),
    "topk_misses": (evaluation.topk_misses, dict(scores=torch.eye(3), labels=torch.tensor([0, 1, 2]), k=1)),
    "per_class_errors": (
        evaluation.per_class_errors,
        dict(scores=torch.eye(3), labels=torch.tensor([0, 1, 2])),
    ),
    "topk_labels": (qualitative.topk_labels, dict(probabilities=torch.eye(3), classes=("a", "b", "c"), k=2)),
    "tower_gap": (qualitative.tower_gap, dict(kernels=KERNELS, towers=2, splits=9, seed=0)),
    "in_place": (lambda net: memory.in_place(net).__enter__(), dict(net=nn.Sequential(nn.ReLU()))),
    "forwards_of": (reuse.forwards_of, dict(net=nn.Sequential(nn.ReLU()))),
    "separate": (towers.separate, dict(conv=nn.Conv2d(4, 6, 3, groups=2))),
    "bytes_to_cross": (distributed.bytes_to_cross, dict(spec=PAPER, images=2, bytes_each=4)),
    "bytes_of_gradients": (distributed.bytes_of_gradients, dict(spec=PAPER, bytes_each=4)),
    "claims": (paper.claims, dict(section="3.3")),
    "parameter_groups": (
        learning.parameter_groups,
        dict(model=nn.Linear(2, 2), plan=LR_PLANS["source-2012"], weight_decay=5e-4),
    ),
    "PaperSGD": (
        learning.PaperSGD,
        dict(params=[WEIGHT], lr=0.1, momentum=0.9, weight_decay=0.1),
    ),
    "Plateau": (learning.Plateau, dict(divisions=3, patience=5)),
    # figures
    "Picture": (
        figures.Picture,
        dict(figure=Figure(), alt="A line that rises to the right."),
    ),
    "as_picture": (figures.as_picture, dict(image=SMALL)),
    "photograph_row": (
        figures.photograph_row,
        dict(
            images={"one": SMALL, "two": SMALL}, alt="Two small photographs in a row.", height=2.0, per_row=2
        ),
    ),
    "active_units": (figures.active_units, dict(shares={"conv1": (0.5, 0.25), "conv2": (0.25, 0.0)})),
    "middle_field": (figures.middle_field, dict(name="conv3")),
    "fields_on_photograph": (figures.fields_on_photograph, dict(image=PHOTO, names=("conv1", "conv3"))),
    "rescaling": (figures.rescaling, dict(name="cat", photograph=PHOTO[:, :9], square=SMALL)),
    "crop_frames": (
        figures.crop_frames,
        dict(image=SMALL, places=((0, 0, False), (2, 3, True)), size=8),
    ),
    "crop_positions": (figures.crop_positions, dict(side=12, size=8)),
    "color_components": (figures.color_components, dict(images=SMALL[None], noise=NOISE, dots=20)),
    "color_shifts": (figures.color_shifts, dict(image=SMALL, shifts={"p1": torch.ones(3)})),
    "ten_patches": (figures.ten_patches, dict(image=SMALL, size=8)),
    "view_errors": (figures.view_errors, dict(errors={"seen": (0.5, 0.25), "moved": (0.75, 0.5)})),
    "subtracting": (figures.subtracting, dict(name="cat", square=SMALL, mean=SMALL.float())),
    "steps_by_rate": (figures.steps_by_rate, dict(steps={"raw": {0.1: 20, 0.2: 10}}, most=100)),
    "wiring_without": (figures.wiring_without, dict(removed=[(3,), (3, 4)])),
    "errors_by_seed": (figures.errors_by_seed, dict(errors=ERRORS)),
    "dropout_masks": (
        figures.dropout_masks,
        dict(activities=torch.rand(4), keep=torch.ones(2, 4), factor=0.5),
    ),
    "averages_against_one": (
        figures.averages_against_one,
        dict(halved=torch.rand(2, 3), arithmetic=torch.rand(2, 3), geometric=torch.rand(2, 3)),
    ),
    "dropout_curves": (
        figures.dropout_curves,
        dict(steps=[5, 10], errors=ERRORS, losses={"a": [2.0, 1.5], "b": [1.0, 3.0]}, reached=0.3),
    ),
    "averaged_nets": (figures.averaged_nets, dict(counts=[1, 10], errors=[0.5, 0.25], halved=0.25)),
    "confusion_picture": (
        figures.confusion_picture,
        dict(counts=torch.tensor([[3, 1], [0, 2]]), classes=("cat", "dog")),
    ),
    "nets_and_average": (
        figures.nets_and_average,
        dict(errors={"one": (0.5, 0.25), "two": (0.75, 0.5), "average": (0.5, 0.25)}),
    ),
    "steps_of_the_margin": (figures.steps_of_the_margin, dict(errors={"best": 20.0, "ours": 15.0})),
    "top_guesses": (figures.top_guesses, dict(guesses={"cat": ("dog", "cat"), "boat": ("sea", "dock")})),
    "experiment": (figures.experiment, dict(name="lrn", folder=records.RESULTS)),
    "experiment_caption": (figures.experiment_caption, dict(name="lrn", folder=records.RESULTS)),
    "time_by_speed": (figures.time_by_speed, dict(operations=1e17, days=5.5)),
    "first_signals": (figures.first_signals, dict(arms={"a": {"conv1": (0.5, 0.5), "fc8": (0.25, 0.5)}})),
    "losses": (
        figures.losses,
        dict(panels={"one": {"a": [2.0, 1.0], "b": [1.0, 3.0]}}, classes=10, window=2),
    ),
    "momentum_average": (
        figures.momentum_average,
        dict(momentum=0.9, gradients=[1.0, 2.0], velocity=[1.0, 1.5]),
    ),
    "plateaus": (figures.plateaus, dict(errors=[0.5, 0.25], rates=[0.1, 0.01])),
    "step_lengths": (figures.step_lengths, dict(rules={"a": [1.0, 0.5], "b": [1.0, 0.25]}, drop=1)),
    "recorded_errors": (figures.recorded_errors, dict(runs=[RECORD])),
    "lrn_response": (figures.lrn_response, dict(alphas={"a": 1e-4, "b": 2e-5}, k=2.0, beta=0.75)),
    "lrn_windows": (figures.lrn_windows, dict(centers=(45, 46), n=5, maps=96)),
    "maps_before_after": (
        figures.maps_before_after,
        dict(before=MAPS, after=MAPS / 2, chosen=(3, 5), photograph=SMALL),
    ),
    "pooled_maps": (
        figures.pooled_maps,
        dict(photograph=SMALL, plane=MAPS[0], pooled={"a": MAPS[1], "b": MAPS[2]}, name="map 48"),
    ),
    "pooling_windows": (figures.pooling_windows, dict(side=13)),
    "shift_changes": (figures.shift_changes, dict(shifts=[1, 2], changes={"a": [0.5, 1.5]})),
    "colorfulness_by_tower": (figures.colorfulness_by_tower, dict(sets={"one": KERNELS})),
    "first_layer_kernels": (figures.first_layer_kernels, dict(weights=KERNELS, towers=2, shared=False)),
    "five_labels": (
        figures.five_labels,
        dict(
            images=SMALL[None], guesses=((Guess("cat", 0.5), Guess("dog", 0.25)),), right=("cat",), per_row=2
        ),
    ),
    "nearest_images": (
        figures.nearest_images,
        dict(queries=SMALL[None], found=SMALL[None, None], same=torch.tensor([[True]]), by="pixels"),
    ),
    "error_curves": (figures.error_curves, dict(curves={"a": ("relu", [0.5, 0.2])}, threshold=0.25)),
    "gradients_through_depth": (figures.gradients_through_depth, dict(shares={"deep": {"relu": [1.0, 0.5]}})),
    "steps_to_threshold": (
        figures.steps_to_threshold,
        dict(steps={"raw": {"relu": 20, "tanh": 30}}, most=100),
    ),
    "units_and_slopes": (figures.units_and_slopes, dict(units=("relu", "tanh"), reach=4.0)),
    "rates_by_epoch": (
        figures.rates_by_epoch,
        dict(groups={"all": LR_PLANS["source-2012"][-1]}, lr=0.01, epochs=91),
    ),
    "spread_by_layer": (figures.spread_by_layer, dict(arms={"a": {"conv1": 0.5, "fc8": 0.25}})),
    "bytes_by_batch": (figures.bytes_by_batch, dict(most=1500)),
    "connections": (figures.connections, dict(layers={"conv2": nn.Conv2d(4, 6, 3, groups=2)})),
    "error_histories": (figures.error_histories, dict(records=[RECORD])),
    # tables
    "Table": (tables.Table, dict(caption="Sizes", columns=("a", "b"), rows=(("1", "2"),))),
    "claim_card": (tables.claim_card, dict(section="3.3")),
    "config_of": (tables.config_of, dict(record=RECORD)),
    "decay_half_lives": (tables.decay_half_lives, dict(rates=(0.01, 0.001), images=1_200_000)),
    "deviation_table": (tables.deviation_table, dict(config=TrainConfig())),
    "differences": (lambda sections: tables.differences(*sections), dict(sections=("3.3", "4.1"))),
    "dropout_places": (tables.dropout_places, dict(names=("paper",))),
    "experiment table": (tables.experiment, dict(name="lrn", folder=records.RESULTS)),
    "layer_table": (tables.layer_table, dict(spec="paper")),
    "memory_table": (tables.memory_table, dict(spec="paper", batch=128)),
    "qualitative_claims": (tables.qualitative_claims, dict(kernels=KERNELS, towers=1)),
    "receptive_fields": (tables.receptive_fields, dict(spec="paper")),
    "reimplementations": (tables.reimplementations, dict(specs=(PAPER,))),
    "reproduce": (tables.reproduce, dict(name="lrn", folder=records.RESULTS)),
    "rates": (tables.rates, dict(name="lrn", folder=records.RESULTS)),
    "run_circumstances": (tables.run_circumstances, dict(runs=[RECORD])),
    "run_outcomes": (tables.run_outcomes, dict(runs=[RECORD])),
    "run_table": (tables.run_table, dict(records=[RECORD])),
    "spec_table": (tables.spec_table, dict(names=("paper",))),
    "torchinfo_layers": (tables.torchinfo_layers, dict(spec=PAPER)),
    "twelve_differences": (
        tables.twelve_differences,
        dict(found=dict.fromkeys(tables.source.LOGGED, "nothing")),
    ),
    # experiments and what they are made of
    "Value": (Value, dict(name="validation error", unit="points")),
    "Gap": (Gap, dict(upper=Value("a"), lower=Value("b"), unit="points")),
    "Crossing": (Crossing, dict(curve="training error", level=0.25, unit="epochs")),
    "Arm": (Arm, dict(changes={"lr": 0.1}, rates=(0.1, 0.2), rate_of="a")),
    "Comparison": (
        Comparison,
        dict(claim="lrn", arm="a", against="b", measure=Value("error"), kind="ratio", printed=2.0),
    ),
    "Experiment": (
        Experiment,
        dict(
            name="trial", question="Which?", setting=TrainConfig(), arms=ARMS, comparisons=(RATIO,), seeds=2
        ),
    ),
    "interval": (experiments.interval, dict(pairs=[(1.0, 2.0), (2.0, 4.0)], kind="ratio")),
    "t_quantile": (experiments.t_quantile, dict(freedom=4, share=0.95)),
    "named": (experiments.named, dict(name="lrn")),
    "on_record": (experiments.on_record, dict(name="lrn", folder=records.RESULTS)),
    "report": (experiments.report, dict(experiment=EXPERIMENTS["lrn"], folder=records.RESULTS)),
    "run": (
        experiments.run,
        dict(experiment=EXPERIMENTS["lrn"], arms=["paper"], seeds=1, jobs=1, out="/nowhere", progress=False),
    ),
    "run_label": (experiments.run_label, dict(arm="relu", seed=0)),
    "verdict": (
        experiments.verdict,
        dict(comparison=RATIO, found=experiments.interval([(1.0, 2.0), (2.0, 5.0)], "ratio"), missing=[1]),
    ),
    # records, and what else a chapter or a command line calls
    "Record": (records.Record, vars(RECORD) | {"memory": 5}),
    "records.load": (records.load, dict(experiment="first_layer", folder=records.RESULTS)),
    "every_record": (records.every_record, dict(folder=records.RESULTS)),
    "records.store": (records.store, dict(record=RECORD, folder="/nowhere")),
    "circumstances": (records.circumstances, dict(device="cpu")),
    "Session": (bench.Session, vars(SESSION)),
    "all_rows": (bench.all_rows, dict(root="/nowhere")),
    "chosen": (bench.chosen, dict(rows=[ROW], names=["group"])),
    "bench.load": (bench.load, dict(folder="/nowhere")),
    "speed": (figures.speed, dict(label="quiet", folder="/nowhere")),
    "speed table": (tables.speed, dict(label="quiet", folder="/nowhere")),
    "beside": (tables.beside, dict(label="quiet", folder="/nowhere")),
    "several_gpus": (tables.several_gpus, dict(images_per_second=32e3, batches=[128])),
    "limits": (tables.limits, dict(label="quiet", folder="/nowhere")),
    "pages": (tables.pages, dict(folder="/nowhere")),
    "experiments": (tables.experiments, dict(folder=records.RESULTS)),
    "latest": (bench.latest, dict(label="quiet", folder="/nowhere")),
    "bench.store": (bench.store, dict(found=SESSION, folder="/nowhere")),
    "measure": (bench.measure, dict(row=ROW, rounds=2)),
    "measure_apart": (bench.measure_apart, dict(row=ROW, rounds=2, threads=1, keep_memory=False)),
    "begin": (chapter.begin, dict(seed=0)),
    "show_source": (lambda objects: chapter.show_source(*objects), dict(objects=[Value])),
    "show_experiment": (chapter.show_experiment, dict(name="lrn", folder=records.RESULTS)),
    "config_from": (config_from, dict(preset="laptop", settings=["epochs=3"])),
    # specs
    "Conv": (
        spec.Conv,
        dict(
            out_channels=4,
            kernel_size=3,
            stride=1,
            padding=0,
            ceil_mode=False,
            grouped=False,
            std=0.01,
            bias=0.0,
        ),
    ),
    "Norm": (lambda **all: spec.Norm(**all).module(), vars(spec.Norm())),
    "SpatialNorm": (lambda **all: spec.SpatialNorm(**all).module(), dict(n=5)),
    "Pool": (lambda **all: spec.Pool(**all).module(), dict(z=3, s=2)),
    "BatchNorm": (spec.BatchNorm, dict(maps=4)),
    "AlexNetSpec": (spec.AlexNetSpec, vars(PAPER)),
    "trace": (lambda spec: list(alexnet_lib.spec.trace(spec)), dict(spec=PAPER)),
    "crossings": (spec.crossings, dict(spec=PAPER)),
    "FourLayerSpec": (
        variants.FourLayerSpec,
        dict(name="trial", activation="relu", std=0.01, image_size=32),
    ),
    "with_steps": (
        variants.with_steps,
        dict(name="trial", spec=PAPER, change=lambda number, step: step),
    ),
    "without_norms": (variants.without_norms, dict(name="trial", spec=PAPER, kept=(1,))),
    "without_layers": (
        lambda spec, numbers: variants.without_layers(spec, *numbers),
        dict(spec=PAPER, numbers=(3, 4)),
    ),
    "build": (variants.build, dict(name="paper", image_size=224, dropout=0.5, classes=10)),
    "Scaled": (variants.Scaled, dict(net=nn.Identity(), factor=0.5)),
    "RateGroup": (RateGroup, dict(pattern="*", rates=((0, 1.0), (5, 0.1)), weight_decay=1.0)),
    "factor": (LR_PLANS["source-2012"][0].factor, dict(epoch=3)),
}
# What may be empty, hold a number that is none, or be any value of its type: (function, argument).
MAY_BE_EMPTY = {
    *[
        ("wiring_without", "removed"),
        ("verdict", "missing"),
        ("chosen", "names"),
        ("config_from", "settings"),
    ],
    *[("run_circumstances", "runs"), ("run_outcomes", "runs"), ("run_table", "records"), ("Arm", "changes")],
    *[
        ("Arm", "rates"),
        ("differences", "sections"),
        ("without_norms", "kept"),
        ("without_layers", "numbers"),
    ],
    *[
        ("parameter_groups", "plan"),
        ("Table", "rows"),
        ("Experiment", "comparisons"),
        ("AlexNetSpec", "hidden"),
    ],
    *[("Record", name) for name in ("config", "versions", "curves", "results")],
    *[("Session", name) for name in ("versions", "limits", "rows")],
}
MAY_BE_NO_NUMBER = {("losses", "panels"), ("Record", "curves"), ("Record", "results"), ("Session", "load")}
MAY_BE_NO_NUMBER |= {("Session", "limits")}
MAY_BE_NONE = {
    *[("Arm", "rate_of"), ("Comparison", "claim"), ("Comparison", "printed"), ("verdict", "found")],
    *[("Record", "memory"), ("run", "arms"), ("run", "seeds"), ("circumstances", "device"), ("Conv", "std")],
    *[("AlexNetSpec", "hidden_std"), ("FourLayerSpec", "std")],
}
MAY_BE_HUGE = {"Conv", "Norm", "AlexNetSpec", "FourLayerSpec", "Scaled", "RateGroup"}  # finite, that is
SPREAD = {("differences", "sections"), ("show_source", "objects"), ("without_layers", "numbers")}  # f(*them)
MAY_BE_HUGE |= {"PaperSGD", "parameter_groups"}
FREE = {("window_sum", "x"), ("PaperSGD", "params"), ("Record", "config"), ("Arm", "changes")}

NOT_FINITE = st.sampled_from([np.nan, np.inf, -np.inf])
ODDITY = st.none() | st.binary() | st.just(1j) | st.just(...)
UNLIKE = {  # type of a right part -> what is wrong in its place
    bool: ODDITY | st.integers() | st.text() | st.floats(),
    int: ODDITY
    | NOT_FINITE
    | st.text()
    | st.booleans()
    | st.floats()
    | st.integers(max_value=-1)
    | st.integers(2**63),
    float: ODDITY | NOT_FINITE | st.text() | st.booleans() | st.floats(1e31) | st.floats(max_value=-1e31),
    str: ODDITY | st.integers() | st.booleans() | st.floats() | st.just(["a"]),
    Tensor: ODDITY
    | st.text()
    | st.floats()
    | st.sampled_from(
        [torch.ones(2, dtype=torch.complex64), torch.ones(2, 2, 2, 2, 2, 2), np.ones((3, 4, 4))]
    ),
}


@st.composite
def spoiled(draw, right, empty):
    """A right argument with one part of it made wrong, and that part."""
    parts = isinstance(right, dict | list | tuple) and not isinstance(right, Guess)
    if parts and right and draw(st.booleans()):
        places = list(right) if isinstance(right, dict) else range(len(right))
        place = draw(st.sampled_from(places))
        part, wrong = draw(spoiled(right[place], empty))
        if isinstance(right, dict):
            return right | {place: part}, wrong
        return type(right)([*right[:place], part, *right[place + 1 :]]), wrong
    if parts and not empty and draw(st.booleans()):
        return (type(right)(),) * 2
    kind = next((kind for kind in UNLIKE if isinstance(right, kind)), None)
    wrong = draw(UNLIKE[kind] if kind else ODDITY | st.integers() | st.floats())
    return wrong, wrong


def shows(value, words):
    """Whether an error shows a value: itself, or what there is to say of a tensor or another object."""
    forms = [repr(value), str(value), type(value).__name__]
    if isinstance(value, int):
        forms.append(f"{value:.0e}")
    if isinstance(value, dict | list | tuple):
        forms.append("empty")
    if isinstance(value, Tensor):
        forms += [str(tuple(value.shape)), str(value.dtype)]
    return any(form in words for form in forms)


def allowed(name, argument, value, wrong):
    """Whether what was put in is right there after all."""
    at, number = (name, argument), isinstance(wrong, float)
    return (
        (wrong is None and value is None and at in MAY_BE_NONE)
        or (number and not -1e30 < wrong < 1e30 and at in MAY_BE_NO_NUMBER)
        or (number and math.isfinite(wrong) and name in MAY_BE_HUGE)
        or (at in SPREAD and value is wrong)
    )


# Whose right arguments would train, measure or write, or lie in no folder yet.
NOT_CALLED = {"run", "records.store", "bench.store", "measure", "config_of", "latest", "limits", "beside"}
NOT_CALLED |= {"speed", "speed table", "pages", "measure_apart"}
# Public names that are not tried here or in test_bad_input.py, by the reason.
NOT_TRIED = {
    "constants, and what the library hands out": (
        "LocalResponseNormalization Pooling Images Learning Claim Difference Bounds LayerTrace Listing World "
        "TowerGap Interval Answer ChosenRate Report Measured Pair Row Work TrainResult TrainedNet TowerStep "
        "CorruptImageError"
    ),
    "these refuse": (
        "require_count require_number require_choice require_flag require_same_length require_same_names "
        "require_path require_net require_tensor validate_fields require_kind checked require_maps "
        "require_tuple require_start require_generator require_images"
    ),
    "inner parts, called with what has been checked": (
        "damped usable name_without center_place seed_of fingerprint Batches share total enough_memory "
        "one_step build_net stored_size Training Progress RunLog fields_of sealed write_new session "
        "machine_limits peak_bytes class_folders cached kept_mean list_folder decoding reason to_tensor "
        "read_image read_images ten_photos data_root TwoDeviceAlexNet run_processes new_process joined "
        "atomic_write held load_net kernels_digest"
    ),
}


def public_names():
    """Each public function or class that takes arguments, as the page of the library has them."""
    for module in api.order(api.ROOT / "tests" / "test_design.py"):
        path = api.ROOT / "alexnet_lib" / f"{module}.py"
        source = path if path.exists() else path.with_suffix("") / "__init__.py"
        if module not in (
            "exercises",
            "widgets",
            "cli",
        ):  # test_bad_answers.py, tests/widgets, test_odd_input.py
            package = source.name == "__init__.py"
            found = api.exported(source) if package else api.public(ast.parse(source.read_text("utf-8")))
            for definition in found:
                call = api.signature(definition).partition(" -> ")[0]
                if not call.startswith("class ") and not call.endswith("()"):
                    yield definition.name


def test_no_public_name_is_forgotten_and_none_is_excused_that_is_gone_or_tried():
    tried = {name.partition("()")[0].split(".")[-1].split(" ")[0] for name in [*CALLS, *test_bad_input.CALLS]}
    excused = set(" ".join(NOT_TRIED.values()).split())
    names = set(public_names())
    assert names - tried - excused == set()
    assert excused - names == set()
    assert excused & tried == set()


CASES = [(name, argument) for name, (_, right) in CALLS.items() for argument in right]


@pytest.mark.parametrize("name", CALLS)
def test_the_right_arguments_are_right(name, tmp_path):
    function, right = CALLS[name]
    if name not in NOT_CALLED:
        function(**right)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(("name", "argument"), [case for case in CASES if case not in FREE])
def test_an_argument_with_one_part_made_wrong_is_refused_by_name_and_value(name, argument):
    function, right = CALLS[name]

    @quick
    @given(spoiled(right[argument], (name, argument) in MAY_BE_EMPTY))
    def refuses(pair):
        value, wrong = pair
        if allowed(name, argument, value, wrong):
            return
        with pytest.raises((ValueError, TypeError)) as error:
            function(**right | {argument: value})
        words = str(error.value)
        assert traceback.extract_tb(error.tb)[-1].filename.startswith(OURS), words
        assert argument in words, words
        assert shows(wrong, words), words
        assert re.search(", and |: |[;?] choose from ", words), words

    refuses()


# What single values cannot show: parts that do not belong together, unknown names, too much of a thing.
TOGETHER = [
    ("rescaling", dict(square=SMALL[:, :9]), "square"),
    ("rescaling", dict(photograph=SMALL[:, :0]), "photograph"),
    ("fields_on_photograph", dict(names=("conv9",)), "name"),
    ("fields_on_photograph", dict(image=SMALL), "image"),
    ("crop_frames", dict(size=13), "size"),
    ("crop_frames", dict(places=((0, 0, False), (5, 0, False))), "places"),
    ("crop_positions", dict(side=8), "size"),
    ("crop_positions", dict(side=10**9), "side"),
    ("ten_patches", dict(size=13), "size"),
    ("color_components", dict(noise=PCAColorNoise()), "noise"),
    ("color_components", dict(images=PHOTO[None, :, :0]), "images"),
    ("color_shifts", dict(shifts={"p1": torch.ones(2)}), "shifts"),
    ("color_shifts", dict(shifts={"p1": torch.tensor([1.0, np.nan, 1.0])}), "shifts"),
    ("subtracting", dict(mean=torch.ones(3, 1, 1)), "mean"),
    ("steps_by_rate", dict(steps={str(n): {0.1: 5} for n in range(5)}), "steps"),
    ("PaperSGD", dict(params=[dict(params=[WEIGHT], lr=np.nan)]), "lr"),
    ("PaperSGD", dict(params=[dict(params=[WEIGHT], momentum=1.5)]), "momentum"),
    ("PaperSGD", dict(params=[dict(params=[WEIGHT], weight_decay="false")]), "weight_decay"),
    ("parameter_groups", dict(plan=()), "plan"),
    ("tower_gap", dict(splits=10**9), "splits"),
    ("wiring_without", dict(removed=[(6,)]), "numbers"),
    ("wiring_without", dict(removed=[]), "removed"),
    ("errors_by_seed", dict(errors={"a": [0.5], "b": [0.5, 0.5]}), "errors"),
    ("dropout_masks", dict(keep=torch.ones(2, 5)), "keep"),
    ("dropout_masks", dict(activities=torch.tensor([1.0, np.inf, 1.0, 1.0])), "activities"),
    ("averages_against_one", dict(geometric=torch.rand(3, 3)), "geometric"),
    ("averages_against_one", dict(halved=torch.tensor(np.nan)), "halved"),
    ("dropout_curves", dict(steps=[5]), "steps"),
    ("dropout_curves", dict(losses={"a": [2.0, 1.5], "c": [1.0, 3.0]}), "losses"),
    ("averaged_nets", dict(counts=[1]), "counts"),
    ("confusion_picture", dict(classes=("cat",)), "counts"),
    ("confusion_picture", dict(counts=torch.tensor([[3, -1], [0, 2]])), "counts"),
    ("confusion_picture", dict(counts=torch.eye(2)), "counts"),
    ("top_guesses", dict(guesses={"cat": ("dog",), "boat": ("sea", "dock")}), "guesses"),
    ("top_guesses", dict(guesses={"cat": tuple("abcdef")}), "guesses"),
    ("steps_of_the_margin", dict(errors={"best": 0.0, "ours": 15.0}), "errors"),
    ("first_signals", dict(arms={"a": {"conv1": (0.5, 0.5)}}), "arms"),
    (
        "first_signals",
        dict(arms={str(n): {"conv1": (0.5, 0.5), "fc8": (0.5, 0.5)} for n in range(5)}),
        "arms",
    ),
    ("losses", dict(window=3), "panels"),
    ("losses", dict(classes=1), "classes"),
    ("losses", dict(panels={"one": {str(n): [2.0, 1.0] for n in range(5)}}), "panels"),
    ("momentum_average", dict(velocity=[1.0]), "velocity"),
    ("momentum_average", dict(momentum=0.0), "momentum"),
    ("momentum_average", dict(momentum=1.0), "momentum"),
    ("plateaus", dict(rates=[0.1]), "rates"),
    ("step_lengths", dict(drop=2), "drop"),
    ("step_lengths", dict(rules={"a": [1.0, 0.5], "b": [1.0]}), "rules"),
    ("lrn_response", dict(alphas={str(n): 0.1 for n in range(4)}), "alphas"),
    ("lrn_windows", dict(maps=95), "maps"),
    ("lrn_windows", dict(centers=(96,)), "centers"),
    ("maps_before_after", dict(after=MAPS[:5]), "after"),
    ("maps_before_after", dict(chosen=(96,)), "chosen"),
    ("pooled_maps", dict(pooled={"a": MAPS[1]}), "pooled"),
    ("pooling_windows", dict(side=10**6), "side"),
    ("pooling_windows", dict(side=1), "size"),
    ("shift_changes", dict(shifts=[1]), "shifts"),
    ("colorfulness_by_tower", dict(sets={"none": KERNELS[:0]}), "sets"),
    ("first_layer_kernels", dict(towers=3), "weights"),
    ("first_layer_kernels", dict(weights=KERNELS * np.nan), "weights"),
    ("five_labels", dict(right=("cat", "dog")), "right"),
    ("nearest_images", dict(same=torch.tensor([[True, False]])), "same"),
    ("error_curves", dict(curves={"a": ("rely", [0.5])}), "curves"),
    ("error_curves", dict(curves={n: ("relu", [0.5]) for n in "abc"}), "curves"),
    ("gradients_through_depth", dict(shares={"deep": {"rely": [1.0]}}), "shares"),
    ("gradients_through_depth", dict(shares={"deep": {"relu": [1.0], "tanh": [1.0, 0.5]}}), "shares"),
    ("steps_to_threshold", dict(steps={"raw": {"a": 20, "b": 3}, "scaled": {"a": 5}}), "steps"),
    ("units_and_slopes", dict(units=("rely",)), "units"),
    ("rates_by_epoch", dict(groups={str(n): RateGroup("*") for n in range(5)}), "groups"),
    (
        "spread_by_layer",
        dict(arms={"a": {"conv1": 0.5, "fc8": 0.2}, "b": {"conv1": 0.5, "fc7": 0.2}}),
        "arms",
    ),
    ("bytes_by_batch", dict(most=10), "most"),
    ("Table", dict(rows=(("1",),)), "row"),
    ("differences", dict(sections=("9.9",)), "sections"),
    ("decay_half_lives", dict(images=5), "images"),
    ("qualitative_claims", dict(towers=3), "towers"),
    ("twelve_differences", dict(found={"Order in layer 1": "nothing"}), "found"),
    ("Comparison", dict(claim=None, printed=-2.0), "printed"),
    ("Experiment", dict(arms={"a": Arm({})}), "arm"),
    ("interval", dict(pairs=[(1.0, 2.0)]), "pairs"),
    ("interval", dict(pairs=[(1.0, 2.0), (0.0, 1.0)]), "pairs"),
    ("t_quantile", dict(share=1.0), "share"),
    ("t_quantile", dict(freedom=10**9), "freedom"),
    ("run", dict(arms=["papier"]), "arm"),
    ("run", dict(arms="paper"), "arms"),
    ("run", dict(seeds=0), "seeds"),
    ("Record", dict(curves={"a": [1.0], "b": [1.0, 2.0]}), "curves"),
    ("records.load", dict(folder="/nowhere"), "folder"),
    ("every_record", dict(folder="/nowhere"), "folder"),
    ("chosen", dict(names=["grope"]), "name"),
    ("config_from", dict(settings=["epochs"]), "set"),
    ("BatchNorm", dict(maps=0), "maps"),
    ("FourLayerSpec", dict(image_size=64), "image_size"),
    ("FourLayerSpec", dict(std=-1.0), "std"),
    ("without_norms", dict(kept=(9,)), "kept"),
    ("without_layers", dict(numbers=(3.0,)), "numbers"),
    ("without_layers", dict(numbers=(1, 2, 3, 4, 5)), "convs"),
    ("Scaled", dict(factor=0), "factor"),
    ("factor", dict(epoch=-1), "epoch"),
]
UNKNOWN = ["papier", "", "relu\0", "../paper", "Paper ", "1e9"]
NAMED = [
    *[("middle_field", "name"), ("experiment", "name"), ("claim_card", "section"), ("layer_table", "spec")],
    *[("memory_table", "spec"), ("receptive_fields", "spec"), ("reproduce", "name"), ("rates", "name")],
    ("named", "name"),
    *[("Arm", "changes"), ("Comparison", "claim"), ("Comparison", "kind"), ("records.load", "experiment")],
    *[("circumstances", "device"), ("show_experiment", "name"), ("config_from", "preset"), ("build", "name")],
    *[("experiment_caption", "name"), ("experiment table", "name"), ("interval", "kind")],
    *[("FourLayerSpec", "activation")],
]


@pytest.mark.parametrize(("name", "wrong", "argument"), TOGETHER)
def test_what_does_not_belong_together_is_refused_by_name(name, wrong, argument):
    function, right = CALLS[name]
    with pytest.raises((ValueError, TypeError), match=argument) as error:
        function(**right | wrong)
    assert traceback.extract_tb(error.tb)[-1].filename.startswith(OURS), error.value
    assert plt.get_fignums() == []  # what was half drawn is gone


@pytest.mark.parametrize("unknown", UNKNOWN)
@pytest.mark.parametrize(("name", "argument"), [case for case in NAMED if case not in FREE])
def test_a_name_that_nothing_has_is_refused_with_the_known_ones(name, argument, unknown):
    function, right = CALLS[name]
    with pytest.raises(ValueError, match=r"choose from|are conv1 to conv5") as error:
        function(**right | {argument: unknown})
    assert argument in str(error.value)
    assert repr(unknown) in str(error.value)


def test_a_loss_that_is_no_number_leaves_a_hole_and_is_not_below_the_line():
    panels = {"one": {"a": [2.0, 1.0, 1.0, 1.0], "b": [2.0, 2.0, np.nan, np.inf]}}
    alt = figures.losses(panels, classes=10, window=2).alt
    assert "a ends below it" in alt
    assert "b does not get below it" in alt


def test_a_result_that_is_no_number_is_none():
    runs = [dataclasses.replace(RECORD, results={"error": wrong}) for wrong in (np.nan, np.inf)]
    assert [Value("error").of(run) for run in runs] == [None, None]
    assert Gap(Value("error"), Value("test error")).of(runs[0]) is None


def test_settings_from_a_generator_count_too():
    assert config_from("laptop", (f"epochs={n}" for n in (3, 4))).epochs == 4


def test_a_ratio_beyond_all_floats_is_infinite():
    found = experiments.interval([(1e-30, 1e30), (1e30, 1e-30)], "ratio")
    assert (found.mean, found.high) == (1.0, np.inf)
