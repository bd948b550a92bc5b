"""The data in a description of this delivery: the host's limits, and settings of boots."""

from __future__ import annotations

import json
from collections.abc import Iterable
from functools import lru_cache
from typing import Any

import attrs

from pvbench.validators import ints


@attrs.frozen(kw_only=True)
class Limits:
    """
    `Description.limits`: the largest numbers that a host allows.

    Args:
        max_vcpus: vCPUs of a guest.
        max_vcpu_id: the first APIC ID that is too large.
        usable_cpus: host CPUs for vCPUs.
    """

    max_vcpus: int
    max_vcpu_id: int
    usable_cpus: int


def _tuple(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(names)


@attrs.frozen(kw_only=True)
class Settings:
    """
    `Description.worker_data`: how a guest boots.

    Args:
        cpus: host CPUs of the vCPUs; empty for any.
        execution: as in `pvbench.delivery.Options`.
        software: KVM has no hardware virtualization.
        patience_s: how long a guest may make no progress.
        facts: the facts of the description.
        served: ABIs of KVM_HC_SEND_IPI that this KVM serves.
        halt_poll_ns: halt polling of the VM; None for the host's.
        near_exact: slices measure path lengths, see `measure.path_lengths`.
    """

    cpus: tuple[int, ...] = attrs.field(default=(), converter=ints)
    execution: str
    software: bool
    patience_s: float
    facts: dict[str, str | int | float] = attrs.field(factory=dict)
    served: tuple[str, ...] = attrs.field(default=(), converter=_tuple)
    halt_poll_ns: int | None = None
    near_exact: bool = False

    def encoded(self) -> bytes:
        """The settings as worker data; `settings_of` is the inverse."""
        return json.dumps(attrs.asdict(self)).encode()


@lru_cache
def settings_of(worker_data: bytes) -> Settings:
    """The settings that *worker_data* carries."""
    fields: dict[str, Any] = json.loads(worker_data)
    return Settings(**fields)
