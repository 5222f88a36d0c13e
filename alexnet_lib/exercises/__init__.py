"""Checkers for the exercises: a reader's own function or number in, a verdict with a hint out.

A checker never shows the solution. It compares with the library, which the tests compare with others.
A module per section.
"""

from .architecture import check_conv2_crossing, check_grouped_parameters, check_receptive_field, check_windows
from .augmentation import check_colour_shift, check_crop_and_reflect, check_places
from .normalization import check_neighbours, check_torch_alpha, check_window_sum
from .verdict import Verdict, check_function, check_number

__all__ = [
    "Verdict",
    "check_colour_shift",
    "check_conv2_crossing",
    "check_crop_and_reflect",
    "check_function",
    "check_grouped_parameters",
    "check_neighbours",
    "check_number",
    "check_places",
    "check_receptive_field",
    "check_torch_alpha",
    "check_window_sum",
    "check_windows",
]
