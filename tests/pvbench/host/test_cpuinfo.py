"""The reader of /proc/cpuinfo."""

from __future__ import annotations

from pathlib import Path

import pytest

from pvbench.errors import UsageError
from pvbench.host.cpuinfo import CpuInfo, read, read_or_empty, read_with_ids

CPUINFOS = Path(__file__).parents[2] / "data/cpuinfo"

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


def test_the_apic_ids_are_those_that_ipis_are_addressed_to(tmp_path: Path) -> None:
    """That is "apicid", not "initial apicid"."""
    path = tmp_path / "cpuinfo"
    path.write_text(TWO_CPUS)

    assert read_with_ids(path).numbers("apicid") == (4, 0)


@pytest.mark.parametrize(
    ("text", "sockets"),
    [
        pytest.param("physical id : 0\nphysical id : 3\nphysical id : 0\n", 2, id="two"),
        pytest.param("processor : 0\n", 1, id="not-shown"),
    ],
)
def test_sockets_are_counted(text: str, sockets: int) -> None:
    """Their numbers may have gaps."""
    assert CpuInfo(text).sockets == sockets


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        pytest.param(
            "processor\t: 0\nBogoMIPS\t: 50.00\n", "it is not of an x86 machine", id="arm"
        ),
        pytest.param("ACPI: LAPIC\n", "it is not the text of /proc/cpuinfo", id="a-log"),
        pytest.param("", "it is not the text of /proc/cpuinfo", id="empty"),
        pytest.param(
            (CPUINFOS / "up.cpuinfo").read_text(),
            "its kernel was built without SMP",
            id="x86-without-smp",
        ),
        pytest.param(
            "processor\t: 0\nvendor_id\t: GenuineIntel\n\nprocessor\t: 1\n",
            "the lines `apicid` are missing",
            id="two-cpus-need-smp",
        ),
        pytest.param(
            "processor\t: 0\napicid\t: 0\n\nprocessor\t: 1\n",
            "it has 1 lines `apicid` for 2 CPUs",
            id="cut-off",
        ),
        pytest.param(
            (CPUINFOS / "wsl.cpuinfo").read_text(), "it gives APIC ID 0 to 2 CPUs", id="wsl"
        ),
    ],
)
def test_a_text_without_the_apic_ids_is_refused_with_the_reason(
    tmp_path: Path, text: str, reason: str
) -> None:
    """WSL gives all CPUs one ID; a kernel without SMP prints none."""
    path = tmp_path / "cpuinfo"
    path.write_text(text)

    with pytest.raises(UsageError, match=f"does not show the APIC IDs: {reason}. Use --guest"):
        read_with_ids(path)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(
            "# The following is the parsable format, which can be fed to other\n"
            "# CPU,Core,Socket,Node,,L1d,L1i,L2,L3\n0,0,0,0,,0,0,0,0\n1,1,0,0,,1,1,1,0\n",
            id="p",
        ),
        pytest.param("0,0,0,0,,0,0,0,0\n1,1,0,0,,1,1,1,0\n", id="p-without-comments"),
        pytest.param("CPU NODE SOCKET CORE L1d:L1i:L2:L3 ONLINE\n  0    0 0 0\n", id="e"),
        pytest.param("Architecture:        x86_64\nCPU(s):              2\n", id="plain"),
    ],
)
def test_outputs_of_lscpu_are_refused_because_they_have_no_apic_ids(
    tmp_path: Path, text: str
) -> None:
    """The sentence says which file of the same machine has them."""
    path = tmp_path / "lscpu.txt"
    path.write_text(text)

    with pytest.raises(UsageError, match=r"an output of lscpu, .* as cpuinfo:FILE\."):
        read_with_ids(path)


def test_lines_without_the_numbers_of_the_cpus_are_enough(tmp_path: Path) -> None:
    """A mail may quote only what `grep apicid` prints."""
    path = tmp_path / "quoted"
    path.write_text("apicid\t\t: 4\ninitial apicid\t: 9\napicid\t\t: 5\n")

    assert read_with_ids(path).numbers("apicid") == (4, 5)


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    """/proc may not be mounted."""
    with pytest.raises(UsageError, match=r"cannot be read: No such file.*dense:N"):
        read_with_ids(tmp_path / "none")
