"""Any file in a folder of pictures is decoded as is written at `read_image`, or refused by its name."""

import struct
import subprocess
import sys
import zlib

import numpy as np
import pytest
import torch
from PIL import Image

from alexnet_lib.data.images import CorruptImageError, rescale_and_crop
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


def noise(width, height):
    return Image.fromarray(np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8))


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
    noise(20_000, height).save(data / "train" / "one" / "wide.png")
    if height == 300:  # 17,066 x 256 on the way
        assert loaded(256).shape == (3, 256, 256)
        return
    words = r"wide\.png: ValueError: image is 20000x1, and rescaled to size=256 .* above Pillow's limit"
    with pytest.raises(CorruptImageError, match=words):
        loaded(256)


def test_a_strip_does_not_grow_to_gigabytes_on_its_way_to_a_square():
    code = (
        "import resource; from PIL import Image; from alexnet_lib.data.images import rescale_and_crop\n"
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "try: rescale_and_crop(Image.new('RGB', (20_000, 1)))\n"
        "except ValueError: print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert int(told.stdout) < 100_000  # kilobytes


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
