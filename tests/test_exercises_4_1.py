"""The checkers of §4.1 accept the solution and refuse what readers typically write instead."""

import pytest
import torch

from alexnet_lib.augmentation import PCAColorNoise
from alexnet_lib.exercises import check_color_shift, check_crop_and_reflect, check_places


def test_nine_places_each_way_are_81():
    assert check_places(81).right


@pytest.mark.parametrize(
    "answer", [64, 162, 9, None, "81"], ids=["fence posts", "reflections", "one way", "no answer", "a word"]
)
def test_a_wrong_count_of_places_is_refused(answer):
    assert not check_places(answer).right


def test_a_wrong_count_is_told_to_count_both_ends():
    assert "count both ends" in check_places(64).message


def by_gather(images, top, left, flip, size):
    """The solution without a loop: every crop's rows and columns as index tensors."""
    along = torch.arange(size)
    rows = top[:, None] + along
    columns = left[:, None] + torch.where(flip[:, None], size - 1 - along, along)
    image, color = torch.arange(len(images))[:, None, None, None], torch.arange(3)[None, :, None, None]
    return images[image, color, rows[:, None, :, None], columns[:, None, None, :]]


def loop(turn, order=("top", "left")):
    """A cutter whose reflection is `turn`."""

    def cut(images, top, left, flip, size):
        places = {"top": top, "left": left}
        crops = [
            image[:, y : y + size, x : x + size]
            for image, y, x in zip(images, *(places[name] for name in order), strict=True)
        ]
        return torch.stack([turn(crop) if f else crop for crop, f in zip(crops, flip, strict=True)])

    return cut


@pytest.mark.parametrize(
    "answer", [by_gather, loop(lambda crop: crop.flip(-1))], ids=["without a loop", "with a loop"]
)
def test_both_ways_to_cut_a_batch_are_right(answer):
    assert check_crop_and_reflect(answer).right


def reflect_first(images, top, left, flip, size):
    turned = torch.where(flip[:, None, None, None], images.flip(-1), images)
    return by_gather(turned, top, left, torch.zeros_like(flip), size)


WRONG_CUTS = {
    "upside down": loop(lambda crop: crop.flip(-2)),
    "never reflected": loop(lambda crop: crop),
    "rows and columns exchanged": loop(lambda crop: crop.flip(-1), ("left", "top")),
    "reflected before the cut": reflect_first,
    "one place for all": lambda images, top, left, flip, size: images[:, :, :size, :size],
    "a list": lambda images, top, left, flip, size: list(images),
    "raises": lambda images: images,
}


@pytest.mark.parametrize("answer", WRONG_CUTS.values(), ids=WRONG_CUTS.keys())
def test_a_wrong_cut_is_refused(answer):
    assert not check_crop_and_reflect(answer).right


def test_an_upside_down_reflection_is_told_to_leave_the_rows():
    assert "leave the rows" in check_crop_and_reflect(WRONG_CUTS["upside down"]).message


def shift(alphas, eigenvalues, eigenvectors):
    return (alphas * eigenvalues) @ eigenvectors.T


WRONG_SHIFTS = {
    "eigenvectors as rows": lambda a, values, vectors: (a * values) @ vectors,
    "without eigenvalues": lambda a, values, vectors: a @ vectors.T,
    "standard deviations": lambda a, values, vectors: (a * values.sqrt()) @ vectors.T,
    "one image": lambda a, values, vectors: vectors @ (a[0] * values),
    "raises": lambda a: a,
}


def test_the_matrix_product_of_the_paper_is_right():
    assert check_color_shift(shift).right


def test_a_sum_over_the_components_is_right_too():
    def by_component(alphas, eigenvalues, eigenvectors):
        return sum(alphas[:, [i]] * eigenvalues[i] * eigenvectors[:, i] for i in range(3))

    assert check_color_shift(by_component).right


@pytest.mark.parametrize("answer", WRONG_SHIFTS.values(), ids=WRONG_SHIFTS.keys())
def test_a_wrong_shift_is_refused(answer):
    assert not check_color_shift(answer).right


def test_the_right_shift_is_the_librarys():
    images = torch.randint(0, 256, (4, 3, 5, 5), generator=torch.Generator().manual_seed(0)).to(torch.uint8)
    noise = PCAColorNoise(generator=torch.Generator().manual_seed(2)).fit(images)
    alphas = 0.1 * torch.randn(6, 3, generator=torch.Generator().manual_seed(2)).double()
    expected = 255 * shift(alphas, noise.eigenvalues, noise.eigenvectors)
    torch.testing.assert_close(noise.shifts(6).double(), expected, atol=1e-4, rtol=1e-5)
