"""What the net sees: drawn from (seed, epoch, step) alone, and the same for processes that share a batch."""

from dataclasses import replace
from functools import cache

import pytest
import torch

from alexnet_lib.augmentation import center_crop
from alexnet_lib.data.batches import Batches, fingerprint, resize_stored, seed_of, train_val_split
from alexnet_lib.data.images import mean_image
from alexnet_lib.dataset import ImageSet, ten_photos
from alexnet_lib.learning import TrainConfig
from alexnet_lib.training.ranks import Ranks

CONFIG = TrainConfig(
    data="ten-photos", image_size=20, crop=16, input_scale=0.01, batch_size=16, val_fraction=0.1
)
ALONE = Ranks(0, 1, 0, torch.device("cpu"))
PLAIN = replace(CONFIG, random_crops=False, color_noise=0.0)


@cache
def sets():
    return ten_photos("train", 20, 20), ten_photos("test", 20, 10)


def batches(config=CONFIG, world=ALONE, images=None):
    images = images or sets()[0]
    return Batches(images, torch.arange(len(images)), config, world)


def test_without_augmentation_a_batch_is_the_center_without_the_mean():
    images, _ = sets()
    source = batches(PLAIN)
    batch, labels = source.step(0, 3)
    rows = source.order(0)[48:64]
    expected = center_crop(images.images[rows].float() - mean_image(images.images), 16)
    assert torch.equal(batch, expected)
    assert torch.equal(labels, images.labels[rows])


def test_a_step_does_not_depend_on_what_was_drawn_before():
    one, other = batches(), batches()
    for epoch, step in ((0, 0), (0, 1), (1, 5)):
        one.step(epoch, step)
    assert torch.equal(one.step(2, 4)[0], other.step(2, 4)[0])


def test_seeds_epochs_and_steps_all_change_what_is_drawn():
    drawn = [batches().step(0, 0)[0], batches().step(0, 1)[0], batches().step(1, 0)[0]]
    drawn.append(batches(replace(CONFIG, seed=1)).step(0, 0)[0])
    for k, batch in enumerate(drawn):
        assert not any(torch.equal(batch, other) for other in drawn[:k])


def test_color_noise_shifts_whole_images():
    noisy = batches(replace(CONFIG, random_crops=False)).step(0, 0)[0]
    shifts = noisy - batches(PLAIN).step(0, 0)[0]
    assert shifts.abs().max() > 0.1
    torch.testing.assert_close(shifts, shifts[:, :, :1, :1].expand_as(shifts), rtol=0, atol=1e-3)


@pytest.mark.parametrize("config", [CONFIG, replace(CONFIG, crop_shared_by=4)])
def test_two_processes_see_the_halves_of_the_batch_that_one_sees(config):
    whole, labels = batches(config).step(1, 2)
    halves = [batches(config, Ranks(rank, 2, rank, torch.device("cpu"))).step(1, 2) for rank in (0, 1)]
    assert torch.equal(torch.cat([half for half, _ in halves]), whole)
    assert torch.equal(torch.cat([half for _, half in halves]), labels)


def test_small_stored_images_are_enlarged_before_the_crop():
    tiny = ImageSet(
        torch.full((32, 3, 5, 7), 200, dtype=torch.uint8), torch.zeros(32).long(), ("a",), "tiny", "train", ""
    )
    source = batches(PLAIN, images=tiny)
    assert resize_stored(tiny.images, 20).shape == (32, 3, 20, 20)
    assert source.mean.shape == (3, 20, 20)
    assert source.step(0, 0)[0].abs().max() < 1e-4


def test_batches_lie_in_memory_as_the_config_says():
    assert batches().step(0, 0)[0].is_contiguous(memory_format=torch.channels_last)
    assert batches(replace(CONFIG, channels_last=False)).step(0, 0)[0].is_contiguous()


def test_only_the_chosen_images_decide_the_mean_and_the_colors():
    images, chosen = sets()[0], torch.arange(0, 200, 2)
    other = images.images.clone()
    other[1::2] = 255
    drawn = [Batches(one, chosen, CONFIG, ALONE) for one in (images, replace(images, images=other))]
    assert torch.equal(drawn[0].mean, drawn[1].mean)
    assert torch.equal(drawn[0].mean, images.images[chosen].double().mean(0).float())
    assert torch.equal(drawn[0].noise.eigenvalues, drawn[1].noise.eigenvalues)
    assert torch.equal(drawn[0].step(0, 1)[0], drawn[1].step(0, 1)[0])


def test_a_batch_larger_than_the_set_is_refused():
    with pytest.raises(ValueError, match="batch_size is 500, and ten-photos has 200 images to train on"):
        batches(replace(CONFIG, batch_size=500))


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5])
def test_every_image_is_either_trained_on_or_held_out(share):
    images, _ = sets()
    chosen, held = train_val_split(images, share, seed=3)
    assert len(held) == share * 200
    assert sorted(chosen.tolist() + held.tolist()) == list(range(200))


def test_fewer_images_are_a_choice_of_the_seed_out_of_those_that_are_not_held_out():
    images, _ = sets()
    (every, held), (some, still_held) = (
        train_val_split(images, 0.1, 3),
        train_val_split(images, 0.1, 3, limit=50),
    )
    assert torch.equal(held, still_held)
    assert len(some) == 50
    assert set(some.tolist()) < set(every.tolist())
    assert some.tolist() == sorted(some.tolist())
    assert not torch.equal(some, train_val_split(images, 0.1, 4, limit=50)[0])
    assert torch.equal(train_val_split(images, 0.1, 3, limit=180)[0], every)
    with pytest.raises(
        ValueError, match=r"training_images is 181, and ten-photos has 180 .* use at most 180"
    ):
        train_val_split(images, 0.1, 3, limit=181)


def test_a_fingerprint_changes_with_a_pixel_a_label_a_class_or_the_order():
    def changed(**parts):
        return fingerprint(replace(images, **parts))

    images = ten_photos("train", 8, 5)
    pixel, label = images.images.clone(), images.labels.clone()
    pixel[3, 1, 2, 2] ^= 1
    label[3] += 1
    prints = [fingerprint(images), changed(images=pixel), changed(labels=label)]
    prints += [changed(classes=images.classes[::-1]), changed(images=images.images.flip(0))]
    assert len(set(prints)) == 5
    assert fingerprint(ten_photos("train", 8, 5)) == prints[0]


def test_seeds_of_different_names_differ_and_fit_torch():
    seeds = {
        seed_of(seed, what, epoch) for seed in range(5) for what in ("images", "order") for epoch in range(50)
    }
    assert len(seeds) == 500
    assert all(0 <= seed < 2**63 for seed in seeds)
    assert seed_of(0, "images", 1) == seed_of(0, "images", 1)
