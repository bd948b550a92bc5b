"""Texts of other benchmarks, with made-up numbers, and the times in them."""

from __future__ import annotations

from pathlib import Path
from typing import Final

FOLDER: Final = Path(__file__).parents[1] / "data/benchmarks"
Times = dict[tuple[str, str], float]  # the first value of each workload and series

# For each file the plugin's name, and its times in seconds, of vmexit in cycles.
TEXTS: Final[dict[str, tuple[str, Times]]] = {
    "norov.dmesg": (
        "ipi-benchmark",
        {
            ("dry-run", "wall"): 3.6e-9,
            ("self-ipi", "wall"): 170e-9,
            ("self-ipi", "deliver"): 100e-9,
            ("normal-ipi", "wall"): 1.79e-6,
            ("normal-ipi", "deliver"): 1.24e-6,
            ("broadcast", "wall"): 25.69e-6,
            ("broadcast-lock", "wall"): 26.78e-6,
        },
    ),
    "norov-quoted.txt": (
        "ipi-benchmark",
        {
            ("dry-run", "wall"): 2.728e-9,
            ("self-ipi", "wall"): 111.14e-9,
            ("self-ipi", "deliver"): 50.94e-9,
            ("normal-ipi", "wall"): 1.73321e-6,
            ("normal-ipi", "deliver"): 1.31697e-6,
            ("broadcast", "wall"): 1.55649e-6,
        },
    ),
    "norov-local-remote.dmesg": (
        "ipi-benchmark",
        {
            ("dry-run", "wall"): 4e-9,
            ("self-ipi-nowait", "wall"): 170e-9,
            ("local-ipi-nowait", "wall"): 950e-9,
            ("remote-ipi-nowait", "wall"): 1.4e-6,
            ("broadcast-nowait", "wall"): 14e-6,
        },
    ),
    "kvm-utils.dmesg": (
        "kvm-utils",
        {("normal-ipi", "wall"): 2150e-9, ("normal-ipi", "deliver"): 1630e-9},
    ),
    "vmexit.txt": (
        "vmexit",
        {
            ("cpuid", "wall"): 1178,
            ("vmcall", "wall"): 1133,
            ("inl_from_pmtimer", "wall"): 5221,
            ("self_ipi_sti_nop", "wall"): 900,
            ("self_ipi_sti_nop", "send"): 400,
            ("self_ipi_sti_nop.eoi", "wall"): 20,
            ("normal-ipi", "wall"): 3411,
            ("normal-ipi", "send"): 3390,
            ("ipi_halt", "wall"): 5450,
        },
    ),
}


def text_of(file: str) -> str:
    """The text in one of the files."""
    return (FOLDER / file).read_text()


def path_of(file: str) -> str:
    """The path of one of the files, as a user types it."""
    return str(FOLDER / file)
