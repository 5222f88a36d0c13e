"""The table of §4.2 says where dropout stands, as torchvision's own net has it too."""

import pytest
import torch

from alexnet_lib.tables import dropout_places


def test_the_paper_masks_the_outputs_of_fc6_and_fc7_and_torchvision_their_inputs():
    table = dropout_places()
    order = dict(zip(table.column("net"), table.column("order"), strict=True))
    assert order["paper"] == order["source-2012"] == "fc6, dropout6, fc7, dropout7, fc8"
    assert order["torchvision"] == "dropout6, fc6, dropout7, fc7, fc8"


def test_the_masked_numbers_are_two_hidden_layers_or_the_pooled_maps_and_one():
    masked = dropout_places(("paper", "torchvision")).column("masked numbers")
    assert masked == (f"{4096 + 4096:,}", f"{256 * 6 * 6 + 4096:,}")


def test_torchvisions_own_net_masks_as_the_table_says():
    from torchvision.models import alexnet

    with torch.device("meta"):
        parts = [part for part in alexnet().classifier if not isinstance(part, torch.nn.ReLU)]
    kinds = [type(part).__name__ for part in parts]
    assert kinds == ["Dropout", "Linear", "Dropout", "Linear", "Linear"]
    masked = parts[1].in_features + parts[3].in_features
    assert dropout_places(("torchvision",)).rows[0][2:] == ("inverted", f"{masked:,}")


def test_an_unknown_net_is_refused():
    with pytest.raises(ValueError, match="names is 'vgg'"):
        dropout_places(("vgg",))
