"""The CAL row of /proc/interrupts: which CPU received how many, and nothing guessed."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pvbench.errors import UnavailableError
from pvbench_deliver_live.interrupts import Interrupts, calls, rises
from support.live import INTERRUPTS

COUNTS = {0: 1759, 1: 754, 3: 5}


def test_the_header_says_whose_the_columns_are() -> None:
    """An offline CPU has none; a device called CAL is not the row."""
    assert calls(INTERRUPTS.encode()) == COUNTS


@given(
    counts=st.dictionaries(st.integers(0, 8191), st.integers(0, 2**32 - 1), min_size=1),
    irqs=st.integers(0, 40),
    told=st.text("abc 019:CAL-", max_size=20),
)
def test_any_machine_s_row_is_read(counts: dict[int, int], irqs: int, told: str) -> None:
    """Few CPUs or many, few devices or many, whatever they are called."""
    numbers = "".join(f"{0:11}" for _ in counts)
    lines = ["     " + "".join(f"{f'CPU{cpu}':>11}" for cpu in counts)]
    lines += [f"{irq:4}:{numbers}  {told}" for irq in range(irqs)]
    lines += [" CAL:" + "".join(f" {n:10}" for n in counts.values()) + f"   {told}", ""]

    assert calls("\n".join(lines).encode()) == counts


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("", "it has no row CAL", id="empty"),
        pytest.param(
            INTERRUPTS.replace("CAL", "IPI1"), "it has no row CAL", id="other-machine"
        ),
        pytest.param(" CPU0\n CAL: 5", "it has no row CAL", id="cut-off"),
        pytest.param("\n CAL: 5\n", "its first line names no CPUs", id="no-header"),
        pytest.param("core0\n CAL: 5\n", "its first line names no CPUs", id="strange-header"),
        pytest.param(
            " CPU0 CPU1\n CAL: 5\n",
            "its row CAL has no count for each of 2 CPUs",
            id="a-count-is-missing",
        ),
        pytest.param(
            " CPU0 CPU1\n CAL: 5 Function call interrupts\n",
            "its row CAL has no count for each of 2 CPUs",
            id="a-word-for-a-count",
        ),
    ],
)
def test_what_cannot_be_read_is_said(text: str, expected: str) -> None:
    """Never a count of another CPU."""
    with pytest.raises(ValueError, match=expected):
        calls(text.encode())


@given(st.binary(max_size=200))
def test_no_other_error_comes_of_any_bytes(text: bytes) -> None:
    """Counts for the CPUs of the first line, or a reason."""
    try:
        found = calls(b" CPU0 CPU7\n" + text)
    except ValueError as error:
        assert str(error).startswith("it")  # noqa: PT017 - either is right
    else:
        assert found.keys() == {0, 7}


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        pytest.param({0: 5, 1: 7}, {0: 5, 1: 9}, {0: 0, 1: 2}, id="one-rose"),
        pytest.param({0: 2**32 - 1}, {0: 1}, {0: 2}, id="the-kernel-s-counter-wraps"),
        pytest.param({0: 5}, {0: 5, 1: 9}, {0: 0, 1: 0}, id="came-online"),
        pytest.param({0: 5, 1: 9}, {0: 6}, {0: 1}, id="went-offline"),
    ],
)
def test_rises(before: dict[int, int], after: dict[int, int], expected: dict[int, int]) -> None:
    """Since the reading before; unsigned ints of the kernel."""
    assert rises(before, after) == expected


def test_a_long_file_is_read_anew_each_time(tmp_path: Path) -> None:
    """The row lies behind those of all devices."""
    path, devices = tmp_path / "interrupts", " 24: 0 0 0 device\n" * 10_000
    head, _, rest = INTERRUPTS.partition("\n")
    path.write_text(f"{head}\n{devices}{rest}")

    with Interrupts.opened(path) as interrupts:
        first = interrupts.calls()
        path.write_text(INTERRUPTS.replace("754", "755"))
        second = interrupts.calls()

    assert (first, second) == (COUNTS, COUNTS | {1: 755})


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    """What, and why."""
    expected = r"interrupts cannot be opened: No such file or directory"
    with (
        pytest.raises(UnavailableError, match=expected),
        Interrupts.opened(tmp_path / "interrupts"),
    ):
        pass
