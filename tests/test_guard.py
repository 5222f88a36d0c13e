"""A refusal names the argument, its value, and the rule."""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import Literal

import numpy as np
import pytest
import torch

from alexnet_lib.guard import (
    AnyFloat,
    Count,
    Fraction,
    Index,
    Positive,
    require_choice,
    require_count,
    require_number,
    require_path,
    require_tensor,
    validate_fields,
    validated,
)

NAN = float("nan")


@pytest.mark.parametrize("value", [3, np.int64(3), np.uint8(3)])
def test_a_whole_number_of_any_kind_comes_back_as_a_plain_int(value):
    assert type(require_count("n", value, "it counts channels")) is int


@pytest.mark.parametrize("value", [1, np.float32(1), np.int16(1)])
def test_a_number_of_any_kind_comes_back_as_a_plain_float(value):
    assert type(require_number("k", value)) is float


@pytest.mark.parametrize("value", [True, np.True_, 2.0, np.float64(2.0), "2", None, [2]], ids=repr)
def test_what_is_no_whole_number_is_no_count(value):
    with pytest.raises(TypeError, match=r"^n is .* a whole number: it counts channels$"):
        require_count("n", value, "it counts channels")


@pytest.mark.parametrize("value", [True, np.True_, "0.5", None, [0.5], 1j], ids=repr)
def test_what_is_no_number_is_refused(value):
    with pytest.raises(TypeError, match=r"^k is .* a number"):
        require_number("k", value)


@pytest.mark.parametrize(
    ("value", "bounds", "rule"),
    [
        (0, {"gt": 0}, "above 0"),
        (-0.1, {"ge": 0}, "at least 0"),
        (1.5, {"ge": 0, "le": 1}, "from 0 to 1"),
        (-0.5, {"ge": 0, "le": 1}, "from 0 to 1"),
    ],
)
def test_a_number_out_of_bounds_hears_the_bounds_and_the_way_out(value, bounds, rule):
    with pytest.raises(ValueError, match=rf"^p is {value}, and must be {rule}: take one$"):
        require_number("p", value, "take one", **bounds)


def test_a_bound_itself_is_inside():
    assert require_number("p", 1, ge=0, le=1) == 1
    assert require_count("n", 5, ge=5, le=5) == 5
    with pytest.raises(ValueError, match="n is 6, and must be at most 5"):
        require_count("n", 6, ge=5, le=5)


def test_a_wrong_choice_hears_the_nearest_and_all_of_them():
    assert require_choice("unit", "tanh", iter(["relu", "tanh"])) == "tanh"
    with pytest.raises(ValueError, match=r"^unit is 'rleu', .*did you mean 'relu'\? choose from relu, tanh$"):
        require_choice("unit", "rleu", {"relu": 1, "tanh": 2})
    with pytest.raises(ValueError, match=r"^unit is None") as error:
        require_choice("unit", None, ["relu", "tanh"])
    assert "did you mean" not in str(error.value)


@pytest.mark.parametrize("value", ["", "a\0b"])
def test_a_path_names_something(value):
    with pytest.raises(ValueError, match=r"^folder is"):
        require_path("folder", value, "the run goes there")


@pytest.mark.parametrize(
    ("shape", "form"),
    [((2, 3, 5, 7), "(N, 3, H, W)"), ((3, 5, 7), "(N, 3, H, W) or (3, H, W)"), ((4,), "(N, ...)")],
)
def test_a_tensor_has_one_of_the_forms(shape, form):
    assert require_tensor("x", torch.zeros(shape), form, "").shape == shape
    with pytest.raises(ValueError, match=r"^x has shape \(\), and must be"):
        require_tensor("x", torch.zeros(()), form, "")


@validated
def drawn(
    shares: dict[str, tuple[Fraction, Fraction]],
    steps: Sequence[Count] = (1,),
    most: Index | None = None,
    *,
    losses: Mapping[str, list[AnyFloat]] | None = None,
    rate: Positive = 1.0,
    by: Callable[[int], int] = abs,
    unit: Literal["relu", "tanh"] = "relu",
):
    """Say what came."""
    return shares, steps, most


def test_right_arguments_pass_as_they_are_and_the_function_keeps_its_name():
    shares = {"a": (0.0, 1)}
    assert drawn(shares, range(1, 3), 0, losses={"a": [NAN, 2.0]}, unit="tanh")[0] is shares
    assert (drawn.__name__, drawn.__doc__) == ("drawn", "Say what came.")


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        (dict(shares=[0.5]), TypeError, r"^shares is \[0.5\], and must be dict"),
        (dict(shares={}), ValueError, r"^shares is \{\}"),
        (dict(shares={1: (0, 1)}), TypeError, r"^a key of shares is 1, and must be str"),
        (dict(shares={"a": (0, 1, 1)}), ValueError, r"^shares\['a'\] is \(0, 1, 1\), and must be 2 parts"),
        (dict(shares={"a": (0, 1.5)}), ValueError, r"^shares\['a'\]\[1\] is 1.5, and must be from 0 to 1"),
        (dict(shares={"a": (0, NAN)}), ValueError, r"^shares\['a'\]\[1\] is nan, and must be finite"),
        (dict(steps="12"), TypeError, r"^steps is '12'"),
        (dict(steps=[1, 0]), ValueError, r"^steps\[1\] is 0, and must be at least 1"),
        (dict(steps=[True]), TypeError, r"^steps\[0\] is True"),
        (dict(most=-1), ValueError, r"^most is -1, and must be at least 0"),
        (dict(most="x"), TypeError, r"^most is 'x', and must be int or None"),
        (dict(losses={"a": ["x"]}), TypeError, r"^losses\['a'\]\[0\] is 'x'"),
        (dict(rate=0), ValueError, r"^rate is 0"),
        (dict(by="abs"), TypeError, r"^by is 'abs', and must be a function"),
        (dict(unit="tan"), ValueError, r"^unit is 'tan', .*did you mean 'tanh'"),
        (dict(most="x" * 99), TypeError, r"^most is of type str"),
        (dict(shars=1), TypeError, r"^drawn has no argument 'shars'; did you mean 'shares'\?"),
    ],
)
def test_a_wrong_part_is_named_by_its_place_with_value_and_rule(arguments, error, words):
    with pytest.raises(error, match=words):
        drawn(**{"shares": {"a": (0.5, 0.5)}} | arguments)


@dataclasses.dataclass(frozen=True)
class Row:
    name: str
    values: tuple[float, ...]

    def __post_init__(self):
        validate_fields(self)


def test_the_fields_of_a_dataclass_are_held_to_and_may_hold_nothing():
    assert Row("a", ()).values == ()
    with pytest.raises(TypeError, match=r"^values\[0\] is None, and must be a number"):
        Row("a", (None,))
    with pytest.raises(TypeError, match=r"^name is 1, and must be str"):
        Row(1, ())


def test_a_validated_dataclass_hears_the_nearest_name_of_a_field():
    Other = validated(dataclasses.make_dataclass("Other", [("epochs", Count, 1)], frozen=True))
    assert dataclasses.replace(Other(2), epochs=3) == Other(3)
    with pytest.raises(TypeError, match=r"^Other has no argument 'epoch'; did you mean 'epochs'"):
        Other(epoch=2)
