"""What differs between kernels: properties of a KVM, which are found by probing."""

from __future__ import annotations

import attrs


@attrs.frozen(kw_only=True)
class Era:
    """
    The properties of a KVM that change the effect of an op.

    Args:
        x2apic_icr_reserved_bits_gp: an x2APIC ICR write with a reserved bit raises #GP;
            otherwise the bit is ignored.
        self_ipi_high_bits_gp: a SELF IPI write with one of the bits 63:32 raises #GP;
            otherwise these bits are ignored.
    """

    x2apic_icr_reserved_bits_gp: bool = True
    self_ipi_high_bits_gp: bool = True
