"""Make the data assets of the widgets: one photograph, and what the first-layer kernels make of it.

    python tools/widget_assets.py

photo.json   the photograph "astronaut" that scikit-image ships (NASA, public domain), 256 x 256, as JPEG
conv1.json   its center 224 x 224 through the 96 kernels of alexnet_lib/results/first_layer: the signed
             response (96, 55, 55) before the ReLU, 95 levels
on_click/kernels.json   those kernels, 255 levels each, for a picture of the reader's own

The kernels expect pixels of 0-255 less the mean color of the images that they were trained on.
"""

import argparse
import base64
import io
import json
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from skimage import data

from alexnet_lib.paper import IMAGES
from alexnet_lib.widgets.packed import pack

ROOT = Path(__file__).parent.parent / "alexnet_lib"
KERNELS = max((ROOT / "results" / "first_layer").glob("*.npz"))  # by its name the newest
ASSETS = ROOT / "widgets" / "assets"
QUALITY = 85
STRIDE, OVERHANG = 4, 3  # §3.5: 1 + ceil((224 - 11) / 4) = 55 windows, the last ones 3 pixels over the edge


def photograph() -> bytes:
    """The photograph as JPEG. Every asset is made from what a decoder gives back, not from the original."""
    picture = Image.fromarray(data.astronaut()).resize(
        (IMAGES.stored, IMAGES.stored), Image.Resampling.LANCZOS
    )
    file = io.BytesIO()
    picture.save(file, format="jpeg", quality=QUALITY, optimize=True)
    return file.getvalue()


def conv1_response(jpeg: bytes, kernels: Path) -> np.ndarray:
    """(96, 55, 55), before the ReLU."""
    margin = (IMAGES.stored - IMAGES.crop) // 2
    pixels = np.asarray(Image.open(io.BytesIO(jpeg)), dtype=np.float32)[margin:-margin, margin:-margin]
    images = torch.from_numpy(pixels).permute(2, 0, 1)[None]  # (1, 3, 224, 224)
    with np.load(kernels) as stored:
        weight, bias, mean = (torch.from_numpy(stored[key]).float() for key in ("kernels", "bias", "mean"))
    # The mean comes off before the padding, so that the ceil_mode holds the mean color, as in a net.
    overhanging = F.pad(images - mean.view(3, 1, 1), (0, OVERHANG, 0, OVERHANG))  # (1, 3, 227, 227)
    return F.conv2d(overhanging, weight, bias, stride=STRIDE)[0].numpy()


def rounded_kernels(kernels: Path) -> dict:
    """The first layer for the page: (96, 3, 11, 11) as whole levels, a scale for each kernel."""
    with np.load(kernels) as stored:
        weight, bias, mean = (stored[key].astype(np.float64) for key in ("kernels", "bias", "mean"))
    scales = np.abs(weight).max(axis=(1, 2, 3)) / 127
    levels = np.round(weight / scales[:, None, None, None]).astype(np.int8)

    def digits(values: np.ndarray) -> list[float]:
        return [float(f"{value:.6g}") for value in values]

    text = base64.b64encode(levels.tobytes()).decode("ascii")
    return {"levels": text, "scales": digits(scales), "bias": digits(bias), "mean": digits(mean)}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--kernels", type=Path, default=KERNELS)
    args = parser.parse_args()
    jpeg = photograph()
    photo = {"shape": [IMAGES.stored, IMAGES.stored, 3], "jpeg": base64.b64encode(jpeg).decode("ascii")}
    made = {
        "photo": photo,
        "conv1": pack(conv1_response(jpeg, args.kernels)),
        "on_click/kernels": rounded_kernels(args.kernels),
    }
    for name, asset in made.items():
        path = ASSETS / f"{name}.json"
        path.write_text(json.dumps(asset) + "\n")
        print(f"{path}: {path.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main()
