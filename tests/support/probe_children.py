"""Programs in the place of the child processes that probe KVM."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from pvbench_deliver_kvm.probe.programs import PROBES

BEGUN = '"begun"\n'
HANGS = "hang"  # see `child`
X2APIC = PHYSICAL, LOGICAL, SHORTHAND, SELF, NMI = list(PROBES["x2apic"][2])
Child = Callable[..., None]


def lines_on(*names: str, why: str = "") -> str:
    """The lines of a child on these probes."""
    return "".join(json.dumps([name, why]) + "\n" for name in names)


ALL_WORK = lines_on(*(name for _, _, programs in PROBES.values() for name in programs))


def born(tmp_path: Path) -> list[tuple[int, str]]:
    """(process, group) of the children so far."""
    lines = map(str.split, (tmp_path / "born").read_text().splitlines())
    return [(int(pid), group) for pid, group in lines]


def stored_files(tmp_path: Path) -> list[Path]:
    """The files of the cache."""
    return sorted((tmp_path / "cache").rglob("*.*"))
