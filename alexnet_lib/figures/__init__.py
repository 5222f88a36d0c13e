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
    color_components,
    color_shifts,
    crop_frames,
    crop_positions,
    rescaling,
    ten_patches,
    view_errors,
)
from .dataset import steps_by_rate, subtracting
from .depth import errors_by_seed, wiring_without
from .dropout import averaged_nets, averages_against_one, dropout_curves, dropout_masks
from .evaluation import confusion_picture, nets_and_average, steps_of_the_margin, top_guesses
from .experiments import experiment, experiment_caption
from .introduction import time_by_speed
from .learning import first_signals, losses, momentum_average, plateaus, step_lengths
from .log import recorded_errors
from .normalization import lrn_response, lrn_windows, maps_before_after
from .picture import Picture, as_picture, photograph_row
from .pooling import pooled_maps, pooling_windows, shift_changes
from .qualitative import colorfulness_by_tower, first_layer_kernels, five_labels, nearest_images
from .relu import error_curves, gradients_through_depth, steps_to_threshold, units_and_slopes
from .source import rates_by_epoch, spread_by_layer
from .speed import speed
from .towers import bytes_by_batch, connections, what_would_cross
from .training import error_histories

__all__ = [
    "Picture",
    "active_units",
    "as_picture",
    "averaged_nets",
    "averages_against_one",
    "bytes_by_batch",
    "color_components",
    "color_shifts",
    "colorfulness_by_tower",
    "confusion_picture",
    "connections",
    "crop_frames",
    "crop_positions",
    "dropout_curves",
    "dropout_masks",
    "edge_windows",
    "error_curves",
    "error_histories",
    "errors_by_seed",
    "experiment",
    "experiment_caption",
    "fields_on_photograph",
    "first_layer_kernels",
    "first_signals",
    "five_labels",
    "gradients_through_depth",
    "losses",
    "lrn_response",
    "lrn_windows",
    "maps_before_after",
    "middle_field",
    "momentum_average",
    "nearest_images",
    "nets_and_average",
    "parameters_and_arithmetic",
    "photograph_row",
    "plateaus",
    "pooled_maps",
    "pooling_windows",
    "rates_by_epoch",
    "recorded_errors",
    "rescaling",
    "shift_changes",
    "speed",
    "spread_by_layer",
    "step_lengths",
    "steps_by_rate",
    "steps_of_the_margin",
    "steps_to_threshold",
    "subtracting",
    "ten_patches",
    "time_by_speed",
    "top_guesses",
    "units_and_slopes",
    "view_errors",
    "what_would_cross",
    "who_reads_what",
    "wiring_without",
]
