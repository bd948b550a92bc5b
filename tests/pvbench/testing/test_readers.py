"""The conformance check of readers."""

from __future__ import annotations

import attrs
import pytest

from pvbench.recording.reader import LineForm, Lines, Reader, line_reader
from pvbench.testing.readers import check_reader

FORM = LineForm(rb"<(?P<cpu>[0-9]+)> ")
GOOD = line_reader("mine", "my own", FORM, masks="list")
TEXT = b"<3> ipi_send_cpu: cpu=1 callsite=f callback=0x0\nother\n"


def test_a_reader_that_conforms_passes() -> None:
    """A line that is no event is passed over."""
    check_reader(GOOD, TEXT, 1)


def forgetful() -> Reader:
    """A reader that reads nothing the second time."""
    answers = iter([FORM.parse(TEXT), Lines(messages=[])])
    return attrs.evolve(GOOD, parse=lambda text: next(answers))


@pytest.mark.parametrize(
    ("reader", "events", "why"),
    [
        (GOOD, 2, "it reads 1 events of 2"),
        (attrs.evolve(GOOD, parse=None), 1, "it reads binary files only"),
        (attrs.evolve(GOOD, score=lambda text: 0), 1, "it does not know the text"),
        (attrs.evolve(GOOD, score=lambda text: 1), 1, "it claims to know any text"),
        (forgetful(), 1, "two calls read different events"),
    ],
)
def test_a_reader_that_differs_fails(reader: Reader, events: int, why: str) -> None:
    """The message names the reader."""
    with pytest.raises(AssertionError, match=f"mine: {why}"):
        check_reader(reader, TEXT, events)
