"""Memory that is used again, and only when nobody holds it any more."""

import copy
import pickle
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from threading import Barrier, BrokenBarrierError

import pytest
import torch

from alexnet_lib.room import Room

CPU = torch.device("cpu")


def asked(room, shape=(2, 3, 4, 5), order=(0, 1, 2, 3), dtype=torch.float32):
    return room.empty(shape, order, dtype, CPU)


def place(tensor):
    return tensor.untyped_storage().data_ptr()


def test_what_nobody_holds_any_more_is_given_again():
    room = Room()
    first = place(asked(room))
    assert [place(asked(room)) for _ in range(3)] == [first] * 3


HOLD = {  # what somebody may keep of a tensor
    "the tensor": lambda tensor: tensor,
    "a view": lambda tensor: tensor[1:, 2],
    "a detached tensor": lambda tensor: tensor.detach(),
    "its numbers as others": lambda tensor: tensor.view(torch.int32),
    "an array": lambda tensor: tensor.numpy(),
    "a part of an array": lambda tensor: tensor.numpy()[1:, 2],
    "its storage": lambda tensor: tensor.untyped_storage(),
    "what autograd saved": lambda tensor: (tensor * torch.ones(1, requires_grad=True)).sum(),
    "another library's tensor": torch.from_dlpack,
}


@pytest.mark.parametrize("hold", HOLD.values(), ids=HOLD.keys())
def test_what_is_held_is_given_to_nobody_else(hold):
    room = Room()
    tensor = asked(room)
    first, held = place(tensor), hold(tensor)
    del tensor
    second = place(asked(room))
    assert [place(asked(room)) for _ in range(3)] == [second] * 3
    assert first != second
    del held
    both = asked(room), asked(room)
    assert {place(tensor) for tensor in both} == {first, second}


def test_two_are_kept_and_no_more():
    room = Room()
    held = [asked(room) for _ in range(4)]
    last = {place(tensor) for tensor in held[2:]}
    del held
    both = asked(room), asked(room)
    assert {place(tensor) for tensor in both} == last
    assert len(room._kept) == 2


@pytest.mark.parametrize(
    "other", [{"shape": (2, 3, 4, 6)}, {"order": (0, 2, 3, 1)}, {"dtype": torch.float64}], ids=str
)
def test_another_form_is_given_as_asked_and_lets_go_of_what_was_kept(other):
    room = Room()
    held = asked(room)
    given, expected = asked(room, **other), asked(Room(), **other)
    assert (given.shape, given.stride(), given.dtype) == (expected.shape, expected.stride(), expected.dtype)
    assert len(room._kept) == 1
    assert place(asked(room)) != place(held)


@pytest.mark.parametrize("shape", [(2, 3, 4, 5), (1, 3, 1, 5), (2, 1, 4, 1)])
@pytest.mark.parametrize("order", [(0, 1, 2, 3), (0, 2, 3, 1)])
def test_axes_lie_in_memory_as_asked_the_first_time_and_later(shape, order):
    room = Room()
    expected = torch.empty_permuted(shape, order).stride()
    assert [asked(room, shape, order).stride() for _ in range(2)] == [expected] * 2


def test_what_is_given_is_no_view_and_may_be_changed_while_a_gradient_is_recorded():
    given = asked(Room())
    assert not given._is_view()
    with torch.no_grad():
        given.zero_()
    assert given.mul_(torch.ones(1, requires_grad=True)).requires_grad


def test_elsewhere_memory_is_fresh():
    room = Room()
    shape, order = (2, 3, 4, 5), (0, 2, 3, 1)
    given = room.empty(shape, order, torch.bfloat16, torch.device("meta"))
    assert given.stride() == torch.empty_permuted(shape, order).stride()
    assert room._kept == []


@pytest.mark.parametrize("twin", [copy.copy, copy.deepcopy, lambda room: pickle.loads(pickle.dumps(room))])
def test_a_copy_has_room_of_its_own(twin):
    room = Room()
    first = place(asked(room))
    other = twin(room)
    assert other._kept == []
    held = asked(other)
    assert place(asked(room)) == first != place(held)


def test_threads_that_ask_at_one_time_are_given_different_memory():
    room = Room()
    free, held = asked(room), asked(room)
    both_look = Barrier(2)

    def nobody():
        with suppress(BrokenBarrierError):  # the other has to wait
            both_look.wait(0.2)

    room._kept[0] = free.clone(), nobody
    with ThreadPoolExecutor(2) as threads:
        given = list(threads.map(lambda _: asked(room), range(2)))
    assert len({place(tensor) for tensor in (held, *given)}) == 3
