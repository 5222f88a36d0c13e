"""The library under *Reading AlexNet*: one module for each section of the paper, in the paper's order.

    paper          what the paper says, as numbers and claims with their sections
    dataset        §2    load, ImageSet
    relu           §3.1  FourLayerNet, the net of Figure 1
    towers         §3.2  which channels each tower reads
    distributed    §3.2  TwoDeviceAlexNet, one tower for each process
    normalization  §3.3  LocalResponseNorm
    pooling        §3.4  output sizes of overlapping pooling
    architecture   §3.5  AlexNet and PAPER; counts: its sizes; specs: the other nets by name
    augmentation   §4.1  RandomCropFlip, PCAColorNoise, ten_crop
    dropout        §4.2  PaperDropout
    learning       §5    PaperSGD, init_paper_, Plateau, TrainConfig
    train          §5    train, the loop
    evaluation     §6    top-1 and top-5 error, ten crops, averages of nets
    qualitative    §6.1  first kernels, best labels, nearest images
    records        what our runs found; cli: the command `alexnet`

With a network: use/. Machinery: data/, training/, fast/, experiments/, chapters/, widgets/, guard.

The main names are here too, as in `from alexnet_lib import AlexNet, load`; torch is loaded at first use.
"""

import importlib

__version__ = "0.1.0"

HOMES = {
    "load": "dataset",
    "FourLayerNet": "relu",
    "TwoDeviceAlexNet": "distributed",
    "LocalResponseNorm": "normalization",
    "AlexNet": "architecture",
    "AlexNetSpec": "architecture",
    "SPECS": "architecture",
    "RandomCropFlip": "augmentation",
    "PCAColorNoise": "augmentation",
    "ten_crop": "augmentation",
    "PaperDropout": "dropout",
    "PaperSGD": "learning",
    "TrainConfig": "learning",
    "init_paper_": "learning",
    "topk_error": "evaluation",
    "center_crop_probabilities": "evaluation",
    "ten_crop_probabilities": "evaluation",
}
__all__ = [*HOMES]


def __getattr__(name: str) -> object:
    if name not in HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f".{HOMES[name]}", __name__), name)


def __dir__() -> list[str]:
    return [*globals(), *HOMES]
