"""Boots under way: in the caller's thread, or each in a thread of its own."""

from __future__ import annotations

import threading

import pytest

from pvbench.run.under_way import UnderWay
from support.helpers import DEADLINE_S


def test_nothing_ends_if_nothing_has_begun() -> None:
    """The caller has no boot to wait for."""
    for in_threads in (False, True):
        assert UnderWay[int, str](in_threads).next_ended() is None


def test_a_single_boot_runs_in_the_thread_that_waits_for_it() -> None:
    """A signal interrupts that thread, and a worker ends with it."""
    under_way = UnderWay[int, int](in_threads=False)
    under_way.begin(1, threading.get_ident)

    assert under_way.next_ended() == (1, threading.get_ident())
    assert under_way.next_ended() is None


def test_boots_in_threads_come_in_the_order_in_which_they_end() -> None:
    """The first one waits until the second one has ended."""
    under_way, second_ended = UnderWay[str, str](in_threads=True), threading.Event()

    def first() -> str:
        assert second_ended.wait(DEADLINE_S)
        return "late"

    under_way.begin("first", first)
    under_way.begin("second", lambda: "early")

    assert under_way.next_ended() == ("second", "early")
    second_ended.set()
    assert under_way.next_ended() == ("first", "late")
    assert under_way.next_ended() is None


@pytest.mark.parametrize("in_threads", [False, True])
def test_an_exception_of_a_boot_is_raised_where_its_end_is_awaited(in_threads: bool) -> None:
    """It is a fault of pvbench, which no thread may hide."""
    under_way = UnderWay[int, int](in_threads)
    under_way.begin(1, lambda: 1 // 0)

    with pytest.raises(ZeroDivisionError):
        under_way.next_ended()
    assert under_way.next_ended() is None
