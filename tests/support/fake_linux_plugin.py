"""
The delivery of Linux guests with a fake QEMU and a fake tracefs, as a plugin of a run.

FAKE_HYPERCALLS names a file with the hypercalls so far.
"""

from __future__ import annotations

import os
import sys
from collections import Counter
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path

import attrs

from pvbench.delivery import Delivery, Description, Options
from pvbench.hookspecs import hookimpl
from pvbench_deliver_linux import booted, tracing
from pvbench_deliver_linux.delivery import CLOCK, Linux
from pvbench_deliver_linux.settings import Files, Settings

pvbench_api = 1
QEMU = Path(__file__).with_name("fake_linux_qemu.py")


@attrs.frozen
class FakeTrace:
    """The hypercalls that the fake QEMU has counted in a file."""

    path: Path

    def counts(self, event: str) -> Counter[int]:
        made = int(self.path.read_text())
        return Counter({10: made, 11: 1} if event == tracing.HYPERCALL else {0xFC: 3 * made})


@contextmanager
def traced(threads: Collection[int], events: Collection[str]) -> Iterator[FakeTrace]:
    """In the place of `tracing.traced`."""
    yield FakeTrace(Path(os.environ["FAKE_HYPERCALLS"]))


class FakeLinux(Linux):
    name = "fake-linux"

    def why_unavailable(self) -> str | None:
        return None

    def describe(self, options: Options) -> Description:
        folder = Path(os.environ["FAKE_HYPERCALLS"]).parent
        settings = Settings(
            files=Files(
                command=(sys.executable, str(QEMU)), kernels={"6.12": str(folder / "vmlinuz")}
            ),
            cpus=sorted(os.sched_getaffinity(0)),
            hides_icr_writes=False,
        )
        return Description(
            clock=CLOCK,
            limits={"usable_cpus": 9},
            worker_data=settings.encoded(),
            runs_programs=True,
        )


@hookimpl
def pvbench_deliveries() -> list[Delivery]:
    tracing.traced = traced  # type: ignore[assignment]
    setattr(booted, "initramfs", lambda: Path("initramfs"))  # noqa: B010 - it is imported there
    return [FakeLinux()]
