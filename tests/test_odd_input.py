"""Odd input is computed rightly: numbers that are not finite, no images, one pixel, words of any kind."""

import contextlib
import io
from dataclasses import fields

import numpy as np
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from alexnet_lib.augmentation import RandomCropFlip, center_crop, ten_crop
from alexnet_lib.cli import main
from alexnet_lib.evaluation import topk_error
from alexnet_lib.learning import TrainConfig
from alexnet_lib.normalization import LocalResponseNorm
from alexnet_lib.pooling import MaxPool
from alexnet_lib.training.presets import config_from

slow = settings(deadline=None, derandomize=True, database=None, max_examples=60)
ODD = st.floats(width=32) | st.sampled_from([0.0, -0.0, 1.0, np.nan, np.inf, -np.inf, 3e38, 1e-45])


@slow
@given(st.lists(ODD, min_size=1, max_size=7), st.integers(1, 9))
def test_response_normalization_of_any_numbers_is_torchs(column, n):
    a = torch.tensor(column)[None, :, None, None].expand(2, -1, 1, 3)
    expected = nn.LocalResponseNorm(n, alpha=1e-4 * n, beta=0.75, k=2.0)(a)
    torch.testing.assert_close(LocalResponseNorm(n=n)(a), expected, equal_nan=True)


@slow
@given(st.lists(ODD, min_size=9, max_size=30), st.integers(1, 3), st.integers(1, 3))
def test_max_pooling_of_any_numbers_is_numpys(numbers, z, s):
    a = np.array(numbers[: len(numbers) // 3 * 3], np.float32).reshape(1, 3, -1)
    windows = np.lib.stride_tricks.sliding_window_view(a, (z, z), axis=(1, 2))[:, ::s, ::s]
    pooled = MaxPool(z, s)(torch.from_numpy(a)).numpy()
    np.testing.assert_array_equal(pooled, windows.max(axis=(-1, -2)))


@slow
@given(st.lists(ODD | st.integers(-2, 2).map(float), min_size=1, max_size=6), st.data())
def test_a_label_is_found_where_all_scores_are_finite_and_fewer_than_k_others_are_as_high(scores, data):
    label, k = (data.draw(st.integers(least, len(scores) - 1 + least)) for least in (0, 1))
    others = [score for place, score in enumerate(scores) if place != label]
    found = np.isfinite(scores).all() and sum(score >= scores[label] for score in others) < k
    error = topk_error(torch.tensor([scores], dtype=torch.float64), torch.tensor([label]), k)
    assert error == (not found)


@slow
@given(st.integers(0, 3), st.integers(1, 3), st.integers(0, 2))
def test_no_images_and_images_of_one_pixel_are_cut_like_any(count, side, more):
    photos = torch.randint(256, (count, 3, side + more, side), dtype=torch.uint8)
    crops, ten = RandomCropFlip(side)(photos), ten_crop(photos, side)
    assert crops.shape == (count, 3, side, side)
    assert torch.equal(ten[:, 4], center_crop(photos, side))
    assert torch.equal(ten[:, 9], ten[:, 4].flip(-1))


# What comes from a command line.


@slow
@given(
    st.sampled_from([field.name for field in fields(TrainConfig)]),
    st.text(max_size=12) | ODD.map(str),
)
def test_a_setting_of_any_text_is_its_value_or_refused_by_its_name(name, text):
    try:
        found = getattr(config_from("imagenet", [f"{name}={text}"]), name)
    except ValueError as error:
        found, said = None, str(error)
    if found is None:
        assert text.lower() in ("", "none") or name in said
    elif isinstance(found, tuple):
        assert list(found) == [int(part) for part in text.split(",") if part]
    elif not isinstance(found, bool):
        assert found == type(found)(text)


WORDS = st.text(max_size=8) | st.sampled_from(["train", "data", "--set", "--preset", "epochs=nan", "-h"])


@slow
@given(st.sampled_from(["train", "data", "evaluate", "experiment", "specs"]), st.lists(WORDS, max_size=4))
def test_any_words_on_the_command_line_end_in_one_line_and_code_2(command, words):
    said = io.StringIO()
    with contextlib.redirect_stderr(said), contextlib.redirect_stdout(io.StringIO()):
        try:
            code = main([command, *words])
        except SystemExit as stop:
            code = stop.code
    if code:
        assert code == 2
        assert len(said.getvalue().splitlines()) == 1
