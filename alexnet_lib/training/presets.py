"""Named runs, and how a command line changes one: `--preset imagenette --set epochs=30`."""

import ast
from collections.abc import Sequence
from dataclasses import replace
from typing import get_origin, get_type_hints

from ..guard import require_choice, require_kind
from ..learning import TrainConfig

PRESETS = {
    # The paper's run. ILSVRC lies in ./imagenet, a folder for each class in train/ and val/.
    "imagenet": TrainConfig(),
    # Ten classes of ImageNet, 9,469 images. A plateau hardly shows on the 473 that are held out of so few, so
    # the rate falls at fixed epochs.
    "imagenette": TrainConfig(data="imagenette", milestones=(40, 65, 80)),
    # The paper's recipe on CIFAR-10 enlarged to 256 pixels, beside the baseline of the readers' notes.
    "cifar10-paper": TrainConfig(spec="source-2012", data="cifar10", epochs=15, milestones=(8, 12, 14)),
    "cifar10-227": TrainConfig(
        spec="review-004",
        data="cifar10",
        image_size=227,
        input_scale=1 / 255,
        random_crops=False,
        color_noise=0.0,
        optimizer="adam",
        batch_size=64,
        epochs=15,
        lr=0.001,
        max_drops=0,
        weight_decay=0.0,
    ),
    # Figure 1 on a fifth of CIFAR-10, "without regularization of any kind", at a constant rate up to 25 %
    # training error. The other curve: --set spec=figure-1-tanh --set lr=0.02, its best rate on record.
    "figure-1": TrainConfig(
        spec="figure-1-relu",
        data="cifar10",
        val_fraction=0.0,
        training_images=10_000,
        image_size=32,
        crop=32,
        random_crops=False,
        color_noise=0.0,
        epochs=40,
        stop_at_error=0.25,
        lr=0.002,
        max_drops=0,
        weight_decay=0.0,
        dropout=0.0,
    ),
    # A minute on two cores: the embedded photographs, a twelfth of the paper's pixels.
    "laptop": TrainConfig(
        spec="source-2012",
        data="ten-photos",
        val_fraction=0.1,
        image_size=72,
        crop=64,
        batch_size=50,
        epochs=10,
        max_drops=0,
    ),
}
WORDS = {"": None, "none": None, "true": True, "yes": True, "false": False, "no": False}


def config_from(preset: str, settings: Sequence[str] = ()) -> TrainConfig:
    """A preset with changes such as "epochs=30", "milestones=20,30" or "milestones=none".

    Raises ValueError for an unknown preset or field, with the nearest known name, and ValueError or TypeError
    for a value that the field does not take.
    """
    require_kind("settings", settings, Sequence[str], empty=True)
    config = PRESETS[require_choice("preset", preset, PRESETS)]
    kinds = get_type_hints(TrainConfig)
    changes = {}
    for setting in settings:
        name, equals, text = setting.partition("=")
        if not equals:
            raise ValueError(f"set is {setting!r}, and a setting is NAME=VALUE, such as epochs=30")
        changes[name] = _value(text, kinds[require_choice("set", name, kinds)])
    return replace(config, **changes)


def _value(text: str, kind: object) -> object:
    """The text of a setting as the type of its field; else as it is, for TrainConfig to refuse."""
    if kind is str:
        return text
    try:
        value = WORDS[text.lower()] if text.lower() in WORDS else ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return text
    if get_origin(kind) is tuple and not isinstance(value, tuple):
        return () if value is None else (value,)
    return float(value) if kind is float and type(value) is int else value
