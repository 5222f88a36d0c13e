"""Crops, reflections and color noise (§4.1) against torchvision, numpy and images that name their pixels."""

from collections import Counter

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from alexnet_lib.augmentation import PCAColorNoise, RandomCropFlip, center_crop, crop_boxes, ten_crop, views


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def noise_images(count=4, height=9, width=7, seed=0):
    return torch.randint(0, 256, (count, 3, height, width), generator=seeded(seed), dtype=torch.uint8)


def position_images(count, height, width):
    """Every pixel says where it is: red its row, green its column, blue its image."""
    rows = torch.arange(height)[None, :, None].expand(count, height, width)
    columns = torch.arange(width)[None, None, :].expand(count, height, width)
    numbers = torch.arange(count)[:, None, None].expand(count, height, width)
    return torch.stack([rows, columns, numbers], dim=1).to(torch.uint8)


def where(crop):
    """(image, top, left, reflected) of a crop of position_images, after checking that every pixel fits."""
    size = crop.shape[-1]
    rows, columns, numbers = crop.long()
    step = int(columns[0, 1] - columns[0, 0])
    top, left = int(rows.min()), int(columns.min())
    along = torch.arange(size)
    assert step in (1, -1)
    assert torch.equal(rows, (top + along)[:, None].expand(size, size))
    assert torch.equal(columns, (left + (along if step == 1 else along.flip(0))).expand(size, size))
    assert len(numbers.unique()) == 1
    return int(numbers[0, 0]), top, left, step == -1


@settings(deadline=None)  # other processes may hold the cores
@given(
    count=st.integers(0, 5),
    size=st.integers(2, 6),
    more_rows=st.integers(0, 4),
    more_columns=st.integers(0, 4),
    seed=st.integers(0, 2**31),
)
def test_every_crop_is_a_patch_of_its_own_image_straight_or_reflected(
    count, size, more_rows, more_columns, seed
):
    images = position_images(count, size + more_rows, size + more_columns)
    crops = RandomCropFlip(size, seeded(seed))(images)
    assert crops.shape == (count, 3, size, size)
    assert crops.dtype == torch.uint8
    for number, crop in enumerate(crops):
        image, top, left, _ = where(crop)
        assert image == number
        assert 0 <= top <= more_rows
        assert 0 <= left <= more_columns


def test_all_views_are_reached_equally_often():
    crop = RandomCropFlip(4, seeded())
    image = position_images(1, 6, 7).expand(240, -1, -1, -1)
    seen = Counter(where(patch) for _ in range(30) for patch in crop(image))
    possible = 3 * 4 * 2
    assert len(seen) == possible
    expected = 240 * 30 / possible
    chi_square = sum((count - expected) ** 2 / expected for count in seen.values())
    assert chi_square < 49.7  # 23 degrees of freedom: exceeded by chance once in a thousand seeds


def test_a_256_image_has_2178_views_of_224_and_the_paper_counts_2048():
    assert views() == 33 * 33 * 2 == 2178
    assert views(255, 224) == 32 * 32 * 2 == 2048  # one pixel less each way gives the printed number


def test_images_are_cropped_independently_unless_they_share():
    crop = RandomCropFlip(3, seeded())
    places = [where(patch)[1:] for patch in crop(position_images(40, 9, 9))]
    assert len(set(places)) > 20


@pytest.mark.parametrize("count", [32, 64, 70])
def test_the_2012_way_shares_one_crop_and_one_reflection_among_32_consecutive_images(count):
    crops = RandomCropFlip(3, seeded(), shared_by=32)(position_images(count, 20, 20))
    places = [where(patch)[1:] for patch in crops]
    groups = [set(places[start : start + 32]) for start in range(0, count, 32)]
    assert all(len(group) == 1 for group in groups)
    assert len(set.union(*groups)) == len(groups)


def test_every_crop_loses_the_mean_at_its_own_place_before_it_is_reflected_and_gains_its_color():
    images, mean, shifts = noise_images(8), torch.rand(3, 9, 7) * 200, torch.randn(8, 3)
    boxes = RandomCropFlip(5, seeded()).draw_boxes(8, 9, 7)
    whole = images.float() - mean + shifts[:, :, None, None]
    for image, patch, (top, left, reflected) in zip(
        whole, crop_boxes(images, boxes, 5, mean, shifts), boxes.tolist(), strict=True
    ):
        expected = image[:, top : top + 5, left : left + 5]
        assert torch.equal(patch, expected.flip(-1) if reflected else expected)


def test_a_mean_color_is_lost_at_every_place():
    images, boxes = noise_images(2), torch.tensor([[0, 1, 0], [2, 0, 1]])
    crops = crop_boxes(images, boxes, 5, torch.full((3, 1, 1), 100.0))
    assert torch.equal(crops, crop_boxes(images, boxes, 5).float() - 100)


def test_a_seed_draws_what_it_drew_when_the_records_were_made():
    images = torch.randint(0, 256, (40, 3, 40, 36), generator=seeded(), dtype=torch.uint8)
    boxes = RandomCropFlip(28, seeded(1)).draw_boxes(5, 40, 36)
    assert boxes.tolist() == [[6, 1, 0], [9, 2, 1], [3, 5, 0], [1, 8, 1], [6, 0, 1]]
    shared = RandomCropFlip(28, seeded(1), shared_by=3).draw_boxes(5, 40, 36)
    assert shared.tolist() == [[6, 0, 1]] * 3 + [[9, 5, 1]] * 2
    crops = RandomCropFlip(28, seeded(2))(images)
    assert (crops.long().sum().item(), crops[3, 1, 4, 5:9].tolist()) == (11994613, [37, 241, 202, 47])
    shifts = PCAColorNoise(generator=seeded(3)).fit(images).color_shifts(2).flatten().tolist()
    assert shifts == pytest.approx([0.711371, -0.094897, 1.632642, -2.767172, -1.480825, -0.600565], abs=1e-5)


def test_the_center_crop_is_the_fifth_of_the_ten():
    for side in ((9, 7), (8, 6), (256, 256)):
        images = noise_images(2, *side) if side != (256, 256) else position_images(2, 256, 256)
        size = 224 if side == (256, 256) else 5
        assert torch.equal(center_crop(images, size), ten_crop(images, size)[:, 4])


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_a_gpu_gives_the_same_augmentation_as_a_cpu():
    images = noise_images(16, 40, 40)
    moved = [PCAColorNoise(generator=seeded()).fit(batch)(batch) for batch in (images, images.cuda())]
    torch.testing.assert_close(moved[0], moved[1].cpu())
    crops = [RandomCropFlip(32, seeded())(batch) for batch in (images, images.cuda())]
    assert torch.equal(crops[0], crops[1].cpu())


@pytest.mark.parametrize(
    ("height", "width", "size"), [(9, 7, 5), (8, 8, 5), (256, 256, 224), (6, 6, 6), (10, 7, 2)]
)
def test_ten_crops_agree_with_torchvision(height, width, size):
    from torchvision.transforms.functional import ten_crop as torchvisions

    images = noise_images(2, height, width)
    assert torch.equal(ten_crop(images, size), torch.stack(torchvisions(images, size), dim=1))


def test_ten_crops_of_no_images_are_no_crops():
    assert ten_crop(noise_images(0), 5).shape == (0, 10, 3, 5, 5)


@settings(deadline=None)
@given(count=st.integers(1, 150), seed=st.integers(0, 2**31))
def test_principal_components_are_numpys_eigenvectors_of_the_pixel_covariance(count, seed):
    images = noise_images(count, 5, 4, seed)
    images[:, 1] = images[:, 0] // 2 + images[:, 1] // 3  # colors that vary together
    noise = PCAColorNoise().fit(images)
    pixels = images.permute(1, 0, 2, 3).reshape(3, -1).numpy() / 255
    values, _ = np.linalg.eigh(np.cov(pixels))
    np.testing.assert_allclose(noise.eigenvalues, values[::-1], rtol=1e-9)
    vectors = noise.eigenvectors.numpy()
    np.testing.assert_allclose(np.cov(pixels) @ vectors, vectors * values[::-1], atol=1e-12)
    np.testing.assert_allclose(vectors.T @ vectors, np.eye(3), atol=1e-12)
    np.testing.assert_allclose(noise.mean, pixels.mean(1) * 255, rtol=1e-12)


def test_the_sign_of_every_eigenvector_is_fixed():
    vectors = PCAColorNoise().fit(noise_images(20)).eigenvectors
    largest = vectors[vectors.abs().argmax(0), torch.arange(3)]
    assert (largest > 0).all()


def test_one_shift_moves_all_pixels_of_an_image_and_another_one_the_next_image():
    images = noise_images(6)
    moved = PCAColorNoise(generator=seeded()).fit(images)(images)
    assert moved.dtype == torch.float32
    assert moved.shape == images.shape
    shift = moved - images.float()
    torch.testing.assert_close(shift, shift[:, :, :1, :1].expand_as(shift), atol=1e-4, rtol=0)
    assert len(shift[:, 0, 0, 0].unique()) == 6


def test_every_use_draws_again():
    images = noise_images(3)
    noise = PCAColorNoise(generator=seeded()).fit(images)
    assert not torch.equal(noise(images), noise(images))


@pytest.mark.parametrize(
    ("arguments", "gray_levels"),
    [
        # By hand: red has variance 100^2, green 20^2, blue none; 0.1 of the eigenvalue on the scale 0 to 1.
        ({}, (0.1 * 100**2 / 255, 0.1 * 20**2 / 255, 0.0)),
        ({"unit": 1}, (0.1 * 100**2, 0.1 * 20**2, 0.0)),
        ({"magnitude": "deviation"}, (0.1 * 100, 0.1 * 20, 0.0)),
        ({"magnitude": "deviation", "unit": 1}, (0.1 * 100, 0.1 * 20, 0.0)),
        ({"sigma": 0.3}, (0.3 * 100**2 / 255, 0.3 * 20**2 / 255, 0.0)),
        ({"sigma": 0}, (0.0, 0.0, 0.0)),
    ],
)
def test_the_shifts_vary_as_the_formula_says(arguments, gray_levels):
    red = torch.tensor([28, 228, 28, 228]).repeat(2500)
    green = torch.tensor([50, 50, 90, 90]).repeat(2500)
    images = torch.stack([red, green, torch.full_like(red, 7)]).reshape(1, 3, 100, 100).to(torch.uint8)
    shifts = PCAColorNoise(generator=seeded(), **arguments).fit(images).color_shifts(40_000).double()
    covariance = np.cov(shifts.T.numpy())
    expected = np.array(gray_levels)
    np.testing.assert_allclose(np.sqrt(covariance.diagonal()), expected, rtol=0.02, atol=1e-6)
    off = covariance - np.diag(covariance.diagonal())
    assert np.abs(off).max() <= 0.02 * expected[0] * expected[1] + 1e-9
    assert np.abs(shifts.mean(0).numpy()).max() <= 0.02 * expected[0] + 1e-9


def test_correlated_colors_get_a_correlated_shift():
    images = noise_images(64, 8, 8)
    images[:, 1] = images[:, 0]  # yellow and blue: red and green rise together
    shifts = PCAColorNoise(generator=seeded()).fit(images).color_shifts(100)
    torch.testing.assert_close(shifts[:, 0], shifts[:, 1], atol=1e-4, rtol=0)
    assert shifts[:, 0].std() > 0


def test_gray_images_are_moved_along_gray_alone():
    images = noise_images(8)[:, :1].expand(-1, 3, -1, -1)
    noise = PCAColorNoise(magnitude="deviation", generator=seeded()).fit(images)
    shifts = noise.color_shifts(50)
    assert (noise.eigenvalues >= 0).all()
    torch.testing.assert_close(shifts, shifts[:, :1].expand(-1, 3), atol=1e-3, rtol=1e-4)


def test_the_2012_division_works_on_images_whose_mean_is_gone():
    images = noise_images(5)
    centered = images.float() - 120
    before = centered.clone()
    plain = PCAColorNoise(generator=seeded(1)).fit(images)(centered)
    divided = PCAColorNoise(generator=seeded(1), divide_by=1.1).fit(images)(centered)
    torch.testing.assert_close(divided, plain / 1.1)
    assert torch.equal(centered, before)


def test_the_2012_division_refuses_images_that_still_have_their_mean():
    images = noise_images(5)
    noise = PCAColorNoise(divide_by=1.1).fit(images)
    with pytest.raises(ValueError, match=r"divide_by is 1\.1 .*after subtracting the mean.*float\(\) - mean"):
        noise(images)


def test_noise_on_an_empty_batch_is_an_empty_batch():
    noise = PCAColorNoise().fit(noise_images(5))
    assert noise(noise_images(0)).shape == (0, 3, 9, 7)


def test_noise_without_fit_says_what_to_call():
    with pytest.raises(RuntimeError, match=r"no principal components yet: call fit\(images\) first"):
        PCAColorNoise()(noise_images())


def test_one_pixel_has_no_covariance():
    with pytest.raises(ValueError, match=r"pixels is 1, and must be at least 2"):
        PCAColorNoise().fit(noise_images(1, 1, 1))
