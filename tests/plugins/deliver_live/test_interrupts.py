"""Row CAL of /proc/interrupts: the interrupts that each CPU received."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pvbench.errors import UnavailableError
from pvbench_deliver_live.interrupts import Interrupts, calls, rises
from support.live import INTERRUPTS

COUNTS = {0: 1759, 1: 754, 3: 5}


def test_the_header_names_the_cpu_of_each_column() -> None:
    """An offline CPU has no column; a device called CAL is not the row."""
    assert calls(INTERRUPTS.encode()) == COUNTS


@given(
    counts=st.dictionaries(st.integers(0, 8191), st.integers(0, 2**32 - 1), min_size=1),
    irqs=st.integers(0, 40),
    description=st.text("abc 019:CAL-", max_size=20),
)
def test_the_row_of_any_machine_is_read(
    counts: dict[int, int], irqs: int, description: str
) -> None:
    """Machines differ in the number of CPUs and the names of devices."""
    numbers = "".join(f"{0:11}" for _ in counts)
    lines = ["     " + "".join(f"{f'CPU{cpu}':>11}" for cpu in counts)]
    lines += [f"{irq:4}:{numbers}  {description}" for irq in range(irqs)]
    lines += [" CAL:" + "".join(f" {n:10}" for n in counts.values()) + f"   {description}", ""]

    assert calls("\n".join(lines).encode()) == counts


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("", "the file has no row CAL", id="empty"),
        pytest.param(
            INTERRUPTS.replace("CAL", "IPI1"), "the file has no row CAL", id="other-machine"
        ),
        pytest.param(" CPU0\n CAL: 5", "the file has no row CAL", id="cut-off"),
        pytest.param(
            "\n CAL: 5\n", "the first line of the file does not name the CPUs", id="no-header"
        ),
        pytest.param(
            "core0\n CAL: 5\n",
            "the first line of the file does not name the CPUs",
            id="strange-header",
        ),
        pytest.param(
            " CPU0 CPU1\n CAL: 5\n",
            "row CAL does not have a count for each of 2 CPUs",
            id="a-count-is-missing",
        ),
        pytest.param(
            " CPU0 CPU1\n CAL: 5 Function call interrupts\n",
            "row CAL does not have a count for each of 2 CPUs",
            id="a-word-for-a-count",
        ),
    ],
)
def test_a_file_that_cannot_be_parsed_is_refused(text: str, expected: str) -> None:
    """A count is never that of another CPU."""
    with pytest.raises(ValueError, match=expected):
        calls(text.encode())


@given(st.binary(max_size=200))
def test_any_bytes_give_counts_or_a_reason(text: bytes) -> None:
    """The counts are for the CPUs of the first line."""
    try:
        counts = calls(b" CPU0 CPU7\n" + text)
    except ValueError as error:
        assert "row CAL" in str(error)  # noqa: PT017 - both are valid
    else:
        assert counts.keys() == {0, 7}


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        pytest.param({0: 5, 1: 7}, {0: 5, 1: 9}, {0: 0, 1: 2}, id="one-rose"),
        pytest.param({0: 2**32 - 1}, {0: 1}, {0: 2}, id="the-kernel-s-counter-wraps"),
        pytest.param({0: 5}, {0: 5, 1: 9}, {0: 0, 1: 0}, id="came-online"),
        pytest.param({0: 5, 1: 9}, {0: 6}, {0: 1}, id="went-offline"),
    ],
)
def test_rises_are_counted_modulo_32_bits(
    before: dict[int, int], after: dict[int, int], expected: dict[int, int]
) -> None:
    """The kernel's counters are unsigned ints."""
    assert rises(before, after) == expected


def test_a_long_file_is_read_again_each_time(tmp_path: Path) -> None:
    """The row comes after those of all devices."""
    path, devices = tmp_path / "interrupts", " 24: 0 0 0 device\n" * 10_000
    head, _, lines = INTERRUPTS.partition("\n")
    path.write_text(f"{head}\n{devices}{lines}")

    with Interrupts.opened(path) as interrupts:
        first = interrupts.calls()
        path.write_text(INTERRUPTS.replace("754", "755"))
        second = interrupts.calls()

    assert (first, second) == (COUNTS, COUNTS | {1: 755})


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    """The sentence has the file and the reason."""
    expected = r"interrupts cannot be opened: No such file or directory"
    with (
        pytest.raises(UnavailableError, match=expected),
        Interrupts.opened(tmp_path / "interrupts"),
    ):
        pass
