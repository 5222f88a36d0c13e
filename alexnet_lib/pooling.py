"""Max pooling of z x z windows, s apart, overlapping when s < z (§3.4): torch.nn.MaxPool2d(z, s)."""

from .guard import Count, Index, validated


@validated
def output_size(size: Count, z: Count, s: Count, padding: Index = 0, ceil_mode: bool = False) -> int:
    """How many windows of z pixels, s pixels apart, cover a side of `size` pixels (§3.4, §3.5).

    With `ceil_mode` a last window may hang over the far edge so that no pixel is left out, as in the original
    code (layer.py:1004): 224 pixels, z = 11, s = 4 give 55 windows, and 54 without. Convolutions and pooling
    count alike. Raises ValueError where not even one window fits.
    """
    rest = size + 2 * padding - z
    if rest < 0:
        raise ValueError(f"size is {size} with padding {padding}, and a window of {z} pixels does not fit")
    return 1 + (-(-rest // s) if ceil_mode else rest // s)
