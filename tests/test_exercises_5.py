"""The checkers of §5 accept the solution and refuse what readers typically write instead."""

import math

import pytest
import torch

from alexnet_lib.exercises import check_decay_steps, check_division_epochs, check_first_loss, check_walk


@pytest.mark.parametrize("answer", [math.log(1000), 6.908])
def test_a_net_that_guesses_among_1000_classes_loses_ln_1000(answer):
    assert check_first_loss(answer).right


@pytest.mark.parametrize("answer", [math.log(10), 0.999, 3.0, -6.908, None], ids=str)
def test_another_first_loss_is_refused(answer):
    assert not check_first_loss(answer).right


def test_decay_halves_a_weight_in_as_many_steps_as_when_it_is_walked():
    weight, velocity, steps = 1.0, 0.0, 0
    while weight > 0.5:
        velocity = 0.9 * velocity - 0.0005 * 0.01 * weight
        weight, steps = weight + velocity, steps + 1
    assert check_decay_steps(steps).right


@pytest.mark.parametrize(
    "answer",
    [math.log(2) / (0.0005 * 0.01), math.log(2) / (0.0005 * 10), 0.5 / (0.0005 * 0.1), None],
    ids=["without momentum", "without the rate", "a straight line", "nothing"],
)
def test_another_count_of_steps_of_decay_is_refused(answer):
    assert not check_decay_steps(answer).right


def printed(start, gradients, rates):
    """Worked in Python's own floats, one weight at a time."""
    columns = []
    for w, column in zip(start.tolist(), gradients.T.tolist(), strict=True):
        v, places = 0.0, []
        for g, rate in zip(column, rates, strict=True):
            v = 0.9 * v - 0.0005 * rate * w - rate * g
            w += v
            places.append(w)
        columns.append(places)
    return torch.tensor(columns, dtype=start.dtype).T


def by_torch(start, gradients, rates):
    weight = torch.nn.Parameter(start.clone())
    optimizer, places = torch.optim.SGD([weight], lr=1, momentum=0.9, weight_decay=0.0005), []
    for gradient, rate in zip(gradients, rates, strict=True):
        optimizer.param_groups[0]["lr"] = rate
        weight.grad = gradient
        optimizer.step()
        places.append(weight.detach().clone())
    return torch.stack(places)


def with_errors(momentum=0.9, decay=0.0005, late=False, uphill=False):
    def walk(start, gradients, rates):
        w, v, places = start, torch.zeros_like(start), []
        for gradient, rate in zip(gradients, rates, strict=True):
            before = v
            v = momentum * v - decay * rate * w - (-rate if uphill else rate) * gradient
            w = w + (before if late else v)
            places.append(w)
        return torch.stack(places)

    return walk


def test_the_printed_rule_is_right():
    assert check_walk(printed).right


WRONG_WALKS = {
    "torch's rule": by_torch,
    "no momentum": with_errors(momentum=0.0),
    "no decay": with_errors(decay=0.0),
    "the old velocity": with_errors(late=True),
    "uphill": with_errors(uphill=True),
    "the last place alone": lambda start, gradients, rates: printed(start, gradients, rates)[-1],
    "no function": 0.9,
}


@pytest.mark.parametrize("answer", WRONG_WALKS.values(), ids=WRONG_WALKS.keys())
def test_another_rule_is_refused(answer):
    verdict = check_walk(answer)
    assert not verdict.right
    assert "Hint" in verdict.message or "a function is asked for" in verdict.message


def test_torchs_rule_passes_until_the_rate_changes():
    assert "[0.1, 0.01, 0.1" in check_walk(by_torch).message


def by_hand(errors, patience, most=3, strict=True, against_last=False, keep_waiting=False):
    best, last, waited, found = math.inf, math.inf, 0, []
    for epoch, error in enumerate(errors, 1):
        level = last if against_last else best
        waited = 0 if error < level or (not strict and error == level) else waited + 1
        best, last = min(best, error), error
        if waited >= patience and len(found) < most:
            found.append(epoch)
            waited = waited if keep_waiting else 0
    return found


def test_epochs_of_division_counted_by_hand_are_right():
    assert check_division_epochs(by_hand).right


WRONG_COUNTS = {
    "without an end": lambda errors, patience: by_hand(errors, patience, most=99),
    "equal counts as better": lambda errors, patience: by_hand(errors, patience, strict=False),
    "against the epoch before": lambda errors, patience: by_hand(errors, patience, against_last=True),
    "counting not from zero again": lambda errors, patience: by_hand(errors, patience, keep_waiting=True),
    "epochs from 0": lambda errors, patience: [epoch - 1 for epoch in by_hand(errors, patience)],
    "a number": lambda errors, patience: 3,
    "an error of its own": lambda errors, patience: errors[99],
}


@pytest.mark.parametrize("answer", WRONG_COUNTS.values(), ids=WRONG_COUNTS.keys())
def test_another_rule_for_plateaus_is_refused(answer):
    assert not check_division_epochs(answer).right
