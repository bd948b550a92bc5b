"""The MADT lines of a boot log."""

from __future__ import annotations

from pathlib import Path

import pytest

from pvbench.errors import UsageError
from pvbench.host.madt import apic_ids

MIXED = """\
[    0.000000] ACPI: Local APIC address 0xfee00000
[    0.000000] ACPI: LAPIC (acpi_id[0x01] lapic_id[0x00] enabled)
[    0.000000] ACPI: LAPIC (acpi_id[0x02] lapic_id[0x04] enabled)
[    0.000000] ACPI: LAPIC (acpi_id[0x03] lapic_id[0x82] disabled)
[    0.000000] ACPI: LAPIC (acpi_id[0x04] lapic_id[0xff] enabled)
[    0.000000] ACPI: X2APIC (apic_id[0x06] uid[0x06] enabled)
[    0.000000] ACPI: X2APIC (apic_id[0x100] uid[0x100] enabled)
[    0.000000] ACPI: X2APIC (apic_id[0x102] uid[0x102] disabled)
[    0.000000] ACPI: X2APIC (apic_id[0xffffffff] uid[0x00] enabled)
[    0.000000] ACPI: LAPIC_NMI (acpi_id[0xff] high edge lint[0x1])
[    0.000000] ACPI: X2APIC_NMI (uid[0xffffffff] high edge lint[0x1])
"""


def ids_of(text: str, folder: Path) -> tuple[int, ...]:
    """The APIC IDs that a log with *text* lists."""
    path = folder / "boot.log"
    path.write_text(text)
    return apic_ids(path)


def test_enabled_entries_are_cpus_in_their_order(tmp_path: Path) -> None:
    """
    Disabled ones, an ID that means broadcast, and an X2APIC entry with an ID of 8 bits
    beside LAPIC entries are none.
    """
    assert ids_of(MIXED, tmp_path) == (0, 4, 0x100)


def test_x2apic_entries_alone_may_have_any_id(tmp_path: Path) -> None:
    """LAPIC entries that are disabled do not change that."""
    text = (
        "ACPI: X2APIC (apic_id[0x02] uid[0x01] enabled)\n"
        "ACPI: LAPIC (acpi_id[0x00] lapic_id[0x00] disabled)\n"
        "ACPI: X2APIC (apic_id[0x00] uid[0x00] enabled)\n"
    )

    assert ids_of(text, tmp_path) == (2, 0)


@pytest.mark.parametrize(
    "prefix",
    [
        pytest.param("", id="none"),
        pytest.param("<6>[    0.011437] ", id="dmesg-with-levels"),
        pytest.param("[Fri Nov 27 07:00:00 2026] ", id="dmesg-with-dates"),
        pytest.param("Mar  5 19:06:58 host kernel: [    0.000000] ", id="syslog"),
        pytest.param("Nov 27 07:00:00 host kernel: ", id="journalctl"),
        pytest.param("(XEN) ", id="xen"),
        pytest.param("> ", id="quoted-in-a-mail"),
    ],
)
def test_any_prefix_may_stand_before_a_line(prefix: str, tmp_path: Path) -> None:
    """Tools print times, levels and names of machines before it."""
    text = f"{prefix}ACPI: LAPIC (acpi_id[0x00] lapic_id[0x1c] enabled)\r\n"

    assert ids_of(text, tmp_path) == (0x1C,)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param("", "lists no enabled local APIC: .* as cpuinfo:FILE", id="empty"),
        pytest.param(
            "ACPI: LAPIC (acpi_id[0x00] lapic_id[0x00] disabled)\n",
            "lists no enabled local APIC",
            id="all-disabled",
        ),
        pytest.param(
            "ACPI: LAPIC (acpi_id[0x00] lapic_id[0x00] enabled)\n" * 2,
            "lists a local APIC twice: .* more than one boot",
            id="two-boots",
        ),
    ],
)
def test_a_log_without_the_cpus_of_one_boot_is_refused(
    text: str, message: str, tmp_path: Path
) -> None:
    """The sentence says what to give instead."""
    with pytest.raises(UsageError, match=message):
        ids_of(text, tmp_path)


def test_a_log_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    """A folder is no log."""
    with pytest.raises(UsageError, match=r"cannot be read: Is a directory"):
        apic_ids(tmp_path)
