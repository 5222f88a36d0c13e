"""What a chapter starts with."""

import pytest
import torch

from alexnet_lib.chapter import begin, show_source
from alexnet_lib.normalization import LocalResponseNorm, window_sum


def test_two_chapters_that_begin_alike_draw_the_same_numbers():
    begin(3)
    first = torch.rand(4)
    begin(3)
    assert torch.equal(torch.rand(4), first)


def test_the_source_on_the_page_is_the_source_that_runs():
    shown = show_source(window_sum, LocalResponseNorm).data
    assert shown.startswith("def window_sum(")
    assert "class LocalResponseNorm(nn.Module):" in shown


def test_what_has_no_source_is_refused():
    with pytest.raises(TypeError, match="written in Python"):
        show_source(len)
