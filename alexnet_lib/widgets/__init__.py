"""Interactive figures, in the rendered page and in Jupyter.

    from alexnet_lib.widgets import LrnExplorer
    LrnExplorer(n=9)

Each name is imported when it is first asked for (PEP 562): building the page imports this package
without torch and without a notebook server's packages.
"""

from importlib import import_module

_MODULES = {
    "ConvolutionExplorer": "convolution",
    "LrnExplorer": "lrn",
    "PoolingExplorer": "pooling",
    "CropExplorer": "crop",
    "ColorNoiseExplorer": "color_noise",
    "DropoutExplorer": "dropout",
    "UpdateRuleExplorer": "update_rule",
    "ActivationExplorer": "activation",
    "ArchitectureExplorer": "architecture",
    "TowerExplorer": "towers",
    "RaceExplorer": "race",
    "RunExplorer": "runs",
    "NetExplorer": "net",
    "NetWalk": "walk",
    "KernelGrowth": "growth",
    "UnitExplorer": "units",
    "TeachExplorer": "teach",
    "page_interact": "frames",
}
__all__ = list(_MODULES)


def __getattr__(name: str):
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}; it has {', '.join(__all__)}")
    return getattr(import_module(f".{_MODULES[name]}", __name__), name)


def __dir__() -> list[str]:
    return __all__
