"""The guest's senders in C: exactly the ops of the Python senders, in their order."""

from __future__ import annotations

from ctypes import CDLL
from pathlib import Path
from typing import NamedTuple

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from pvbench.dispatch import program, rest_of
from pvbench.guest import Guest
from pvbench.linux_era import LinuxEra
from pvbench.ops import (
    BARE_OPERATIONS,
    CSD_OPERATIONS,
    Burst,
    Hypercall,
    IrqRestore,
    IrqSave,
    WrMsr,
)
from pvbench.sender import Stack
from pvbench_deliver_kvm.measure.algorithms import DRIVER_NULL, DRIVERS, OPERATIONS, OVERLAYS
from support.guest_native import OP_KINDS, enumerators, recorded, recorded_numbers, senders
from support.helpers import (
    CURRENT,
    ERAS,
    MASKS,
    NMI,
    bundled,
    burst_of,
    bursts,
    guest_of,
    id_tuples,
    only,
    stack_of,
)

STACKS = [
    f"{overlay}/{driver}" if overlay else driver for overlay in OVERLAYS for driver in DRIVERS
]
LARGE_STACKS = [name for name in STACKS if "x2apic" in name]

Scene = tuple[Guest, Burst, LinuxEra]

RANDOMS = st.randoms(use_true_random=True)


@pytest.fixture(scope="session")
def library(tmp_path_factory: pytest.TempPathFactory) -> CDLL:
    """The senders of the guest, compiled for this machine."""
    return senders(tmp_path_factory.mktemp("senders"))


def highest_id(stack: Stack) -> int:
    """The highest APIC ID of a guest the stack supports."""
    if stack.driver.apic_mode == "xapic":
        return 254
    tops = {
        "x2apic-cluster": (1 << 20) - 1,
        "kvm-pv-cluster128": (1 << 31) - 1,
        "kvm-pv-cluster192": (192 << 24) - 1,
    }
    names = (stack.driver.name, stack.sender.name)
    return min(tops.get(name, (1 << 32) - 2) for name in names)


@st.composite
def scenes(draw: st.DrawFn, stack: Stack) -> Scene:
    """A guest that the stack supports, a burst that it does not refuse, a kernel era."""
    limit = 8 if stack.driver.name == "xapic-flat" else 300
    ids = [*draw(id_tuples(limit, highest_id(stack)))]
    ids = [apic_id for apic_id in ids if apic_id <= highest_id(stack)] or [0]
    if draw(st.booleans()):
        draw(RANDOMS).shuffle(ids)
    guest = stack.guest(guest_of(ids))
    assume(stack.why_unsupported(guest, CURRENT) is None)
    burst = draw(bursts(len(ids)))
    assume(stack.sender.why_refused(burst, guest) is None)
    return guest, burst, draw(st.sampled_from(ERAS))


@pytest.mark.parametrize("name", STACKS)
def test_the_guest_makes_the_ops_of_the_python_sender(library: CDLL, name: str) -> None:
    """A callback in the guest executes the ops of the sender's program, one by one."""
    stack = stack_of(name)

    @settings(max_examples=150)
    @given(scene=scenes(stack))
    def agree(scene: Scene) -> None:
        guest, burst, linux = scene
        ops = recorded(library, stack, burst, guest, linux=linux)

        assert program(stack, burst, guest, linux=linux).program == ops

    agree()


ORDERS = {
    "dense": range(1024),
    "descending": range(1023, -1, -1),
    "a-cluster-for-each": range(0, 1024 * 200, 200),
    "low-and-high-in-turn": [i // 2 + 512 * (i % 2) for i in range(1024)],
    "clusters-in-turn": [i % 128 * 192 + i // 128 for i in range(1024)],
}


@pytest.mark.parametrize("ids", ORDERS.values(), ids=ORDERS.keys())
@pytest.mark.parametrize("name", LARGE_STACKS)
def test_guest_and_sender_agree_on_a_mask_of_a_thousand_cpus(
    library: CDLL, name: str, ids: list[int]
) -> None:
    """More clusters than the guest's table holds take several passes, in the same order."""
    stack = stack_of(name)
    guest = stack.guest(guest_of(ids))
    burst = burst_of("send_IPI_mask_allbutself", *range(1, 1024), source=700)

    ops = recorded(library, stack, burst, guest, linux=MASKS)

    assert program(stack, burst, guest, linux=MASKS).program == ops


NAMES = [" ".join((era.name, era.vendor)) for era in ERAS]
FULL = [
    (name, cpus)
    for name in STACKS
    for cpus in (1, 2, 8, 63, 64, 65, 128, 129)
    if cpus <= 8 or "flat" not in name
]


@pytest.mark.parametrize("linux", ERAS, ids=NAMES)
@pytest.mark.parametrize("name", ["x2apic-physical", "kvm-pv/x2apic-cluster"])
def test_the_rest_of_a_mask_is_sent_as_its_kernel_sends_it(
    library: CDLL, name: str, linux: LinuxEra
) -> None:
    """One CPU of three, or two, had an empty call queue."""
    stack = stack_of(name)
    guest = stack.guest(guest_of(range(6)))
    burst = burst_of("smp_call_function_many", 1, 2, 4)

    for rest in ((2,), (2, 4)):
        ops = recorded(library, stack, burst, guest, linux=linux, rest=rest)

        part = rest_of(burst, rest, linux)
        assert program(stack, part, guest, linux=linux).program == ops


@pytest.mark.parametrize("linux", [MASKS, CURRENT], ids=["masks", "shorthands"])
@pytest.mark.parametrize(("name", "cpus"), FULL)
def test_full_masks_end_at_the_last_cpu(
    library: CDLL, name: str, cpus: int, linux: LinuxEra
) -> None:
    """Broadcasts to whole and partial words of a mask, from the first and the last CPU."""
    stack = stack_of(name)
    guest = stack.guest(guest_of(range(cpus)))
    sent = [
        burst_of(operation, *range(cpus), source=source)
        for operation in ("smp_call_function_many", *BARE_OPERATIONS[1:])
        for source in (0, cpus - 1)
    ]

    ops = [recorded(library, stack, burst, guest, linux=linux) for burst in sent]

    assert ops == [program(stack, burst, guest, linux=linux).program for burst in sent]


NMI_STACKS = [
    name
    for name in STACKS
    if not stack_of(name).sender.why_refused(burst_of("send_IPI", vector=NMI), guest_of([0]))
]


@pytest.mark.parametrize("operation", OPERATIONS)
@pytest.mark.parametrize("name", NMI_STACKS)
def test_an_nmi_has_a_delivery_mode_and_a_bounded_wait(
    library: CDLL, name: str, operation: str
) -> None:
    """__prepare_ICR() and safe_apic_wait_icr_idle(), which a crash path needs."""
    stack = stack_of(name)
    guest = stack.guest(guest_of(range(6)))
    targets = (1,) if operation in ("send_IPI", "smp_call_function_single") else (1, 2, 4)
    burst = burst_of(operation, *targets, source=2, vector=NMI)

    ops = recorded(library, stack, burst, guest, linux=CURRENT)

    assert program(stack, burst, guest, linux=CURRENT).program == ops


class Row(NamedTuple):
    """APIC IDs in CPU order without the sender, and the counts of each sender."""

    ids: list[int]
    physical: int
    cluster: int
    v3: int
    merged: int
    bug: int
    offset128: int
    wide192: int


LOW_AND_HIGH = [i // 2 + 128 * (i % 2) for i in range(128)]

ROWS = {
    "A-1..7": Row([*range(1, 8)], 7, 1, 1, 1, 1, 1, 1),
    "B-1..79": Row([*range(1, 80)], 79, 5, 1, 1, 1, 1, 1),
    "C-1..159": Row([*range(1, 160)], 159, 10, 1, 2, 2, 2, 1),
    "D-1..287": Row([*range(1, 288)], 287, 18, 1, 3, 3, 3, 2),
    "E-even-2..254": Row([*range(2, 255, 2)], 127, 16, 1, 2, 2, 2, 2),
    "F-0,200": Row([0, 200], 2, 2, 1, 2, 2, 2, 2),
    "H-1,128,0": Row([1, 128, 0], 3, 2, 1, 2, 1, 2, 1),
    "I-127..0": Row([*range(127, -1, -1)], 128, 8, 1, 1, 1, 1, 1),
    "J-0,128,1,129": Row(LOW_AND_HIGH, 128, 8, 1, 65, 65, 2, 1),
}


@pytest.mark.parametrize(
    ("name", "column"),
    [
        pytest.param("x2apic-physical", "physical", id="physical"),
        pytest.param("x2apic-cluster", "cluster", id="cluster"),
        pytest.param("kvm-pv128-v3/x2apic-physical", "v3", id="v3"),
        pytest.param("kvm-pv/x2apic-physical", "merged", id="merged"),
        pytest.param("kvm-pv-4.19/x2apic-physical", "bug", id="4.19"),
        pytest.param("kvm-pv-cluster128/x2apic-physical", "offset128", id="offset-128"),
        pytest.param("kvm-pv-cluster192/x2apic-physical", "wide192", id="192-wide"),
    ],
)
@pytest.mark.parametrize("row", ROWS.values(), ids=ROWS.keys())
def test_a_mask_takes_the_exits_of_its_definition(
    library: CDLL, row: Row, name: str, column: str
) -> None:
    """The exits of each mask were counted by hand from the definitions (domain facts, 1.10)."""
    stack = stack_of(name)
    guest = stack.guest(guest_of((*row.ids, 5000)))
    burst = burst_of("send_IPI_mask", *range(len(row.ids)), source=len(row.ids))

    ops = recorded(library, stack, burst, guest, linux=MASKS)

    assert getattr(row, column) == len(only(WrMsr, ops) + only(Hypercall, ops))


@pytest.mark.parametrize("operation", OPERATIONS)
def test_the_null_driver_sends_nothing(library: CDLL, operation: str) -> None:
    """Its time is that of the dispatch itself."""
    guest = guest_of(range(5))
    targets = (1,) if operation in ("send_IPI", "smp_call_function_single") else (1, 2)
    burst = burst_of(operation, *targets)

    ops = recorded_numbers(library, (DRIVER_NULL, 0), burst, guest, linux=MASKS)

    assert ops == (IrqSave(), IrqRestore())


def c_names(numbers: dict[str, int]) -> dict[str, int]:
    """``KVM_PV_4_19`` for ``kvm-pv-4.19``."""
    return {
        name.upper().replace("-", "_").replace(".", "_"): number
        for name, number in numbers.items()
        if name
    }


@pytest.mark.parametrize(
    ("enum", "expected"),
    [
        pytest.param("operation", c_names(OPERATIONS), id="operations"),
        pytest.param("driver", {"DRIVER_NULL": 0, **c_names(DRIVERS)}, id="drivers"),
        pytest.param("overlay", {"OVERLAY_NONE": 0, **c_names(OVERLAYS)}, id="overlays"),
        pytest.param("op_kind", OP_KINDS, id="op-kinds"),
    ],
)
def test_numbers_are_those_of_the_guest_s_header(
    enum: str, expected: dict[str, int], tmp_path: Path
) -> None:
    """abi.h is the contract; a C compiler proves the numbers in Python."""
    assert expected == enumerators(enum, tmp_path)


def test_the_guest_has_code_for_every_bundled_sender() -> None:
    """A new sender needs a callback in C, or runs with callbacks refuse it."""
    own = {name for name, s in bundled().senders.items() if s.mechanism != "kernel"}

    assert sorted(own) == sorted({*DRIVERS, *OVERLAYS} - {""})
    assert sorted(OPERATIONS) == sorted((*CSD_OPERATIONS, *BARE_OPERATIONS))
