"""Any file in a folder of pictures is decoded as is written at `read_image`, or refused by its name."""

import os
import struct
import sys
import zlib
from importlib.metadata import version
from threading import Thread

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from torchvision.transforms import functional as F

from alexnet_lib import records
from alexnet_lib.data.images import CorruptImageError, mean_image, read_image, read_images, rescale_and_crop
from alexnet_lib.dataset import load

SIDE = 8


@pytest.fixture
def data(tmp_path):
    (tmp_path / "photos" / "train" / "one").mkdir(parents=True)
    return tmp_path / "photos"


@pytest.fixture(params=["memory", "cache"])
def loaded(request, data, tmp_path):
    """Load the folder's only picture, with a cache or without."""
    cache = tmp_path / "cache" if request.param == "cache" else None
    return lambda size=SIDE: load(f"folder:{data}", "train", size=size, cache=cache).images[0]


def noise(width, height, seed=0):
    return Image.fromarray(np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8))


def chunk(kind, content):
    """A chunk of a PNG."""
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def png(width, height, *chunks, bits=8, color=0):
    header = struct.pack(">IIBBBBB", width, height, bits, color, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + b"".join(chunks) + chunk(b"IEND", b"")


def test_gray_with_alpha_is_laid_over_white(data, loaded):
    Image.fromarray(np.full((8, 8, 2), (100, 51), np.uint8), "LA").save(data / "train" / "one" / "a.png")
    assert loaded().unique().tolist() == [224]  # 100 * 51/255 + 255 * 204/255


def test_a_picture_of_one_pixel_is_enlarged(data, loaded):
    Image.new("RGB", (1, 1), (1, 2, 3)).save(data / "train" / "one" / "a.png")
    assert loaded().flatten(1).unique(dim=1).tolist() == [[1], [2], [3]]


@pytest.mark.parametrize("bits", ["I;16", "I;16B"])
def test_sixteen_bits_of_either_order_keep_their_high_ones(data, loaded, bits):
    values = np.full((8, 8), 0x8001, ">u2" if bits.endswith("B") else "<u2")
    Image.frombytes(bits, (8, 8), values.tobytes()).save(data / "train" / "one" / "a.tif")
    assert loaded().unique().tolist() == [0x80]


def test_a_wrong_suffix_does_not_matter_if_it_is_a_picture(data, loaded):
    noise(8, 8).save(data / "train" / "one" / "a.jpg", format="PNG")
    assert torch.equal(loaded(), rescale_and_crop(noise(8, 8), SIDE))


def test_four_inks_and_a_turned_camera_come_out_upright_in_three_colors(data, loaded):
    exif = Image.Exif()
    exif[0x0112] = 8  # rotate by 270 degrees clockwise to see it upright
    inks = Image.new("CMYK", (8, 16), (0, 255, 255, 0))  # red
    inks.paste((255, 0, 255, 0), (0, 0, 8, 8))  # green above, as it is stored
    inks.save(data / "train" / "one" / "a.tif", exif=exif)
    upright = loaded()  # the middle of 16 x 8: green to the left
    assert upright.shape == (3, 8, 8)
    assert (upright[1, :, :3] > upright[0, :, :3]).all()
    assert (upright[0, :, -3:] > upright[1, :, -3:]).all()


@pytest.mark.parametrize("height", [1, 300])
def test_a_picture_20_000_pixels_wide_is_decoded_or_refused_in_little_memory(data, loaded, height):
    Image.new("RGB", (20_000, height)).save(data / "train" / "one" / "wide.png")
    if height == 300:  # 17,066 x 256 on the way
        assert loaded(256).shape == (3, 256, 256)
        return
    words = r"wide\.png: ValueError: image is 20000x1, and rescaled to size=256 .* above Pillow's limit"
    with pytest.raises(CorruptImageError, match=words):
        loaded(256)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows keeps no such count")
def test_a_strip_does_not_grow_to_gigabytes_on_its_way_to_a_square():
    strip = Image.new("RGB", (20_000, 1))
    records.reset_peak()
    before = records.environment("cpu")["memory"]
    with pytest.raises(ValueError, match="above Pillow's limit"):
        rescale_and_crop(strip)
    assert records.environment("cpu")["memory"] - before < 100_000_000


BOMBS = {
    "many pixels": (png(60_000, 60_000), "DecompressionBombError"),  # Pillow's limit, twice over
    "some pixels": (png(10_000, 10_000), "DecompressionBombWarning"),
    "much text": (
        png(
            8,
            8,
            chunk(b"zTXt", b"k\0\0" + zlib.compress(bytes(2_000_000))),
            chunk(b"IDAT", zlib.compress(bytes(72))),
        ),
        "ValueError: Decompressed data too large",
    ),
}


@pytest.mark.parametrize("bomb", BOMBS)
def test_a_small_file_with_much_in_it_is_refused_by_pillows_limit(data, loaded, bomb):
    content, words = BOMBS[bomb]
    (data / "train" / "one" / "bomb.png").write_bytes(content)
    with pytest.raises(CorruptImageError, match=rf"bomb\.png: {words}"):
        loaded()


@pytest.mark.parametrize("kind", ["png", "jpg", "webp", "tif", "bmp", "ppm"])
def test_a_file_cut_at_any_tenth_is_named(data, loaded, kind):
    path = data / "train" / "one" / f"a.{kind}"
    noise(40, 40).save(path)
    content = path.read_bytes()
    for tenth in range(10):
        path.write_bytes(content[: len(content) * tenth // 10])
        with pytest.raises(
            CorruptImageError, match=rf"1 file\(s\) cannot be read as images: .*a\.{kind}: \w+"
        ):
            loaded()


@pytest.mark.parametrize("kind", ["png", "jpg", "webp", "gif"])
def test_any_flipped_byte_gives_a_picture_of_the_right_shape_or_the_files_name(data, kind):
    path = data / "train" / "one" / ("a.png" if kind == "gif" else f"a.{kind}")
    noise(16, 16).save(path, format="JPEG" if kind == "jpg" else kind)
    content, chance = path.read_bytes(), np.random.default_rng(1)
    for place in chance.integers(0, len(content), 25):
        path.write_bytes(content[:place] + bytes([content[place] ^ 0x55]) + content[place + 1 :])
        try:
            found = load(f"folder:{data}", "train", size=SIDE).images.shape
        except CorruptImageError as error:
            found = error.paths
        assert found in ((1, 3, SIDE, SIDE), (path,))


# Before version 13 Pillow refuses the file that it writes.
READS_ITS_OWN = pytest.mark.skipif(
    int(version("pillow").split(".")[0]) < 13, reason="this Pillow does not read such a file"
)


@settings(deadline=None)  # other processes may hold the cores
@given(
    width=st.integers(1, 60),
    height=st.integers(1, 60),
    size=st.integers(1, 40),
    seed=st.integers(0, 1000),
)
def test_rescale_and_crop_agrees_with_torchvision(width, height, size, seed):
    image = noise(width, height, seed)
    expected = F.pil_to_tensor(F.center_crop(F.resize(image, size), [size, size]))
    assert torch.equal(rescale_and_crop(image, size), expected)
    assert torch.equal(rescale_and_crop(F.pil_to_tensor(image), size), expected)


@pytest.mark.parametrize("image", [torch.zeros(3, 4, 4), torch.zeros(4, 4, dtype=torch.uint8)])
def test_rescale_and_crop_takes_one_uint8_image(image):
    with pytest.raises(ValueError, match=r"must be uint8 \(3, H, W\): rescale one image at a time"):
        rescale_and_crop(image)


def test_the_mean_image_is_exact_in_float64():
    images = torch.randint(0, 256, (333, 3, 5, 4), generator=torch.Generator().manual_seed(0)).to(torch.uint8)
    mean = mean_image(images)
    assert mean.dtype == torch.float32
    assert np.array_equal(mean.numpy(), images.numpy().mean(0, dtype=np.float64).astype(np.float32))


def test_the_mean_of_many_images_is_exact_where_float32_sums_are_not():
    images = torch.randint(0, 256, (200_000, 3, 1, 1), generator=torch.Generator().manual_seed(0))
    whole_numbers = images.flatten(1).T.tolist()
    exact = torch.tensor([sum(channel) / 200_000 for channel in whole_numbers])
    assert torch.equal(mean_image(images.to(torch.uint8)).flatten(), exact)


def test_more_images_than_memory_holds_say_how_much_they_take(data):
    path = data / "train" / "one" / "a.png"
    noise(6, 5).save(path)
    with pytest.raises(MemoryError, match=r"take \d+ GB.*smaller size="):
        read_images([path] * 2, 10**8)


@pytest.mark.parametrize("mode", ["L", "1", "P", "CMYK", pytest.param("YCbCr", marks=READS_ITS_OWN)])
def test_other_color_modes_become_rgb_as_pillow_converts_them(tmp_path, mode):
    image, path = noise(6, 5).convert(mode), tmp_path / "a.tif"
    image.save(path)
    assert read_image(path).mode == "RGB"
    assert np.array_equal(np.asarray(read_image(path)), np.asarray(image.convert("RGB")))


@pytest.mark.parametrize("kind", [np.int32, np.float32])
def test_pixels_without_a_known_white_are_refused(tmp_path, kind):
    Image.fromarray(np.ones((4, 4), dtype=kind)).save(tmp_path / "a.tif")
    with pytest.raises(CorruptImageError, match=r"pixels of mode . have no fixed white: save .* 8 bits"):
        read_images([tmp_path / "a.tif"])


def test_transparency_is_laid_over_white(tmp_path):
    pixels = np.array([[[200, 0, 0, 255], [200, 0, 0, 0], [0, 0, 0, 51]]], dtype=np.uint8)
    Image.fromarray(pixels).save(tmp_path / "a.png")
    assert np.asarray(read_image(tmp_path / "a.png")).tolist() == [[[200, 0, 0], [255] * 3, [204] * 3]]


def test_a_transparent_palette_color_is_white(tmp_path):
    image = Image.new("P", (2, 1))
    image.putpalette([10, 20, 30, 40, 50, 60])
    image.putpixel((1, 0), 1)
    image.save(tmp_path / "a.png", transparency=1)
    assert np.asarray(read_image(tmp_path / "a.png")).tolist() == [[[10, 20, 30], [255, 255, 255]]]


def test_an_exif_rotation_is_applied(tmp_path):
    upright = noise(6, 4)
    exif = Image.Exif()
    exif[0x0112] = 6  # orientation: the camera was turned, rotate by 90 degrees clockwise to see it upright
    upright.transpose(Image.Transpose.ROTATE_90).save(tmp_path / "a.png", exif=exif)
    assert np.array_equal(np.asarray(read_image(tmp_path / "a.png")), np.asarray(upright))


def test_one_bad_file_among_good_ones_is_named_and_the_others_are_right(tmp_path):
    for k in range(70):
        Image.new("RGB", (8, 8), (k, 0, 0)).save(tmp_path / f"{k:02}.png")
    paths = sorted(tmp_path.glob("*.png"))
    whole = read_images(paths, 8)
    assert whole[:, 0, 0, 0].tolist() == list(range(70))
    paths[33].write_bytes(b"no picture")
    with pytest.raises(CorruptImageError, match=r"^1 file.*33\.png") as caught:
        read_images(paths, 8)
    assert caught.value.paths == (paths[33],)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_a_named_pipe_is_refused_and_not_waited_for(data):
    os.mkfifo(data / "train" / "one" / "x.jpg")
    told = []

    def loading():
        with pytest.raises(CorruptImageError, match=r"x\.jpg: ValueError: not a regular file"):
            load(f"folder:{data}", "train")
        told.append("refused")

    waiting = Thread(target=loading, daemon=True)  # one that waits for the pipe ends with the tests
    waiting.start()
    waiting.join(timeout=60)
    assert told


def test_the_mean_of_some_images_is_theirs_alone_in_any_order_of_memory():
    images = torch.randint(0, 256, (40, 3, 5, 7), dtype=torch.uint8)
    some = torch.tensor([39, 2, 3, 30])
    for stored in (images, images.contiguous(memory_format=torch.channels_last)):
        assert torch.equal(mean_image(stored, some), images[some].double().mean(0).float())
