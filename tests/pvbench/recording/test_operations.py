"""What a host sees of the sends of its guests."""

from __future__ import annotations

import pytest

from pvbench.recording.operations import Operation


@pytest.mark.parametrize(
    ("operation", "vector", "destination"),
    [
        (Operation("icr", (0xFD, 2)), 253, "APIC ID 2"),
        (Operation("icr", (0x8FC, 0x10003)), 252, "logical ID 0x10003"),
        (Operation("icr", (0x440B0, 0xB0)), 176, "self"),
        (Operation("icr", (0xC00FC, 0)), 252, "all but self"),
        (Operation("hypercall", (10, 1, 1 << 63, 1, 0xFC)), 252, "APIC IDs 1, 128"),
        (Operation("hypercall", (10, 0, 0, 0, 0)), 0, "none"),
        (Operation("hypercall", (5, 0, 0, 0, 0)), None, "none"),
        (Operation("hyperv", (0xFB, 6)), 251, "mask 0x6"),
    ],
)
def test_an_operation_names_its_destination(
    operation: Operation, vector: int | None, destination: str
) -> None:
    """A shorthand beats the destination field; hypercall 5 kicks a CPU and sends no IPI."""
    assert (operation.vector, operation.destination) == (vector, destination)
    assert operation.sends == (vector is not None)
