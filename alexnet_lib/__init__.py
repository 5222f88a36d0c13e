"""The library under *Reading AlexNet*: the paper's components, one module each, in the paper's order."""

__version__ = "0.1.0"
