"""The messages between `pvbench ab` and its sides."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pvbench.errors import ProtocolError
from pvbench.run.ab_messages import Channel, Due, End, Greeting, Message, Stored, Trace, Traced

NUMBERS = st.integers(1, 1 << 32)
NAMES = st.sampled_from(["a", "b", "0123abcd"])
MESSAGES: st.SearchStrategy[Message] = st.one_of(
    st.builds(
        Greeting,
        boots=st.integers(0, 1 << 32),
        guests=st.integers(0, 1 << 32),
        is_noisy=st.booleans(),
        sessions=st.dictionaries(st.integers(1, 10**10 - 1), NAMES),
    ),
    st.builds(Trace, trace=NUMBERS, other=NAMES),
    st.builds(Traced, NUMBERS),
    st.builds(Stored, NUMBERS),
    st.builds(Due, boot=NUMBERS, session=NAMES, side=NAMES, first=NAMES),
    st.just(End()),
)


@pytest.fixture
def ends() -> Iterator[tuple[Channel, Callable[[bytes], int]]]:
    """A channel that hears what the function beside it writes."""
    reading, writing = os.pipe()
    with open(reading, "rb"), open(writing, "wb"):
        yield Channel(reading, writing), lambda content: os.write(writing, content)


@given(messages=st.lists(MESSAGES, max_size=5))
def test_messages_are_received_as_they_were_sent(messages: list[Message]) -> None:
    """They arrive one after the other, and None once the other end is closed."""
    reading, writing = os.pipe()
    channel = Channel(reading, writing)
    with open(reading, "rb"):
        with open(writing, "wb"):
            for message in messages:
                channel.tell(message)
        heard = [channel.hear() for _ in messages]
        last = channel.hear()

    assert (heard, last) == (messages, None)


def test_a_message_may_come_in_parts(ends: tuple[Channel, Callable[[bytes], int]]) -> None:
    """`wait` is called before each read."""
    channel, write = ends
    parts = iter([b'{"sto', b'red": 7}\n{"end"', b": true}\n"])

    assert channel.hear(lambda: write(next(parts))) == Stored(7)
    assert channel.hear(lambda: write(next(parts))) == End()


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        pytest.param(b"pvbench", "a message is not JSON", id="text"),
        pytest.param(b"[" * 100_000, "a message is not JSON", id="deep"),
        pytest.param(b"[1]", "a message is not a JSON object", id="list"),
        pytest.param(b'{"hello": 1}', "a message is of no kind", id="other-kind"),
        pytest.param(b'{"ab": 1, "x": 1}', "its messages have version 1, not 3", id="older"),
        pytest.param(b'{"stored": 0}', "stored: 0 is not an integer in 1", id="number"),
        pytest.param(b'{"stored": 1, "more": 2}', "is not an object of stored", id="more"),
        pytest.param(
            b'{"ab": 3, "boots": 1, "guests": 1, "is_noisy": true, "sessions": {"x": "s"}}',
            "the number of a boot is not a number",
            id="boot-of-a-session",
        ),
    ],
)
def test_a_line_that_is_not_a_message_is_refused(
    ends: tuple[Channel, Callable[[bytes], int]], line: bytes, reason: str
) -> None:
    """The other end may be another pvbench."""
    channel, write = ends
    lines = iter([line[start : start + 10_000] for start in range(0, len(line), 10_000)])

    with pytest.raises(ProtocolError, match=reason.replace("(", r"\(")):
        channel.hear(lambda: write(next(lines, b"\n")))


def test_a_line_that_never_ends_is_refused(
    ends: tuple[Channel, Callable[[bytes], int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It would fill the memory."""
    monkeypatch.setattr("pvbench.run.ab_messages._LONGEST", 1_000)
    channel, write = ends

    with pytest.raises(ProtocolError, match="a message has more than 1000 bytes"):
        channel.hear(lambda: write(b"x" * 600))


def test_the_facts_of_a_due_boot_name_its_pair() -> None:
    """Results store them."""
    due = Due(boot=3, session="0123", side="b", first="a")

    assert due.facts == {"ab_session": "0123", "ab_side": "b", "ab_first": "a"}
