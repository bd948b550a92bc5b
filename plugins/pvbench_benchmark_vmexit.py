"""
The lines that the test vmexit of kvm-unit-tests prints: cycles of the TSC for one iteration.

Lines that begin with "ipi" are the part for the write to the ICR, those with "eoi" the part
for the EOI.  The rate of the TSC is read from a line of the kernel log, if the text has one.

Source: kvm-unit-tests, x86/vmexit.c.
"""

from __future__ import annotations

import re
from typing import Final

from pvbench.benchmark_text import CYCLES, SECONDS, BenchmarkText, Measured, TestTime
from pvbench.hookspecs import hookimpl

pvbench_api = 1

_TESTS: Final = (
    *("cpuid", "vmcall", "wbinvd", "invd", "mov_from_cr8", "mov_to_cr8", "inl_from_pmtimer"),
    *("inl_from_qemu", "inl_from_kernel", "outl_to_kernel", "mov_dr"),
    *("tscdeadline_immed", "tscdeadline", "ipi", "ipi_halt", "ple_round_robin"),
    *("wr_kernel_gs_base", "wr_tsx_ctrl_msr", "wr_ibrs_msr", "wr_ibpb_msr"),
    *("wr_tsc_adjust_msr", "rd_tsc_adjust_msr", "toggle_cr0_wp", "toggle_cr4_pge"),
    *(
        f"{prefix}self_ipi_{how}"
        for prefix in ("", "x2apic_")
        for how in ("sti_nop", "sti_hlt", "tpr", "tpr_sti_nop", "tpr_sti_hlt")
    ),
)
_LINE: Final = re.compile(
    r"^[ \t>|]{0,40}+(?:(?P<part>ipi|eoi) )?"
    rf"(?P<test>{'|'.join(_TESTS)}) (?P<cycles>[0-9]{{1,10}})\r?$",
    re.MULTILINE,
)
_RATE: Final = re.compile(
    r"tsc: (?:Detected|Refined TSC clocksource calibration:) ([0-9]{1,6}\.[0-9]{1,6}) MHz"
)
_UNICAST: Final = "ipi"  # one IPI to a halted CPU, whose handler is waited for
_CAVEATS: Final = (
    "normal-ipi stands for the test ipi, which has no call queue of Linux",
    "ipi_halt contains a wait of 2000 cycles",
)


def lines(text: str) -> int:
    """See `BenchmarkText`."""
    return sum(1 for _ in _LINE.finditer(text))


def read(text: str) -> Measured:
    """See `BenchmarkText`."""
    rates = [float(rate) for rate in _RATE.findall(text)]
    scale = 1e-6 / rates[-1] if rates and rates[-1] else 1.0
    times: dict[tuple[str, str], list[float]] = {}
    for match in _LINE.finditer(text):
        if cycles := int(match["cycles"]):
            times.setdefault(_place(match["part"], match["test"]), []).append(cycles * scale)
    return Measured(
        times=TestTime.of_tests(times),
        unit=CYCLES if scale == 1 else SECONDS,
        caveats=_CAVEATS,
    )


def _place(part: str | None, test: str) -> tuple[str, str]:
    """The workload and the series of a line."""
    workload = "normal-ipi" if test == _UNICAST else test
    if part == "eoi":
        return f"{workload}.eoi", "wall"
    return workload, "send" if part else "wall"


@hookimpl
def pvbench_benchmarks() -> list[BenchmarkText]:
    """See `pvbench.hookspecs.pvbench_benchmarks`."""
    return [
        BenchmarkText(
            name="vmexit",
            title="vmexit of kvm-unit-tests",
            summary="output of the test vmexit of kvm-unit-tests",
            lines=lines,
            read=read,
        )
    ]
