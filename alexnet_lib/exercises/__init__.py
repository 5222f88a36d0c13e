"""Checkers for the exercises: a reader's own function or number in, a verdict with a hint out.

A checker never shows the solution. It compares with the library, which the tests compare with others.
A module per section.
"""

from .architecture import check_conv2_crossing, check_grouped_parameters, check_receptive_field, check_windows
from .augmentation import check_color_shift, check_crop_and_reflect, check_places
from .bugs import (
    check_biases,
    check_conv3,
    check_first_norm,
    check_first_windows,
    check_learns,
    check_random_change,
    check_start,
    check_three_sets,
    check_update,
)
from .dataset import check_centring, check_guessing, check_lost_share, check_ranks
from .depth import check_batch_norm, check_lost_parameters, check_small_kernels
from .dropout import check_common_units, check_geometric_mean, check_inverted_dropout, check_moving_factor
from .introduction import check_training_macs, check_updates, check_weight_memory
from .learning import check_decay_steps, check_division_epochs, check_first_loss, check_walk
from .normalization import check_neighbors, check_torch_alpha, check_window_sum
from .pooling import check_conv2_padding, check_max_pool, check_readers
from .qualitative import check_color_share, check_nearest, check_yellow
from .relu import check_dead_units, check_scaled_rate, check_share_left, check_unit_backward
from .results import check_average, check_half_width, check_margin, check_topk
from .source import check_first_layer, check_unseen_pixels, check_weight_rate
from .towers import check_conv3_bytes, check_equal_batch, check_in_two_towers, check_own_gradient
from .training import check_images_per_second, check_run_steps, check_safe_save
from .verdict import Verdict, check_function, check_number

__all__ = [
    "Verdict",
    "check_average",
    "check_batch_norm",
    "check_biases",
    "check_centring",
    "check_color_share",
    "check_color_shift",
    "check_common_units",
    "check_conv2_crossing",
    "check_conv2_padding",
    "check_conv3",
    "check_conv3_bytes",
    "check_crop_and_reflect",
    "check_dead_units",
    "check_decay_steps",
    "check_division_epochs",
    "check_equal_batch",
    "check_first_layer",
    "check_first_loss",
    "check_first_norm",
    "check_first_windows",
    "check_function",
    "check_geometric_mean",
    "check_grouped_parameters",
    "check_guessing",
    "check_half_width",
    "check_images_per_second",
    "check_in_two_towers",
    "check_inverted_dropout",
    "check_learns",
    "check_lost_parameters",
    "check_lost_share",
    "check_margin",
    "check_max_pool",
    "check_moving_factor",
    "check_nearest",
    "check_neighbors",
    "check_number",
    "check_own_gradient",
    "check_places",
    "check_random_change",
    "check_ranks",
    "check_readers",
    "check_receptive_field",
    "check_run_steps",
    "check_safe_save",
    "check_scaled_rate",
    "check_share_left",
    "check_small_kernels",
    "check_start",
    "check_three_sets",
    "check_topk",
    "check_torch_alpha",
    "check_training_macs",
    "check_unit_backward",
    "check_unseen_pixels",
    "check_update",
    "check_updates",
    "check_walk",
    "check_weight_memory",
    "check_weight_rate",
    "check_window_sum",
    "check_windows",
    "check_yellow",
]
