"""A guest that fails gives an error that says where, and every resource is released."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from pathlib import Path
from queue import Empty, SimpleQueue

import attrs
import pytest

from pvbench.delivery import Task
from pvbench.guest import Guest
from pvbench.ops import Burst, Fence, WrMsr
from pvbench.topology import parse_guest
from pvbench_deliver_kvm import build
from pvbench_deliver_kvm.measure.kvm_guest import KvmBootedGuest
from pvbench_deliver_kvm.vmm import booted_guest, layout, mailbox
from pvbench_deliver_kvm.vmm.booted_guest import BOOT_S, GuestVm
from pvbench_deliver_kvm.vmm.commands import GuestError
from pvbench_deliver_kvm.vmm.vcpu_threads import Event
from support.kvm import PATIENCE_S, process_state, start_of

pytestmark = pytest.mark.usefixtures("needs_kvm")

SOON_TICKS = 50_000_000  # for waits in vain
UNICAST = (Fence(), WrMsr(0x830, 1 << 32 | 0xFB))
UNKNOWN_MSR = (WrMsr(0x1234_5678, 0),)

# Machine code of the entry, which every CPU runs first.
TRIPLE_FAULT = bytes.fromhex("0f011d02000000 0f0b") + bytes(10)  # lidt of nothing; ud2
MOVB_1_TO = bytes.fromhex("c60425")  # movb $1, the address that follows
OUTSIDE = MOVB_1_TO + bytes.fromhex("0000003001")
NOT_AN_APIC = bytes.fromhex("b80000e1fe c60001")  # movl $0xfee10000, %eax; movb $1, (%rax)
STRANGE_PORT = bytes.fromhex("e642 f4")  # outb %al, $0x42
NEVER_READY = bytes.fromhex("fa f4 ebfd")  # cli; hlt; again


def started(
    guest: Guest | None = None, *, entry: bytes = b"", boot_s: float = BOOT_S
) -> AbstractContextManager[GuestVm]:
    """The real guest, its entry overwritten by *entry*."""
    image = entry + build.image()[len(entry) :]
    start = start_of(image=image, boot_s=boot_s)
    return booted_guest.booted_vm(guest or parse_guest("dense:2"), start)


@contextmanager
def booted(cpus: int = 2) -> Iterator[KvmBootedGuest]:
    with (
        started(parse_guest(f"dense:{cpus}")) as guest,
        closing(KvmBootedGuest(guest, execution="ops")) as booted,
    ):
        yield booted


def task(*program: object, target: int = 1) -> Task:
    """CPU 0 sends to *target* with these ops."""
    return Task(
        bursts=(Burst(source=0, operation="send_IPI", targets=(target,), vector=0xFB),),
        programs=(program,),  # type: ignore[arg-type]
        reached=((target,),),
        program_for=lambda burst, cpus: (),
    )


@pytest.mark.parametrize(
    ("entry", "sentence"),
    [
        pytest.param(
            TRIPLE_FAULT, r"CPU [01]: triple fault \(KVM_EXIT_SHUTDOWN\)", id="triple"
        ),
        pytest.param(
            OUTSIDE,
            r"CPU [01] raised #PF \(vector 14\), error code 0x2, at RIP 0x100000, "
            r"CR2 0x30000000",
            id="outside-its-memory",
        ),
        pytest.param(
            NOT_AN_APIC,
            r"CPU [01]: KVM_EXIT_MMIO: write to 0xfee10000, which is not guest memory, "
            r"at RIP 0x10000",
            id="outside-in-the-apic's-page",
        ),
        pytest.param(
            STRANGE_PORT,
            r"CPU [01]: unhandled KVM_EXIT_IO on port 0x42 at RIP 0x10000",
            id="port",
        ),
    ],
)
def test_the_error_of_a_failing_guest_says_where_it_failed(entry: bytes, sentence: str) -> None:
    """Its vector or exit and its RIP; the boot does not hang."""
    before = process_state()

    with pytest.raises(GuestError, match=sentence), started(entry=entry):
        pass

    assert before == process_state()


def test_a_boot_has_a_deadline() -> None:
    """This guest halts for ever with interrupts off."""
    before = process_state()

    with (
        pytest.raises(GuestError, match=r"the guest did not boot within 0.05 s"),
        started(entry=NEVER_READY, boot_s=0.05),
    ):
        pass

    assert before == process_state()


def test_a_source_without_an_acknowledgement_names_the_target() -> None:
    """It gives up before the host does, which cannot see what it waits for."""
    with booted() as running:
        running.vm.memory.mailbox.limit_ticks = SOON_TICKS
        result = running.load(task(Fence())).run(loops=2, warmup=0)

    assert result.faults == ("CPU 1 never acknowledged (burst 1 of CPU 0)",)


def test_a_source_waits_for_targets_to_be_idle_before_it_sends() -> None:
    """CPU 1 is idle but marked as busy, so nothing is sent."""
    with booted() as running:
        running.vm.memory.mailbox.limit_ticks = SOON_TICKS
        running.vm.memory.cpu(1).idle = mailbox.BUSY
        result = running.load(task(*UNICAST)).run(loops=2, warmup=0)

    assert result.faults == ("CPU 1 never became idle (burst 1 of CPU 0)",)
    assert result.counts.handlers == (0, 0)


class EventsOfHangingGuest(SimpleQueue[Event]):
    """A time-out that comes when the guest has reached NEVER_READY, however long that takes."""

    def __init__(self, guest: GuestVm) -> None:
        self.guest = guest

    def get(self, block: bool = True, timeout: float | None = None) -> Event:
        assert timeout == PATIENCE_S
        while not self.guest.memory.mailbox.reserved[0]:
            time.sleep(0.001)
        raise Empty


def test_a_guest_without_progress_is_given_up() -> None:
    """Its source halts in the handler of the MSI that starts it."""
    with booted() as running:
        guest = running.vm
        place = layout.MAILBOX_BASE + mailbox.Mailbox.reserved.offset
        hang = MOVB_1_TO + place.to_bytes(4, "little") + b"\1" + NEVER_READY
        for vector in (0x20, 0x21):
            guest.memory.write(layout.STUBS_BASE + 16 * vector, hang)
        guest.commands.events = EventsOfHangingGuest(guest)

        with pytest.raises(GuestError, match=r"CPU 0 made no progress for 60 s: .* 0x1012"):
            running.load(task(*UNICAST)).run(loops=1, warmup=0)


def test_the_guest_can_run_again_after_a_source_has_given_up() -> None:
    """CPU 1 gets no IPI in the first slice, and three in the second."""
    with booted() as running:
        box = running.vm.memory.mailbox
        usual, box.limit_ticks = box.limit_ticks, SOON_TICKS
        silent = running.load(task(Fence())).run(loops=3, warmup=0)
        box.limit_ticks = usual
        after = running.load(task(*UNICAST)).run(loops=3, warmup=0)

    assert silent.faults == ("CPU 1 never acknowledged (burst 1 of CPU 0)",)
    assert (after.faults, after.counts.handlers) == ((), (0, 3))


@pytest.mark.parametrize(
    ("program", "fault"),
    [
        pytest.param(UNKNOWN_MSR, "op 0 raised #GP (vector 13) (burst 1 of CPU 0)", id="msr"),
        pytest.param(
            (Fence(), *UNKNOWN_MSR),
            "op 1 raised #GP (vector 13) (burst 1 of CPU 0)",
            id="second-op",
        ),
    ],
)
def test_a_fault_of_an_op_is_a_fault_of_the_slice(
    program: tuple[object, ...], fault: str
) -> None:
    """The guest continues after the op, and can run another slice."""
    with booted() as running:
        faulty = running.load(task(*program)).run(loops=5, warmup=0)
        result_without_fault = running.load(task(*UNICAST)).run(loops=5, warmup=0)

    assert (fault,) == faulty.faults
    assert (result_without_fault.faults, result_without_fault.counts.handlers) == ((), (0, 5))


def test_a_hundred_boots_release_all_resources() -> None:
    """No descriptor, thread or mapping is left; the process does not grow."""
    with booted():
        pass
    before, size = process_state(), resident_kib()

    for _ in range(100):
        with booted() as running:
            running.load(task(*UNICAST)).run(loops=1, warmup=0)

    assert before == process_state()
    assert resident_kib() - size < 4_096


def resident_kib() -> int:
    """Memory of this process that is in RAM."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGESIZE") // 1024


@pytest.mark.parametrize("mode", ["xapic", "x2apic"])
@pytest.mark.parametrize(
    "spec",
    ["dense:1", "dense:16", "sparse:5:50", "ids:254,0,128", "ids:9-0"],
)
def test_the_guest_has_the_apic_ids_it_was_given(spec: str, mode: str) -> None:
    """As each CPU reads them from its own local APIC."""
    expected = attrs.evolve(parse_guest(spec), apic_mode=mode)

    with started(expected) as guest:
        apic_ids = tuple(guest.memory.cpu(cpu).apic_id for cpu in expected.cpus)

    assert expected.apic_ids == apic_ids


def test_apic_ids_may_have_more_than_eight_bits() -> None:
    """In x2APIC mode they reach up to the limit of this KVM."""
    expected = parse_guest("ids:255,256,0,1023,4095")

    with started(expected) as guest:
        apic_ids = tuple(guest.memory.cpu(cpu).apic_id for cpu in expected.cpus)

    assert apic_ids == (255, 256, 0, 1023, 4095)
