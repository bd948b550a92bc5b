"""The check that a reader is a valid plugin and reads a text the same each time."""

from __future__ import annotations

import attrs

from pvbench.recording.events import batch_of
from pvbench.recording.reader import Reader
from pvbench.testing.cases import attempt, check_offer, fail


def check_reader(reader: Reader, text: bytes, events: int) -> None:
    """
    Check *reader* with a text of its form.

    Args:
        reader: one that reads text, not a binary file.
        text: whole lines.
        events: how many events of it matter.

    Raises:
        AssertionError: a check fails.
    """
    check_offer("reader", reader)
    if reader.parse is None:
        fail(reader.name, "it reads binary files only")
    if attempt(reader.name, "score()", reader.score, text) <= 0:
        fail(reader.name, "it does not know the text")
    if attempt(reader.name, "score()", reader.score, b"text\n") != 0:
        fail(reader.name, "it claims to know any text")
    first, second = (attempt(reader.name, "parse()", reader.parse, text) for _ in range(2))
    if attrs.asdict(first) != attrs.asdict(second):
        fail(reader.name, "two calls read different events")
    batch = attempt(reader.name, "reading its events", batch_of, reader, "", text)
    if batch.events.total() != events:
        fail(reader.name, f"it reads {batch.events.total()} events of {events}")
