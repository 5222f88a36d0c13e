"""Figures are pictures with words: drawn, closed, light, and told in their alt text."""

import io

import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch
from PIL import Image

from alexnet_lib import figures
from alexnet_lib.normalization import LocalResponseNorm


def test_a_picture_shows_itself_with_its_alt_text_and_leaves_no_figure_open():
    figure, axis = plt.subplots()
    axis.plot([0, 1])
    picture = figures.Picture(figure, "a line that rises from 0 to 1")
    data, metadata = picture._repr_mimebundle_()
    assert data["text/plain"] == picture.alt
    assert metadata["image/png"]["alt"] == picture.alt
    assert Image.open(io.BytesIO(picture.png)).format == "PNG"
    assert plt.get_fignums() == []


def test_a_picture_without_words_is_refused():
    with pytest.raises(ValueError, match="say in a sentence"):
        figures.Picture(plt.figure(), "plot")
    plt.close("all")


def test_a_tensor_becomes_the_picture_that_it_is():
    image = torch.tensor([[[300.0]], [[128.4]], [[-5.0]]])
    assert figures.as_picture(image).tolist() == [[[255, 128, 0]]]
    with pytest.raises(ValueError, match=r"shape \(1, 4, 4\)"):
        figures.as_picture(torch.zeros(1, 4, 4))


def test_the_peak_of_the_response_curve_is_where_the_formula_has_it():
    # b = a / (2 + alpha a^2)^0.75 peaks where alpha a^2 = 2 k: a = 200 for alpha = 1e-4
    grid = np.linspace(0, 1000, 100_001)
    layer = LocalResponseNorm()
    response = layer(torch.from_numpy(grid).view(-1, 1, 1, 1)).flatten()
    assert grid[int(response.argmax())] == pytest.approx(200, abs=0.1)
    assert "for an activity of 200" in figures.lrn_response({"alpha = 1e-4": 1e-4}).alt


@pytest.mark.parametrize(
    "draw",
    [
        lambda: figures.lrn_response({"one": 1e-4, "two": 2e-5}),
        figures.lrn_windows,
        lambda: figures.photograph_row(
            {"a": torch.arange(192).to(torch.uint8).view(3, 8, 8)}, "stripes of 8 x 8 pixels"
        ),
        lambda: figures.maps_before_after(
            torch.ones(4, 5, 5), torch.ones(4, 5, 5) / 2, (0, 2), torch.zeros(3, 8, 8, dtype=torch.uint8)
        ),
    ],
)
def test_every_figure_of_section_3_3_is_drawn_and_light(draw):
    picture = draw()
    assert len(picture.alt) > 20
    assert 500 < len(picture.png) < 80_000
