"""Arrays on their way to the page: under 7 bits a value, compressed, as text."""

import base64
import json
import zlib

import numpy as np
import traitlets

from .bundle import asset_text

PEAK = 47  # 95 levels: a seventh bit would cost 30 kB and is not seen on a screen


def pack(array: np.ndarray) -> dict:
    """Round to 95 levels between -peak and +peak. The page and Python both read the rounded values."""
    array = np.asarray(array, dtype=np.float64)
    scale = float(np.float32(np.abs(array).max() / PEAK)) or 1.0
    levels = np.round(array / scale).astype(np.int8)
    text = base64.b64encode(zlib.compress(levels.tobytes(), 9)).decode("ascii")
    return {"shape": list(array.shape), "scale": scale, "data": text}


def unpack(packed: dict) -> np.ndarray:
    """The float64 array that `pack` stored."""
    levels = np.frombuffer(zlib.decompress(base64.b64decode(packed["data"])), dtype=np.int8)
    return levels.reshape(packed["shape"]) * packed["scale"]


def load_asset(name: str) -> dict:
    """A data asset of the package, as a dict."""
    return json.loads(asset_text(name))


class Asset(traitlets.Dict):
    """Data that ships with the package: the page loads it once per book, by its name."""

    def __init__(self, asset: str):
        super().__init__()
        self.asset = asset
        self.tag(sync=True)

    def default(self, obj=None) -> dict:
        return load_asset(self.asset)


class PackedArray(Asset):
    """An asset that is an array; a user may set another array of the same shape."""

    def __init__(self, asset: str, shape: tuple[int, ...], what: str):
        super().__init__(asset)
        self.shape, self.what = shape, what

    def validate(self, obj, value):
        if isinstance(value, dict):
            return value
        array = np.asarray(value, dtype=np.float64)
        if array.shape != self.shape:
            raise ValueError(
                f"{self.name} has shape {array.shape}, and must have {self.shape}: {self.what}. "
                f"Leave it out to see what ships with the book"
            )
        if not np.isfinite(array).all():
            raise ValueError(f"{self.name} holds values that are not finite: replace NaN and infinity first")
        return pack(array)
