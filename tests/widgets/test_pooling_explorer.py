"""`PoolingExplorer`: the page's pooling against torch's."""

import itertools

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from alexnet_lib.widgets import PoolingExplorer


@pytest.mark.browser
@pytest.mark.parametrize("side", [9, 10, 13])
def test_the_page_pools_as_torch_does(arena, side):
    x = np.random.default_rng(0).standard_normal(side * side).astype(np.float32)
    for z, s, ceil in itertools.product(range(1, 10), range(1, 10), (False, True)):
        ours = arena.evaluate(
            """async ([x, side, settings]) => {
              const { maxPool } = await PAGE_WIDGETS.load('pooling');
              const {size, values} = maxPool(Float32Array.from(x), side, settings);
              return [size, ...values];
            }""",
            [x.tolist(), side, {"z": z, "s": s, "ceil": ceil}],
        )
        torchs = F.max_pool2d(torch.from_numpy(x).double().reshape(1, side, side), z, s, ceil_mode=ceil)[0]
        assert ours == [len(torchs), *torchs.flatten().tolist()], (z, s, ceil)


def test_the_papers_windows_make_27_of_55_either_way():
    assert PoolingExplorer(edge="ceil").pooled().shape == (27, 27)
    assert PoolingExplorer(edge="floor").pooled().shape == (27, 27)


def test_a_pixel_on_even_row_and_column_is_read_by_four_overlapping_windows():
    assert "is read by 4 windows" in PoolingExplorer(row=28, column=28).summary()
    assert "is read by 1 window and" in PoolingExplorer(row=27, column=27).summary()


@pytest.mark.parametrize(
    ("z", "s", "words"),
    [(3, 2, "share 1 pixel row;"), (2, 2, "lie side by side;"), (2, 4, "leave out 2 pixel rows;")],
)
def test_the_summary_says_how_windows_lie(z, s, words):
    assert f"and {words}" in PoolingExplorer(z=z, s=s).summary()
