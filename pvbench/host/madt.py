"""
The MADT lines of a boot log: the local APICs that the firmware lists.

Source: Linux, drivers/acpi/tables.c, acpi_table_print_madt_entry(), and
arch/x86/kernel/acpi/boot.c, acpi_parse_lapic() and acpi_parse_x2apic().
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

from pvbench.errors import UsageError, not_readable
from pvbench.host.files import read_regular
from pvbench.x86.apic import X2APIC_BROADCAST, XAPIC_BROADCAST

_LINE: Final = re.compile(
    r"\bACPI: (?:(LAPIC) \(acpi_id\[0x[0-9a-f]{1,8}\] lapic_id|X2APIC \(apic_id)"
    r"\[0x([0-9a-f]{1,8})\](?: uid\[0x[0-9a-f]{1,8}\])? (?:enabled|(disabled))\)"
)
_EXAMPLE: Final = "ACPI: LAPIC (acpi_id[0x00] lapic_id[0x00] enabled)"


class _Entry(NamedTuple):
    apic_id: int
    is_x2apic: bool


def apic_ids(path: Path) -> tuple[int, ...]:
    """
    APIC IDs of the enabled CPUs in the order of the boot log at *path*.

    Raises:
        UsageError: the file cannot be read, or has no such line.
    """
    try:
        text = read_regular(path).decode(errors="replace")
    except OSError as error:
        raise not_readable(path, error) from None
    if not (ids := tuple(_of_cpus(list(_enabled(text))))):
        raise UsageError(
            f"{path} lists no enabled local APIC",
            why=f"it has no line such as {_EXAMPLE!r}, which many kernels do not print",
            fix="Use /proc/cpuinfo of that machine, as cpuinfo:FILE.",
        )
    if len(set(ids)) < len(ids):
        raise UsageError(
            f"{path} lists a local APIC twice",
            why="it seems to be the log of more than one boot",
            fix="Keep the lines of one boot.",
        )
    return ids


def _enabled(text: str) -> Iterator[_Entry]:
    for is_xapic, apic_id, disabled in _LINE.findall(text):
        if not disabled:
            yield _Entry(int(apic_id, 16), not is_xapic)


def _of_cpus(entries: list[_Entry]) -> Iterator[int]:
    """
    The entries that Linux takes for CPUs.

    It ignores an ID that means broadcast, and an X2APIC entry with an ID of 8 bits where
    there are LAPIC entries.
    """
    has_xapic = any(not e.is_x2apic and e.apic_id != XAPIC_BROADCAST for e in entries)
    for apic_id, is_x2apic in entries:
        invalid = X2APIC_BROADCAST if is_x2apic else XAPIC_BROADCAST
        if apic_id != invalid and not (is_x2apic and has_xapic and apic_id < XAPIC_BROADCAST):
            yield apic_id
