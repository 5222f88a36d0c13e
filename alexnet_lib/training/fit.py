"""What does not fit together is refused before any image is read; a precision the CPU lacks is replaced."""

import warnings
from dataclasses import replace

import torch
from torch import nn

from ..learning import TrainConfig
from .ranks import Ranks, batch_shard
from .runs import build_net


def require_fit(config: TrainConfig, ranks: Ranks, net: nn.Module | None = None) -> None:
    """Refuse what does not fit together: spec, crop, dropout, batch, processes. Reads no image."""
    batch_shard("batch_size", config.batch_size, ranks)
    with torch.device("meta"):  # no memory, and no random numbers drawn
        net = net or build_net(config, classes=10)
    if ranks.size > 1 and any(True for _ in net.buffers()):
        raise ValueError(
            f"spec is {config.spec!r}, which normalizes by statistics of a batch, and each of {ranks.size} "
            f"processes has a part of it: train this net in one process"
        )


def settle_precision(config: TrainConfig, ranks: Ranks) -> TrainConfig:
    """The config, in float32 where this CPU only imitates half precision: a step would take minutes."""
    name = {"bfloat16": "_is_mkldnn_bf16_supported", "float16": "_is_mkldnn_fp16_supported"}
    if config.precision == "float32" or ranks.device.type != "cpu":
        return config
    if torch.backends.mkldnn.is_available() and getattr(torch.ops.mkldnn, name[config.precision])():
        return config
    if ranks.is_main:
        warnings.warn(
            f"precision is {config.precision!r}, and this CPU has none: the run is in float32",
            stacklevel=3,
        )
    return replace(config, precision="float32")
