"""Every matplotlib figure of the book, each with the words that say what it shows; a module per section."""

from .architecture import (
    active_units,
    edge_windows,
    fields_on_photograph,
    middle_field,
    parameters_and_arithmetic,
    who_reads_what,
)
from .augmentation import (
    colour_components,
    colour_shifts,
    crop_frames,
    crop_positions,
    rescaling,
    ten_patches,
    view_errors,
)
from .normalization import lrn_response, lrn_windows, maps_before_after
from .picture import Picture, as_picture, photograph_row

__all__ = [
    "Picture",
    "active_units",
    "as_picture",
    "colour_components",
    "colour_shifts",
    "crop_frames",
    "crop_positions",
    "edge_windows",
    "fields_on_photograph",
    "lrn_response",
    "lrn_windows",
    "maps_before_after",
    "middle_field",
    "parameters_and_arithmetic",
    "photograph_row",
    "rescaling",
    "ten_patches",
    "view_errors",
    "who_reads_what",
]
