"""Numbers in sentences, written alike in Python and in JavaScript (the same names in js/canvas.js)."""

from decimal import ROUND_HALF_UP, Decimal


def number(value: float) -> str:
    """Three significant digits, at most six decimals, never an exponent: 0.000123, 4.56, 12345."""
    # Sums in another order differ in their last digits, which would decide a tie.
    value = float(f"{value or 0:.12g}")
    size, decimals = abs(value), 0
    # Comparing with powers of ten instead of taking a logarithm: both languages then agree at 0.1 and 1000.
    while decimals < 6 and size != 0 and size * 10**decimals < 100:
        decimals += 1
    # Half away from zero, as JavaScript's toFixed does; Python's format rounds half to even.
    return f"{Decimal(value).quantize(Decimal(1).scaleb(-decimals), ROUND_HALF_UP):f}"


def counted(value: float, unit: str) -> str:
    """The number with its unit, a plural that ends in s: 5 channels, 1 channel."""
    return f"{value} {unit.removesuffix('s') if value == 1 else unit}"
