"""What annotations say is held to: each part of an argument by its place, in words."""

import dataclasses
from collections.abc import Callable, Mapping, Sequence

import pytest

from alexnet_lib.guard import AnyFloat, Count, Fraction, Index, Positive, validate_fields, validated


@validated
def drawn(
    shares: dict[str, tuple[Fraction, Fraction]],
    steps: Sequence[Count] = (1,),
    most: Index | None = None,
    *,
    losses: Mapping[str, list[AnyFloat]] | None = None,
    rate: Positive = 1.0,
    by: Callable[[int], int] = abs,
):
    """Say what came."""
    return shares, steps, most


def test_right_arguments_pass_as_they_are_and_the_function_keeps_its_name():
    shares = {"a": (0.0, 1)}
    assert drawn(shares, range(1, 3), 0, losses={"a": [float("nan"), 2.0]})[0] is shares
    assert (drawn.__name__, drawn.__doc__) == ("drawn", "Say what came.")


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        (
            dict(shares=[0.5]),
            TypeError,
            r"^shares is \[0.5\], and must be dict\[str, tuple\[float, float\]\]: ",
        ),
        (dict(shares={}), ValueError, r"^shares is \{\}, and must not be empty: the whole is dict\["),
        (dict(shares={1: (0, 1)}), TypeError, r"^a key of shares is 1, and must be str"),
        (dict(shares={"a": (0, 1, 1)}), ValueError, r"^shares\['a'\] is \(0, 1, 1\), and must have 2 parts"),
        (dict(shares={"a": (0, 1.5)}), ValueError, r"^shares\['a'\]\[1\] is 1.5, and must be from 0 to 1"),
        (
            dict(shares={"a": (0, float("nan"))}),
            ValueError,
            r"^shares\['a'\]\[1\] is nan, and must be finite",
        ),
        (dict(steps="12"), TypeError, r"^steps is '12', and must be Sequence\[int\]"),
        (dict(steps=b"12"), TypeError, r"^steps is b'12', and must be Sequence\[int\]"),
        (dict(steps=[1, 0]), ValueError, r"^steps\[1\] is 0, and must be at least 1"),
        (dict(steps=[True]), TypeError, r"^steps\[0\] is True, and must be a whole number"),
        (dict(most=-1), ValueError, r"^most is -1, and must be at least 0: the whole is int \| NoneType"),
        (dict(losses={"a": ["x"]}), TypeError, r"^losses\['a'\]\[0\] is 'x', and must be a number"),
        (dict(rate=0), ValueError, r"^rate is 0, and must be from 1e-30 to 1e\+30"),
        (dict(by="abs"), TypeError, r"^by is 'abs', and must be a function"),
        (dict(steps=list(range(99)), most="x" * 99), ValueError, r"^steps\[0\] is 0"),
        (dict(most="x" * 99), TypeError, r"^most is '"),
        (dict(shares=list(range(99))), TypeError, r"^shares is of type list, and must be dict"),
        (dict(spares=1), TypeError, "unexpected keyword argument 'spares'"),
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
