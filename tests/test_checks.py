"""A refusal names the argument, its value, the rule and the way out."""

from fractions import Fraction

import numpy as np
import pytest

from alexnet_lib.guard import require_choice, require_count, require_number

NOT_WHOLE = [True, np.True_, 2.0, np.float64(2.0), "2", None, [2]]
NOT_NUMBERS = [True, np.True_, "0.5", None, [0.5], 1j]


@pytest.mark.parametrize("value", [3, np.int64(3), np.uint8(3)])
def test_a_whole_number_of_any_kind_comes_back_as_a_plain_int(value):
    result = require_count("n", value, "it counts maps")
    assert result == 3
    assert type(result) is int


@pytest.mark.parametrize("value", NOT_WHOLE, ids=repr)
def test_what_is_no_whole_number_is_no_count(value):
    with pytest.raises(TypeError) as error:
        require_count("n", value, "it counts maps")
    assert str(error.value) == f"n is {value!r}, and must be a whole number: it counts maps"


@pytest.mark.parametrize(("value", "least"), [(0, 1), (-1, 0), (4, 5)])
def test_a_count_below_its_least_names_both(value, least):
    with pytest.raises(ValueError, match=rf"^n is {value}, and must be at least {least}: it counts maps$"):
        require_count("n", value, "it counts maps", ge=least)


def test_a_count_may_be_its_least():
    assert [require_count("n", least, "", ge=least) for least in (0, 1, 5)] == [0, 1, 5]
    assert require_count("n", 1, "") == 1


@pytest.mark.parametrize("value", [1, 1.0, np.float32(1), np.int16(1), Fraction(1)])
def test_a_number_of_any_kind_comes_back_as_a_plain_float(value):
    result = require_number("k", value, "it is a number")
    assert result == 1
    assert type(result) is float


@pytest.mark.parametrize("value", NOT_NUMBERS, ids=repr)
def test_what_is_no_number_is_refused_by_its_repr(value):
    with pytest.raises(TypeError) as error:
        require_number("k", value, "it keeps zero away")
    assert str(error.value) == f"k is {value!r}, and must be a number: it keeps zero away"


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf"), np.float32("nan")])
def test_a_number_must_be_finite(value):
    with pytest.raises(ValueError, match=rf"^k is {value}, and must be finite: it keeps zero away$"):
        require_number("k", value, "it keeps zero away")


@pytest.mark.parametrize(
    ("value", "bounds", "words"),
    [
        (0, {"gt": 0}, "must be above 0"),
        (-2.5, {"gt": 0}, "must be above 0"),
        (-0.1, {"ge": 0}, "must be at least 0"),
        (1.5, {"ge": 0, "le": 1}, "must be from 0 to 1"),
        (-0.5, {"ge": 0, "le": 1}, "must be from 0 to 1"),
    ],
)
def test_a_number_out_of_bounds_names_the_bounds(value, bounds, words):
    with pytest.raises(ValueError, match=rf"^p is {value}, and {words}: the way out$"):
        require_number("p", value, "the way out", **bounds)


@pytest.mark.parametrize("value", [0, 1])
def test_a_number_may_be_its_bound(value):
    assert require_number("p", value, "", ge=0, le=1) == value


def test_a_choice_comes_back_from_any_iterable():
    assert require_choice("unit", "tanh", (name for name in ("relu", "tanh"))) == "tanh"


@pytest.mark.parametrize(
    "choices", [{"relu": 1, "tanh": 2}, iter(["relu", "tanh"])], ids=["dict", "iterator"]
)
def test_a_wrong_choice_hears_the_nearest_and_all_of_them(choices):
    with pytest.raises(ValueError, match=r"^unit is 'rleu', .*did you mean 'relu'\? choose from relu, tanh$"):
        require_choice("unit", "rleu", choices)


@pytest.mark.parametrize("value", ["xyz", None, 7])
def test_a_choice_that_is_near_to_none_hears_all_of_them(value):
    with pytest.raises(ValueError, match=r"choose from relu, tanh$") as error:
        require_choice("unit", value, ["relu", "tanh"])
    assert f"unit is {value!r}" in str(error.value)
    assert "did you mean" not in str(error.value)
