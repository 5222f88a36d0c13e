"""Tables that are read: claim cards, torchinfo's shapes and counts, the specs side by side.

A module per subject.
"""

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
from .table import Table

__all__ = [
    "Table",
    "claim_card",
    "common_accounts",
    "counted_claims",
    "differences",
    "layer_table",
    "operation_countings",
    "receptive_fields",
    "spec_table",
    "torchinfo_layers",
]
