"""What the overlays of KVM's hypercall ask of the sender that an author writes."""

from __future__ import annotations

from typing import Any

import pytest

from pvbench import KvmOverlay, Scan, check_sender


class Scanning(KvmOverlay):
    """A sender that takes `calls` for a callback."""

    name = "scanning"
    summary = "yields an op among the arguments of its hypercalls"
    hypercall_abi = "kvm"

    def calls(self, apic_ids: list[int], icr: int, bits: int) -> Any:
        """Yield arguments and an op."""
        yield 1, 0, apic_ids[0], icr
        yield Scan(4)


def test_an_op_among_the_arguments_of_hypercalls_is_named() -> None:
    """The message says which method yields ops."""
    reason = r"calls\(\) yields Scan\(cpus=4\), not a tuple .* by send_IPI_mask\(\)"

    with pytest.raises(AssertionError, match=reason):
        check_sender(Scanning())
