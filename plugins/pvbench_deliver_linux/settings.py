"""The data in a description of this delivery: what its guests boot with."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any, Final

import attrs

from pvbench.validators import ints

# The parameters of KVM with which an ICR write of a guest need not exit.
_EXITLESS: Final = (
    ("kvm_amd.avic",),
    ("kvm_intel.enable_apicv", "kvm_intel.enable_ipiv"),
)
_ON: Final = ("Y", "1")


def _words(words: Iterable[str]) -> tuple[str, ...]:
    return tuple(words)


@attrs.frozen(kw_only=True)
class Files:
    """
    What a guest is made of.

    Args:
        command: the words that start QEMU.
        kernels: the path of an image by the version of Linux, ``6.12``.
    """

    command: tuple[str, ...] = attrs.field(converter=_words)
    kernels: dict[str, str]


@attrs.frozen(kw_only=True)
class Settings:
    """
    `Description.worker_data`: how a guest boots.

    Args:
        files: what it is made of; None if nothing was to be prepared.
        cpus: host CPUs for its vCPUs.
        hides_icr_writes: an ICR write need not exit on this host.
    """

    files: Files | None
    cpus: tuple[int, ...] = attrs.field(converter=ints)
    hides_icr_writes: bool

    def encoded(self) -> bytes:
        """The settings as worker data; `settings_of` is the inverse."""
        return json.dumps(attrs.asdict(self)).encode()


def settings_of(worker_data: bytes) -> Settings:
    """The settings that *worker_data* carries."""
    fields: dict[str, Any] = json.loads(worker_data)
    files = fields.pop("files")
    return Settings(**fields, files=Files(**files) if files else None)


def hides_icr_writes(facts: Mapping[str, str]) -> bool:
    """Whether an ICR write of a guest need not exit on a host with *facts*."""
    return any(all(facts.get(name) in _ON for name in names) for names in _EXITLESS)
