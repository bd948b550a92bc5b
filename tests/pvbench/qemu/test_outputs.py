"""What a QEMU prints is read from its end, and every line of it is printable."""

from __future__ import annotations

import os
from contextlib import ExitStack

import pytest

from pvbench.qemu.outputs import last_line_of, memory_file, panic_in, text_of


def test_the_end_of_a_file_is_read_and_the_file_is_closed() -> None:
    """A guest can print without end; bytes that are no text are replaced."""
    with ExitStack() as undo:
        file = memory_file("console", undo)
        os.write(file, b"begin" + b"x" * (1 << 20) + b"\xff\n")
        text = text_of(file)

    assert (len(text), text[-2:]) == (1 << 20, "\ufffd\n")
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(file)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("", "", id="empty"),
        pytest.param("a\n \n\n", "a", id="blank-lines"),
        pytest.param("a\n\x1b[31mb", r"\x1b[31mb", id="escapes"),
    ],
)
def test_the_last_line_is_one_that_can_be_printed(text: str, expected: str) -> None:
    """Empty lines say nothing."""
    assert last_line_of(text) == expected


@pytest.mark.parametrize(
    ("console", "expected"),
    [
        pytest.param("booted\n", None, id="none"),
        pytest.param("[1] Kernel panic - not syncing: x\x1b y\nend", r"x\x1b y", id="reason"),
        pytest.param("Kernel panic - not syncing: \n", "", id="without-a-reason"),
    ],
)
def test_a_panic_is_told_by_its_line(console: str, expected: str | None) -> None:
    """The reason is the rest of the line."""
    assert panic_in(console) == expected
