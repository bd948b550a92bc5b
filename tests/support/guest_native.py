"""The guest's senders, compiled for this machine and called with their ops written down."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Callable, Iterable, Iterator
from ctypes import CDLL, POINTER, Structure, byref, c_long, c_uint32, c_uint64
from pathlib import Path
from typing import Any

import pytest

from pvbench.dispatch import reached
from pvbench.guest import Guest
from pvbench.linux_era import LinuxEra
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
from pvbench.sender import Stack
from pvbench_deliver_kvm.measure.algorithms import DRIVERS, OPERATIONS, OVERLAYS, rules_of
from support.helpers import DEADLINE_S

TESTS = Path(__file__).parents[1]
GUEST = TESTS.parent / "plugins/pvbench_deliver_kvm/guest"

GUARD_IDS = [0x55] * 64  # behind the last CPU: seen if a sender reads too far
GUARD_WORD = (1 << 64) - 1

# enum op_kind; key and words make the op
OP_KINDS = {
    "OP_END": 0,
    "OP_IRQ_SAVE": 1,
    "OP_IRQ_RESTORE": 2,
    "OP_FENCE": 3,
    "OP_SCAN": 4,
    "OP_WRMSR": 5,
    "OP_MMIO_WRITE": 6,
    "OP_WRITE_MEM": 7,
    "OP_WAIT_ICR_IDLE": 8,
    "OP_HYPERCALL": 9,
    "OP_CPUID": 10,
    "OP_RDMSR": 11,
}
OPS: dict[int, Callable[[int, tuple[int, ...]], Op]] = {
    1: lambda key, words: IrqSave(),
    2: lambda key, words: IrqRestore(),
    3: lambda key, words: Fence(),
    4: lambda key, words: Scan(key),
    5: lambda key, words: WrMsr(key, *words),
    6: lambda key, words: MmioWrite(key, *words),
    7: WriteMem,
    8: lambda key, words: WaitIcrIdle(key),
    9: Hypercall,
    10: lambda key, words: Cpuid(key, *words),
    11: lambda key, words: RdMsr(key),
}


class Request(Structure):
    """``struct request`` of guest_native/record_ops.c."""

    _fields_ = [
        ("driver", c_uint32),
        ("overlay", c_uint32),
        ("operation", c_uint32),
        ("vector", c_uint32),
        ("single_vector", c_uint32),
        ("cpus", c_uint32),
        ("self", c_uint32),
        ("x2apic", c_uint32),
        ("rules", c_uint32),
        ("called", c_uint32),
    ]


def compiler() -> str:
    """The system's cc; the test is skipped where there is none."""
    path = shutil.which("cc")
    if path is None:
        pytest.skip("no C compiler (cc) on this machine")
    return path


def built(output: Path, *arguments: str | Path) -> Path:
    """The program that cc compiles from C sources that include the guest's headers."""
    command = [compiler(), "-std=c11", "-I", str(GUEST), "-o", str(output)]
    completed = subprocess.run(
        [*command, *map(str, arguments)],
        capture_output=True,
        check=False,
        text=True,
        timeout=DEADLINE_S,
    )
    assert completed.returncode == 0, completed.stderr
    return output


def senders(folder: Path) -> CDLL:
    """The guest's senders as a library of this machine."""
    sources = [TESTS / "guest_native/record_ops.c", *sorted(GUEST.glob("senders/*.c"))]
    library = CDLL(str(built(folder / "senders.so", "-O1", "-shared", "-fPIC", *sources)))
    words = POINTER(c_uint64)
    library.record_burst.restype = c_long
    library.record_burst.argtypes = [POINTER(Request), words, POINTER(c_uint32), words, words]
    return library


def recorded(
    library: CDLL,
    stack: Stack,
    burst: Burst,
    guest: Guest,
    *,
    linux: LinuxEra,
    rest: tuple[int, ...] | None = None,
) -> Program:
    """Ops the guest's own code makes of *burst*, or of the *rest* of its targets."""
    overlay = stack.overlay.name if stack.overlay else ""
    numbers = (DRIVERS[stack.driver.name], OVERLAYS[overlay])
    return recorded_numbers(library, numbers, burst, guest, linux=linux, rest=rest)


def recorded_numbers(
    library: CDLL,
    numbers: tuple[int, int],
    burst: Burst,
    guest: Guest,
    *,
    linux: LinuxEra,
    rest: tuple[int, ...] | None = None,
) -> Program:
    """The same for numbers of a driver and an overlay."""
    cpus = len(guest.apic_ids)
    request = Request(*numbers, OPERATIONS[burst.operation], burst.vector, burst.single_vector)
    request.cpus, request.self, request.rules = cpus, burst.source, rules_of(linux)
    request.x2apic = guest.apic_mode == "x2apic"
    called = reached(burst, guest) if burst.protocol == "csd" else burst.targets
    request.called = len(called)
    mask = _array(c_uint64, [*mask_words(called if rest is None else rest, cpus), GUARD_WORD])
    ids = _array(c_uint32, [*guest.apic_ids, *GUARD_IDS])
    record = (c_uint64 * (16 * cpus + 256))()
    end = POINTER(c_uint64)(c_uint64.from_buffer(record, 8 * (len(record) - 1)))
    length = library.record_burst(byref(request), mask, ids, record, end)
    assert length >= 0, "the record is too small"
    return tuple(decoded_ops(record[:length]))


def _array(kind: type[Any], values: list[int]) -> Any:
    return (kind * len(values))(*values)


def mask_words(cpus: Iterable[int], count: int) -> list[int]:
    """A cpumask of *count* CPUs as the guest has it."""
    words = [0] * ((count + 63) // 64)
    for cpu in cpus:
        words[cpu // 64] |= 1 << cpu % 64
    return words


def decoded_ops(words: list[int]) -> Iterator[Op]:
    """Ops from the encoding of guest/abi.h: kind and count, key, words."""
    remaining = iter(words)
    for head in remaining:
        key = next(remaining)
        yield OPS[head & 0xFF](key, tuple(next(remaining) for _ in range(head >> 8)))


def enumerators(enum: str, folder: Path) -> dict[str, int]:
    """Names of an enum of guest/abi.h, with the values the C compiler gives them."""
    match = re.search(rf"^enum {enum} {{(.*?)^}};", (GUEST / "abi.h").read_text(), re.M | re.S)
    assert match, f"abi.h has no enum {enum}"
    names = re.findall(r"^\t(\w+)", match[1], re.MULTILINE)
    prints = "".join(f'printf("{name} %d\\n", {name});\n' for name in names)
    source = folder / f"{enum}.c"
    source.write_text(
        f'#include <stdio.h>\n#include "abi.h"\nint main(void) {{\n{prints}return 0; }}\n'
    )
    program = built(folder / enum, source)
    out = subprocess.run(
        [program], capture_output=True, check=True, text=True, timeout=DEADLINE_S
    )
    return {name: int(value) for name, value in map(str.split, out.stdout.splitlines())}
