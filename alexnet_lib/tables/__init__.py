"""Tables that are read: claim cards, torchinfo's shapes and counts, the specs side by side.

A module per subject.
"""

from ..records import every_record
from ..variants import without_layers
from .architecture import (
    common_accounts,
    counted_claims,
    layer_table,
    operation_countings,
    receptive_fields,
    spec_table,
    torchinfo_layers,
)
from .claims import claim_card, differences
from .depth import nets_without_layers
from .dropout import dropout_places
from .experiments import experiment, experiments, rates, reproduce
from .learning import decay_half_lives, diagnosis
from .ledger import claim_ledger, verdict_counts
from .log import run_circumstances, run_outcomes
from .notes import readers_notes
from .qualitative import qualitative_claims
from .results import contest_nets, logged_views, results_2010, results_2012
from .source import logged_runs, reimplementations, twelve_differences
from .speed import beside, limits, pages, several_gpus, speed
from .table import Table
from .towers import nets_of_section_3_2, towers_in_the_logs
from .training import config_of, deviation_table, memory_table, preset_table, run_table

__all__ = [
    "Table",
    "beside",
    "claim_card",
    "claim_ledger",
    "common_accounts",
    "config_of",
    "contest_nets",
    "counted_claims",
    "decay_half_lives",
    "deviation_table",
    "diagnosis",
    "differences",
    "dropout_places",
    "every_record",
    "experiment",
    "experiments",
    "layer_table",
    "limits",
    "logged_runs",
    "logged_views",
    "memory_table",
    "nets_of_section_3_2",
    "nets_without_layers",
    "operation_countings",
    "pages",
    "preset_table",
    "qualitative_claims",
    "rates",
    "readers_notes",
    "receptive_fields",
    "reimplementations",
    "reproduce",
    "results_2010",
    "results_2012",
    "run_circumstances",
    "run_outcomes",
    "run_table",
    "several_gpus",
    "spec_table",
    "speed",
    "torchinfo_layers",
    "towers_in_the_logs",
    "twelve_differences",
    "verdict_counts",
    "without_layers",
]
