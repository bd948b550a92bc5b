"""A session with a lab: every request is answered by a fresh machine."""

from __future__ import annotations

import hashlib
import platform
import shutil
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path

import attrs

from pvbench import notices
from pvbench.delivery import Description
from pvbench.errors import ProtocolError, UnavailableError
from pvbench.host.files import read_regular
from pvbench.protocol import Describe, DescriptionReport, Report, Request, Work, decode, encode
from pvbench.qemu import vmlinux
from pvbench.qemu.kernels import Kernel, key_of
from pvbench.site import Host, Reach, SiteOptions
from pvbench.started_worker import Workers
from pvbench.worker_process import description_in
from pvbench_site_lab import answers, needs
from pvbench_site_lab.address import FAMILY, ICOUNT, Address, parsed
from pvbench_site_lab.describe import described_in_lab
from pvbench_site_lab.find import find
from pvbench_site_lab.image import image_of
from pvbench_site_lab.qemu import PROGRAM, Machine
from pvbench_site_lab.reach import reach
from pvbench_site_lab.snapshot import Snapshot
from pvbench_site_lab.store import Store
from pvbench_site_lab.traced import Recorded
from pvbench_site_lab.vm import Vm

_DESCRIBE_S = 1800.0  # probes under emulation on a busy host


@attrs.frozen
class LabSession:
    """
    A session with the lab that boots *kernel*.

    Args:
        snapshots: those in use, by the plugin module and the name of a delivery.
        unmade: what makes the files that the machines of some of them start from.
        workers: the QEMU processes that are under way.
    """

    address: Address
    kernel: Kernel
    options: SiteOptions
    store: Store = attrs.field(factory=Store)
    snapshots: dict[tuple[str, str], Snapshot] = attrs.field(factory=dict)
    unmade: dict[tuple[str, str], Callable[[], object]] = attrs.field(factory=dict)
    workers: Workers = attrs.field(factory=Workers)

    @property
    def hosts(self) -> tuple[Host, ...]:
        slots = needs.most_labs() if self.address.clock == ICOUNT else 1
        return (Host("lab", f"lab on {platform.node()}", slots),)

    def alone(self) -> AbstractContextManager[None]:
        """Other work on this machine disturbs neither virtual time nor counts."""
        return nullcontext()

    def describe(self, host: Host, request: Describe) -> Description:
        snapshot = self._snapshot(request.delivery_module, request.delivery)
        name = _description_name(snapshot, request)
        if (description := _stored_description(self.store.read(name))) is not None:
            return description
        if not request.options.probe:
            raise UnavailableError(
                f"lab {self.address.kernel} has not been described yet",
                why="a description needs a boot, and nothing may be booted now",
                fix="Run it once without --dry-run or --no-probe.",
            )
        if request.options.progress:
            notices.say(f"booting {self.kernel.release} in a lab, to describe it once")
        is_icount = self.address.clock == ICOUNT
        options = attrs.evolve(request.options, fork=True, near_exact=is_icount)
        inside = request._replace(options=options)
        answer = description_in(self._reports(inside, _DESCRIBE_S), request)
        description = described_in_lab(answer, self.address, self._facts(snapshot))
        if is_icount or not any((description.probes or {}).values()):
            self.store.write(name, encode(DescriptionReport(description)).encode())
        return description

    def boot(self, host: Host, job: Work) -> Generator[Report, None, None]:
        return self._reports(job, self.options.timeout_s)

    def reach(self, host: Host, job: Work, other: str) -> Reach | None:
        family, _, address = other.partition(":")
        if family != FAMILY:
            return None

        def recorded(names: Sequence[str]) -> Recorded:
            with self._started(job) as vm:
                return answers.functions_of(vm, job, names, self.options.timeout_s)

        return reach(find(parsed(address).kernel), self.kernel, recorded)

    def _reports(self, request: Request, timeout_s: float) -> Generator[Report, None, None]:
        with self._started(request) as vm:
            yield from answers.reports_of(vm, request, timeout_s)

    @contextmanager
    def _started(self, request: Request) -> Iterator[Vm]:
        """
        A machine for *request*, whose files are made if they are not there.

        For a boot it is a fresh one in any case.
        """
        key = request.delivery_module, request.delivery
        snapshot = self._snapshot(*key)
        if make := self.unmade.get(key):
            make()
            self.unmade.pop(key, None)
        is_boot = not isinstance(request, Describe)
        start = snapshot.continued if is_boot else snapshot.written_or_continued
        with start(self.workers) as vm:
            yield vm

    def _snapshot(self, module: str, delivery: str) -> Snapshot:
        """The snapshot of the lab for a delivery; neither it nor its files need exist yet."""
        key = module, delivery
        if key not in self.snapshots:
            self.snapshots[key], self.unmade[key] = self._new_snapshot(module, delivery)
        return self.snapshots[key]

    def _new_snapshot(
        self, module: str, delivery: str
    ) -> tuple[Snapshot, Callable[[], object]]:
        """
        The snapshot of the lab for a delivery, and what makes the files that it needs.

        Raises:
            UnavailableError: something that it needs is missing here.
        """
        program = shutil.which(PROGRAM)
        if program is None:
            raise UnavailableError("a lab cannot run here", why=needs.why_unavailable() or "")
        packed = _content_of(self.kernel)
        kernel_key = key_of(packed)
        image = image_of(self.kernel, kernel_key, module, delivery, self.store)
        kernel_file = f"kernel-{kernel_key}"
        machine = Machine(
            program=Path(program),
            kernel=self.store.folder / kernel_file,
            initramfs=image.path,
            clock=self.address.clock,
            cpus=self.address.cpus,
        )

        def make() -> None:
            with ThreadPoolExecutor() as threads:
                unpacked = threads.submit(
                    self.store.made, kernel_file, lambda path: self._write_kernel(packed, path)
                )
                image.make()
                unpacked.result()

        return Snapshot(machine, f"{kernel_key} {image.key}", self.store), make

    def _write_kernel(self, packed: bytes, path: Path) -> None:
        """Write the vmlinux in a bzImage, or the bzImage if it cannot be booted by PVH."""
        try:
            content = vmlinux.vmlinux_of(packed)
        except ValueError as error:
            fix = "Name another copy of the kernel."
            raise UnavailableError(
                f"{self.kernel.image} is damaged", why=str(error), fix=fix
            ) from None
        except UnavailableError as error:
            what = f"{self.kernel.image} decompresses itself under emulation"
            notices.say(f"{what}, which is slow: {error}")
            content = packed
        path.write_bytes(content if vmlinux.has_pvh_entry(content) else packed)

    def _facts(self, snapshot: Snapshot) -> dict[str, str]:
        """Facts of the host in a lab that the lab itself does not know."""
        return {
            "qemu": needs.version_of(snapshot.machine.program),
            "lab_kernel": snapshot.content_key.partition(" ")[0],
            **self.kernel.facts,
        }


def _content_of(kernel: Kernel) -> bytes:
    try:
        return read_regular(kernel.image, vmlinux.LARGEST)
    except OSError as error:
        reason = str(error.strerror or error)
        raise UnavailableError(f"{kernel.image} cannot be read", why=reason) from None


def _description_name(snapshot: Snapshot, request: Describe) -> str:
    options = attrs.evolve(request.options, wait=False, progress=False, probe=True)
    text = encode(request._replace(options=options))
    return f"description-{snapshot.key}-{hashlib.sha256(text.encode()).hexdigest()[:16]}"


def _stored_description(content: bytes | None) -> Description | None:
    """The description that was stored; None if there is none, or one of another version."""
    try:
        report = decode((content or b"").decode())
    except (ValueError, ProtocolError):
        return None
    return report.description if isinstance(report, DescriptionReport) else None
