"""`LrnExplorer`: the page's normalization against torch's, in float64."""

import random

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from alexnet_lib.widgets import LrnExplorer

MAPS = 12
EXTREMES = [
    {"n": 1, "alpha": 1e-6, "beta": 0.0, "k": 0.05},
    {"n": 31, "alpha": 1.0, "beta": 1.5, "k": 0.05},
    {"n": 2, "alpha": 1.0, "beta": 0.75, "k": 10.0},
    {"n": MAPS, "alpha": 1e-4, "beta": 0.75, "k": 2.0},
]


def settings(count, seed):
    rng = random.Random(seed)
    drawn = [
        {
            "n": rng.randint(1, 31),
            "alpha": 10 ** rng.uniform(-6, 0),
            "beta": rng.choice([0.75, rng.uniform(0.5, 1.35)]),
            "k": rng.uniform(0.05, 10),
        }
        for _ in range(count)
    ]
    return [
        {**setting, "maps": MAPS, "overN": rng.random() < 0.5, "towers": rng.choice([1, 2])}
        for setting in [*EXTREMES, *drawn]
    ]


def torchs(x, s):
    alpha = s["alpha"] if s["overN"] else s["alpha"] * s["n"]
    maps = torch.from_numpy(x).double().reshape(1, MAPS, 5, 5)
    towers = maps.split(MAPS // s["towers"], dim=1)
    normalized = [F.local_response_norm(t, s["n"], alpha, s["beta"], s["k"]) for t in towers]
    return torch.cat(normalized, dim=1).flatten().numpy()


@pytest.mark.browser
@pytest.mark.parametrize("size", [30.0, 1000.0, 1e-3])
@pytest.mark.parametrize("rectified", [False, True])
def test_the_page_normalizes_as_torch_does(arena, size, rectified):
    x = (np.random.default_rng(0).standard_normal(MAPS * 25) * size).astype(np.float32)
    x = x.clip(min=0) if rectified else x
    for setting in settings(20, seed=f"{size} {rectified}"):
        ours = arena.evaluate(
            "async ([x, s]) => [...(await PAGE_WIDGETS.load('lrn')).lrn(Float32Array.from(x), s)]",
            [x.tolist(), setting],
        )
        np.testing.assert_allclose(ours, torchs(x, setting), rtol=1e-6, err_msg=str(setting))


@pytest.mark.browser
def test_a_single_map_is_damped_by_itself_alone(arena):
    ours = arena.evaluate(
        """async () => [...(await PAGE_WIDGETS.load('lrn')).lrn(
             Float32Array.of(10), {maps: 1, n: 5, k: 1, alpha: 1, beta: 1})]"""
    )
    assert ours == [pytest.approx(10 / 101)]


@pytest.mark.parametrize(
    ("map", "n", "reach", "window"),
    [
        (40, 5, "across", (38, 42)),
        (47, 5, "across", (45, 49)),
        (47, 5, "inside", (45, 47)),
        (48, 5, "inside", (48, 50)),
        (0, 31, "across", (0, 15)),
        (40, 4, "across", (38, 41)),
    ],
)
def test_the_window_ends_at_the_first_and_last_map_and_at_the_tower(map, n, reach, window):
    assert LrnExplorer(map=map, n=n, reach=reach).window() == window


def test_a_response_of_another_shape_is_refused_with_the_shape_it_needs():
    with pytest.raises(
        ValueError, match=r"response has shape \(96, 54, 54\), and must have \(96, 55, 55\).*§3\.5"
    ):
        LrnExplorer(response=np.zeros((96, 54, 54)))


def test_a_response_with_a_hole_is_refused():
    with pytest.raises(ValueError, match="response holds values that are not finite"):
        LrnExplorer(response=np.full((96, 55, 55), np.nan))


def test_another_response_is_shown_without_the_photograph_it_does_not_belong_to():
    own = LrnExplorer(response=np.ones((96, 55, 55)), map=3, row=1, column=1)
    assert own.photo == {}
    # 1 / (2 + 1e-4 * 5) ** 0.75
    assert own.reference()[3] == pytest.approx(0.594492, abs=1e-6)
    assert "data" in own.page_state()["response"]


def test_data_that_ships_with_the_book_is_named_and_not_repeated():
    assert LrnExplorer().page_state()["response"] == {"$asset": "conv1"}
