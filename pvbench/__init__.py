"""
pvbench: which way of sending IPIs is best for a guest, and how sure are we?

The names below are the interface of plugins.  Each is imported when it is first used.
"""

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from pvbench.benchmark_text import BenchmarkText, Measured, TestTime
    from pvbench.command import Command, Output
    from pvbench.delivery import (
        Algorithm,
        BootedGuest,
        Clock,
        Costs,
        Delivery,
        Description,
        LoadedTask,
        Options,
        Task,
    )
    from pvbench.document import Document, table_of_records
    from pvbench.errors import PvbenchError, UnavailableError, UsageError
    from pvbench.format import Format
    from pvbench.formats import output_options
    from pvbench.guest import Guest
    from pvbench.hookspecs import API, hookimpl
    from pvbench.kvm_overlay import ClusterOverlay, KvmOverlay
    from pvbench.linux_era import LinuxEra, LinuxRule
    from pvbench.ops import (
        Burst,
        Cpuid,
        Fence,
        Hypercall,
        IrqRestore,
        IrqSave,
        MmioWrite,
        Op,
        Program,
        RdMsr,
        Scan,
        WaitIcrIdle,
        WriteMem,
        WrMsr,
    )
    from pvbench.recording.reader import LineForm, Lines, Reader, line_reader
    from pvbench.sender import Apic, Driver, Ops, Sender, Stack
    from pvbench.sequences import (
        input_page,
        irqs_off,
        words,
        x2apic_fence,
        x2apic_shorthand,
        xapic_send,
        xapic_shorthand,
    )
    from pvbench.site import Site, SiteFamily
    from pvbench.slice_result import Counts, Distribution, PartialSend, SliceResult
    from pvbench.suite import Case, Suite
    from pvbench.testing.benchmark_texts import check_benchmark_text
    from pvbench.testing.deliveries import check_delivery
    from pvbench.testing.readers import check_reader
    from pvbench.testing.senders import check_sender
    from pvbench.testing.sites import check_site
    from pvbench.testing.workloads import check_workload
    from pvbench.topology import parse_guest
    from pvbench.workload import Workload

__all__ = [
    "API",
    "Algorithm",
    "Apic",
    "BenchmarkText",
    "BootedGuest",
    "Burst",
    "Case",
    "Clock",
    "ClusterOverlay",
    "Command",
    "Costs",
    "Counts",
    "Cpuid",
    "Delivery",
    "Description",
    "Distribution",
    "Document",
    "Driver",
    "Fence",
    "Format",
    "Guest",
    "Hypercall",
    "IrqRestore",
    "IrqSave",
    "KvmOverlay",
    "LineForm",
    "Lines",
    "LinuxEra",
    "LinuxRule",
    "LoadedTask",
    "Measured",
    "MmioWrite",
    "Op",
    "Ops",
    "Options",
    "Output",
    "PartialSend",
    "Program",
    "PvbenchError",
    "RdMsr",
    "Reader",
    "Scan",
    "Sender",
    "Site",
    "SiteFamily",
    "SliceResult",
    "Stack",
    "Suite",
    "Task",
    "TestTime",
    "UnavailableError",
    "UsageError",
    "WaitIcrIdle",
    "Workload",
    "WrMsr",
    "WriteMem",
    "check_benchmark_text",
    "check_delivery",
    "check_reader",
    "check_sender",
    "check_site",
    "check_workload",
    "hookimpl",
    "input_page",
    "irqs_off",
    "line_reader",
    "output_options",
    "parse_guest",
    "table_of_records",
    "words",
    "x2apic_fence",
    "x2apic_shorthand",
    "xapic_send",
    "xapic_shorthand",
]

if not TYPE_CHECKING:  # a type checker must see misspelt names
    _HOMES: Final = {
        "benchmark_text": ("BenchmarkText", "Measured", "TestTime"),
        "command": ("Command", "Output"),
        "delivery": (
            "Algorithm",
            "Delivery",
            "BootedGuest",
            "Clock",
            "Costs",
            "Description",
            "LoadedTask",
            "Options",
            "Task",
        ),
        "document": ("Document", "table_of_records"),
        "errors": (
            "PvbenchError",
            "UnavailableError",
            "UsageError",
        ),
        "format": ("Format",),
        "formats": ("output_options",),
        "guest": ("Guest",),
        "hookspecs": (
            "API",
            "hookimpl",
        ),
        "kvm_overlay": (
            "ClusterOverlay",
            "KvmOverlay",
        ),
        "linux_era": (
            "LinuxEra",
            "LinuxRule",
        ),
        "ops": (
            "Burst",
            "Cpuid",
            "Fence",
            "Hypercall",
            "IrqRestore",
            "IrqSave",
            "MmioWrite",
            "Op",
            "Program",
            "RdMsr",
            "Scan",
            "WaitIcrIdle",
            "WriteMem",
            "WrMsr",
        ),
        "recording.reader": ("LineForm", "Lines", "Reader", "line_reader"),
        "sender": (
            "Apic",
            "Driver",
            "Ops",
            "Sender",
            "Stack",
        ),
        "sequences": (
            "input_page",
            "irqs_off",
            "words",
            "x2apic_fence",
            "x2apic_shorthand",
            "xapic_send",
            "xapic_shorthand",
        ),
        "site": (
            "Site",
            "SiteFamily",
        ),
        "slice_result": (
            "Counts",
            "Distribution",
            "PartialSend",
            "SliceResult",
        ),
        "suite": (
            "Case",
            "Suite",
        ),
        "testing.benchmark_texts": ("check_benchmark_text",),
        "testing.deliveries": ("check_delivery",),
        "testing.readers": ("check_reader",),
        "testing.senders": ("check_sender",),
        "testing.sites": ("check_site",),
        "testing.workloads": ("check_workload",),
        "topology": ("parse_guest",),
        "workload": ("Workload",),
    }

    def __getattr__(name: str) -> Any:
        """Import the module that defines *name*."""
        from importlib import import_module

        for module, names in _HOMES.items():
            if name in names:
                return getattr(import_module(f"pvbench.{module}"), name)
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
