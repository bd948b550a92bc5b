"""Scenes, in which trials share boots, and the trials."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import attrs

from pvbench.delivery import TARGET_STATES
from pvbench.guest import Guest
from pvbench.ops import Program, to_rows
from pvbench.trials import Programs
from pvbench.validators import one_of


@attrs.frozen(kw_only=True)
class Scene:
    """
    What trials share a boot by.

    Args:
        guest: its name is that of the scene.
        target_state: what idle CPUs do.
    """

    guest: Guest
    target_state: str = attrs.field(default="halted", validator=one_of(*TARGET_STATES))


def _pairs(programs: Iterable[tuple[int, Program]]) -> Programs:
    return tuple((source, tuple(program)) for source, program in programs)


@attrs.frozen
class Trial:
    """
    Programs that start together.

    Args:
        scene: the name of the scene.
        programs: the number of a source CPU and its ops, for each source.
    """

    scene: str
    programs: Programs = attrs.field(converter=_pairs)

    @property
    def size(self) -> int:
        """The number of ops."""
        return sum(len(program) for _, program in self.programs)

    def row(self) -> list[object]:
        """The trial as JSON data; `stored.trial_of` reads it."""
        return [self.scene, [[source, to_rows(program)] for source, program in self.programs]]


# The guests of outcomes in the first format, which names them only.
FIRST_SCENES: Final = {
    scene.guest.name: scene
    for scene in (
        Scene(guest=Guest(name="x2", apic_ids=range(8))),
        Scene(
            guest=Guest(
                name="x2sparse",
                apic_ids=(
                    *(0, 1, 2, 15, 16, 17, 31, 33, 64),
                    *(127, 128, 200, 254, 255, 256, 300),
                ),
            )
        ),
        Scene(guest=Guest(name="xa", apic_ids=range(8), apic_mode="xapic")),
        Scene(guest=Guest(name="xa12", apic_ids=range(12), apic_mode="xapic")),
        Scene(
            guest=Guest(
                name="xasparse", apic_ids=(0, 3, 5, 16, 33, 200, 254), apic_mode="xapic"
            )
        ),
        Scene(guest=Guest(name="hv", apic_ids=range(8), hypercall_abi="hyperv")),
        Scene(guest=Guest(name="hv70", apic_ids=range(70), hypercall_abi="hyperv")),
        Scene(
            guest=Guest(
                name="hvsparse",
                apic_ids=(0, 5, 16, 33, 64, 200, 255, 300),
                hypercall_abi="hyperv",
            )
        ),
    )
}
