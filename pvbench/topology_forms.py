"""The forms of a topology: the help, the errors and the page for readers all have these."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, NamedTuple


class Form(NamedTuple):
    """
    One form.

    Args:
        written: with words in capitals for what a user chooses.
        example: a topology of this form, or one that ends with this option.
        meaning: the APIC IDs of the example, or what the option does.
    """

    written: str
    example: str
    meaning: str


FORMS: Final = (
    Form("N", "80", "0 to 79"),
    Form("dense:N", "dense:80", "0 to 79"),
    Form(
        "sockets:SOCKETSxCORESxTHREADS",
        "sockets:2x20x2",
        "sockets, cores of each and threads of each; a field of bits for each level, so that "
        "three cores take the room of four",
    ),
    Form(
        "sockets:SOCKETSxDIESxCORESxTHREADS",
        "sockets:2x3x3x2",
        "the same with dies: sockets, dies, cores, threads",
    ),
    Form(
        "sockets:SOCKETSxDIESxMODULESxCORESxTHREADS",
        "sockets:2x2x3x4x2",
        "the same with modules: sockets, dies, modules, cores, threads",
    ),
    Form("sparse:N:STEP", "sparse:128:2", "every second ID: 0, 2, 4, …"),
    Form("interleaved:N", "interleaved:130", "0, 128, 1, 129, …"),
    Form(
        "ids:A,B-C,D-E/STEP,...",
        "ids:5,1,0-64/2,0x80-0x8f",
        "those of the list, with ranges, steps and hex",
    ),
    Form("host", "host", "those of the machine that boots the guest"),
    Form(
        "cpuinfo:FILE (/proc/cpuinfo of another machine)",
        "cpuinfo:FILE",
        "those in /proc/cpuinfo of another machine, copied to a file",
    ),
    Form(
        "madt:FILE (a boot log)",
        "madt:FILE",
        "those of the enabled CPUs in a boot log, from lines such as "
        "`ACPI: LAPIC (acpi_id[0x00] lapic_id[0x00] enabled)`",
    ),
)
OPTIONS: Final = (
    Form(
        "+threads-last",
        "sockets:2x20x2+threads-last",
        "only of `sockets:`: the second thread of each core comes after the first threads of "
        "all cores, as most bare-metal machines number their CPUs",
    ),
    Form(
        "+offline:CPUS",
        "dense:80+offline:3,7",
        "these CPUs have booted and are offline: no workload interrupts them, and their APICs "
        "are disabled",
    ),
    Form(
        "+logical:IDS",
        "sparse:8:2+logical:0-7",
        "the hypervisor derives the logical x2APIC ID of each CPU from this number instead of "
        "its APIC ID, as Xen has done",
    ),
    Form(
        "+vp:INDEXES",
        "dense:8+vp:7-0",
        "the VP indexes, by which Hyper-V's hypercalls name the CPUs, if they differ from the "
        "CPU numbers",
    ),
    Form("+nox2apic", "dense:80+nox2apic", "the CPUs have no x2APIC"),
    Form(
        "+intremap",
        "dense:80+intremap",
        "an IOMMU remaps interrupts, so that Linux sends to x2APIC clusters",
    ),
)


def in_words() -> str:
    """All forms and options, for the help and for errors."""
    return f"{_listed(FORMS, 'or')}; each with {_listed(OPTIONS, 'and')}"


def _listed(forms: Iterable[Form], last: str) -> str:
    *words, end = (form.written for form in forms)
    return f"{', '.join(words)} {last} {end}"
