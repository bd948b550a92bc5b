"""Guest memory without a guest: what the host writes, and what it checks after a boot."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import attrs
import pytest

from pvbench.topology import parse_guest
from pvbench_deliver_kvm.vmm import booted_guest, layout, mailbox
from pvbench_deliver_kvm.vmm.booted_guest import Start
from pvbench_deliver_kvm.vmm.commands import GuestError
from pvbench_deliver_kvm.vmm.guest_memory import GuestMemory

GUEST = parse_guest("ids:7,0,300")
START = Start(image=b"\xf4code", hypercall_abi=mailbox.HYPERCALL_HYPERV, cpus=(), patience_s=1)


@pytest.fixture
def memory() -> Iterator[GuestMemory]:
    """Zeros."""
    with closing(GuestMemory()) as memory:
        yield memory


def test_bytes_are_read_where_they_were_written(memory: GuestMemory) -> None:
    """The address is a guest physical address."""
    memory.write(layout.FREE_BASE, b"12345678")
    memory.clear(layout.FREE_BASE + 2, 3)

    assert memory.read(layout.FREE_BASE, 9) == b"12\0\0\0" + b"678\0"


def test_structures_are_shared_with_the_guest(memory: GuestMemory) -> None:
    """A value that is assigned to a field is in guest memory at once."""
    memory.mailbox.cpus = 5
    memory.cpu(2).number = 6
    memory.source(layout.FREE_BASE).cpu = 7

    addresses = (layout.MAILBOX_BASE + 4, layout.cpu_area(2) + 8, layout.FREE_BASE)
    assert [memory.read(address, 1)[0] for address in addresses] == [5, 6, 7]


@pytest.mark.parametrize("mode", ["x2apic", "xapic"])
def test_a_guest_finds_its_code_its_ids_and_its_mailbox(memory: GuestMemory, mode: str) -> None:
    """See guest/abi.h, struct mailbox."""
    booted_guest.load(memory, attrs.evolve(GUEST, apic_mode=mode), START, vmmcall=True)
    box = memory.mailbox

    assert memory.read(layout.IMAGE_BASE, 5) == START.image
    assert memory.read(box.apic_ids, 12).hex() == "07000000000000002c010000"
    assert (box.cpus, box.x2apic, box.vmmcall) == (3, mode == "x2apic", 1)
    assert (box.hypercall_abi, box.idle) == (mailbox.HYPERCALL_HYPERV, mailbox.HALTED)
    assert box.start_vector == 0x20


def report(memory: GuestMemory, *apic_ids: int, abi: int) -> None:
    """Do as the guest's CPUs when they boot."""
    memory.mailbox.abi = abi
    for cpu, apic_id in enumerate(apic_ids):
        memory.cpu(cpu).apic_id = apic_id


def test_a_guest_that_reads_its_ids_is_accepted(memory: GuestMemory) -> None:
    """It has read all of them, in the order of the CPUs."""
    report(memory, 7, 0, 300, abi=mailbox.PVBENCH_GUEST_ABI)

    booted_guest.check_identity(memory, GUEST)


def test_a_guest_that_reads_other_ids_is_refused(memory: GuestMemory) -> None:
    """As where a KVM keeps 8 bits of an ID."""
    report(memory, 7, 0, 44, abi=mailbox.PVBENCH_GUEST_ABI)

    with pytest.raises(GuestError, match=r"^CPU 2 reads APIC ID 44, not 300$"):
        booted_guest.check_identity(memory, GUEST)


def test_a_guest_of_another_abi_is_refused(memory: GuestMemory) -> None:
    """Its structures would be read wrongly."""
    ours = mailbox.PVBENCH_GUEST_ABI
    report(memory, 7, 0, 300, abi=ours + 1)

    with pytest.raises(GuestError, match=f"^the guest has ABI {ours + 1}, not {ours}$"):
        booted_guest.check_identity(memory, GUEST)
