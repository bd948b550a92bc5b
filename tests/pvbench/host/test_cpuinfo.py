"""The reader of /proc/cpuinfo."""

from __future__ import annotations

from pathlib import Path

import pytest

from pvbench.host.cpuinfo import CpuInfo, read, read_or_empty

TWO_CPUS = """\
processor\t: 0
model name\t: AMD EPYC 7763  64-Core
apicid\t\t: 4
initial apicid\t: 5
vmx flags\t: ept
flags\t\t: fpu apic x2apic
power management:

processor\t: 1
model name\t: AMD EPYC 7763  64-Core
apicid\t\t: 0
flags\t\t: fpu
"""


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        pytest.param("apicid", ["4", "0"], id="the-whole-name"),
        pytest.param("model name", ["AMD EPYC 7763  64-Core"] * 2, id="a-name-with-a-space"),
        pytest.param("power management", [], id="empty-values-are-left-out"),
        pytest.param("microcode", [], id="an-absent-field"),
        pytest.param("m.del name", [], id="a-name-is-not-a-pattern"),
    ],
)
def test_values_are_in_the_order_of_the_cpus(name: str, expected: list[str]) -> None:
    """A field is named by its whole name, without the blanks around it."""
    assert CpuInfo(TWO_CPUS).values(name) == expected


def test_numbers_are_the_values_that_are_decimal() -> None:
    """Text of the kernel is not trusted to be a number."""
    text = f"apicid : 4\napicid : 0x5\napicid : {'9' * 5000}\napicid : \u0664\napicid : 6\n"

    assert CpuInfo(text).numbers("apicid") == (4, 6)


def test_a_line_of_blanks_takes_no_more_time_than_another() -> None:
    """The search for the end of a value must not go back and forth over them."""
    text = "model name : A" + " " * 1_000_000 + "B\n"

    assert [len(value) for value in CpuInfo(text).values("model name")] == [1_000_002]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param(TWO_CPUS, {"fpu", "apic", "x2apic"}, id="of-the-first-cpu"),
        pytest.param("flags\t\t:\n", set(), id="empty"),
        pytest.param("Features\t: fp asimd\n", set(), id="not-x86"),
    ],
)
def test_flags_are_a_set_of_words(text: str, expected: set[str]) -> None:
    """They do not include the "vmx flags"."""
    assert CpuInfo(text).flags == expected


def test_bytes_that_are_not_utf_8_are_replaced(tmp_path: Path) -> None:
    """A model name can hold any byte; the other fields are still readable."""
    path = tmp_path / "cpuinfo"
    path.write_bytes(b"model name\t: Intel\xae Xeon\xae\napicid\t\t: 1\n")

    info = read(path)

    assert (info.values("model name"), info.numbers("apicid")) == (
        ["Intel\ufffd Xeon\ufffd"],
        (1,),
    )


def test_a_file_that_cannot_be_read_is_an_error_or_empty(tmp_path: Path) -> None:
    """The caller decides whether the machine must have one."""
    assert read_or_empty(tmp_path / "none") == CpuInfo("")
    with pytest.raises(FileNotFoundError):
        read(tmp_path / "none")
