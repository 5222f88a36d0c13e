"""A trained network in the formats that other programs read: ONNX, torch.export, and plain weights."""

import io
import json
import os
import warnings

import torch
import torch.nn.functional as F
from torch import Generator, Tensor, nn
from torch.export import Dim

from ..architecture import torchvision_state
from ..augmentation import center_crop
from ..guard import Positive, require_choice, require_path, validated
from ..training.fileio import atomic_write
from .weights import Trained, load_trained

FORMATS = {"onnx": ".onnx", "pt2": ".pt2", "state_dict": ".pt", "torchvision": ".pth"}
CLOSE = 1e-4  # of the largest score: how far another program's scores may be from ours


class FromPixels(nn.Module):
    """A network with its preprocessing (§2): a crop's pixels on 0-255, (N, 3, side, side) -> scores.

    mean: (3, side, side), what is subtracted; factor: what the rest is multiplied by.
    """

    @validated
    def __init__(self, net: nn.Module, mean: Tensor, factor: Positive = 1.0):
        super().__init__()
        self.net, self.factor = net, factor
        self.register_buffer("mean", mean)

    def forward(self, pixels: Tensor) -> Tensor:
        return self.net((pixels - self.mean) * self.factor)


def export(run: str | os.PathLike, path: str | os.PathLike, format: str | None = None) -> str:
    """Write the network of a run for other programs, and say in one line what the file takes and gives.

    run: the folder of a run, one of its checkpoints, "imagenette" (ships with the book) or "torchvision".
    format: "onnx", "pt2" (torch.export), "state_dict" or "torchvision" (weights under torchvision's names);
    by default by the suffix .onnx, .pt2, .pt or .pth.

    The first two hold the preprocessing too and take any number of images. Each file is read back, and has to
    give the same scores for ten images up to 1e-4 of the largest, before it gets its name.

    Raises FileExistsError for a path that exists, ValueError for a format that the network has no place in,
    ImportError where the packages for ONNX are missing.
    """
    path = require_path("path", path, "the file to write, such as model.onnx")
    suffixes = {suffix: name for name, suffix in FORMATS.items()}
    if format is None:
        format = suffixes[require_choice("suffix", path.suffix, suffixes)]
    require_choice("format", format, FORMATS)
    if path.exists():
        raise FileExistsError(f"{path} is there already: name another file, or remove it first")
    if not path.parent.is_dir():
        raise FileNotFoundError(f"{path} lies in a folder that is not there: make {path.parent} first")
    found = load_trained(run)
    net, classes = _from_pixels(found), found.classes
    pixels = _ten_images(net.mean.shape[-1])
    with torch.no_grad():
        scores = net(pixels)
    with warnings.catch_warnings():  # torch's own, about its own calls
        warnings.simplefilter("ignore")
        content, told = WRITERS[format](net, classes, pixels, scores)
    atomic_write(path, lambda file: file.write(content))
    return f"{path}: {len(content) / 1e6:,.1f} MB; {told}"


def _from_pixels(found: Trained) -> FromPixels:
    """The network with its preprocessing, in evaluation mode."""
    return FromPixels(found.net, center_crop(found.mean, found.crop).clone(), found.factor).eval()


def _ten_images(size: int) -> Tensor:
    """Ten smooth colored pictures, always the same, from coarse to fine: float32 (10, 3, size, size)."""
    draw = Generator().manual_seed(0)
    small = [255 * torch.rand(1, 3, n, n, generator=draw) for n in range(2, 22, 2)]
    return torch.cat([F.interpolate(one, size, mode="bilinear", align_corners=True) for one in small])


def _require_close(scores: Tensor, expected: Tensor, who: str) -> str:
    apart = ((scores - expected).abs().max() / expected.abs().max()).item()
    if not apart <= CLOSE:
        raise ValueError(
            f"{who} gives other scores: they differ by {apart:.1g} of the largest, and may by {CLOSE:g}; "
            f"nothing was written"
        )
    return f"{who} agrees to {apart:.0e} of the largest score on ten images"


def _takes(net: FromPixels, classes: tuple[str, ...]) -> str:
    size = net.mean.shape[-1]
    return f"pixels 0-255 (N, 3, {size}, {size}) -> scores of {len(classes)} classes"


def _program(net: FromPixels, pixels: Tensor) -> torch.export.ExportedProgram:
    batch = {"pixels": {0: Dim("batch", min=1)}}
    return torch.export.export(net, (pixels[:2],), dynamic_shapes=batch)


def _onnx(net: FromPixels, classes: tuple[str, ...], pixels: Tensor, scores: Tensor) -> tuple[bytes, str]:
    try:
        import onnxruntime
        import onnxscript  # noqa: F401 (torch.onnx needs it)
    except ImportError as error:
        raise ImportError(
            f"format is 'onnx', and {error.name} is not installed: pip install onnx onnxscript onnxruntime"
        ) from error
    program = _program(net, pixels)
    made = torch.onnx.export(program, input_names=["pixels"], output_names=["scores"], verbose=False)
    made.model.metadata_props["classes"] = json.dumps(classes)
    content = made.model_proto.SerializeToString()
    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    found = torch.from_numpy(session.run(["scores"], {"pixels": pixels.numpy()})[0])
    return content, f"{_takes(net, classes)}; {_require_close(found, scores, 'onnxruntime')}"


def _pt2(net: FromPixels, classes: tuple[str, ...], pixels: Tensor, scores: Tensor) -> tuple[bytes, str]:
    file = io.BytesIO()
    torch.export.save(_program(net, pixels), file, extra_files={"classes": json.dumps(classes)})
    read = torch.export.load(io.BytesIO(file.getvalue())).module()
    return file.getvalue(), f"{_takes(net, classes)}; {_require_close(read(pixels), scores, 'torch.export')}"


def _state(state: dict[str, Tensor]) -> bytes:
    file = io.BytesIO()
    torch.save(state, file)
    return file.getvalue()


def _state_dict(
    net: FromPixels, classes: tuple[str, ...], pixels: Tensor, scores: Tensor
) -> tuple[bytes, str]:
    content = _state(net.net.state_dict())
    net.net.load_state_dict(torch.load(io.BytesIO(content), weights_only=True))
    return content, f"weights alone, {len(net.net.state_dict())} tensors; load_state_dict takes them"


def _torchvision(
    net: FromPixels, classes: tuple[str, ...], pixels: Tensor, scores: Tensor
) -> tuple[bytes, str]:
    from torchvision.models import alexnet  # here: only this format needs it

    try:
        state = torchvision_state(net.net)
        with torch.device("meta"):  # its random weights would be drawn for nothing
            theirs = alexnet(num_classes=len(classes)).eval()
        theirs.load_state_dict(state, assign=True)
    except (AttributeError, KeyError, RuntimeError) as error:
        raise ValueError(
            f"format is 'torchvision', and its alexnet has other layers than this network: take .onnx, .pt2 "
            f"or .pt ({' '.join(str(error).split())[:80]})"
        ) from None
    with torch.no_grad():
        found = theirs((pixels - net.mean) * net.factor)
    return _state(state), _require_close(found, scores, "torchvision's alexnet")


WRITERS = {"onnx": _onnx, "pt2": _pt2, "state_dict": _state_dict, "torchvision": _torchvision}
