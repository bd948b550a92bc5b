"""Programs of `pvbench verify` on a KVM that can hang its machine."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from pvbench.errors import UsageError

if TYPE_CHECKING:
    from pvbench.verify.place import Place
    from pvbench.verify.trials import Trial

OPTION: Final = "--i-may-lose-this-machine"
_MOST: Final = 300  # programs


def is_at_risk(place: Place) -> bool:
    """Whether programs can hang the machine: its KVM emulates guests in the kernel."""
    software = place.description.host.get("virtualization", "").startswith("software")
    return software and not place.description.clock.is_exact


def check(options: argparse.Namespace, trials: Sequence[Trial]) -> None:
    """
    Refuse what may hang the machine.

    Raises:
        UsageError: the user does not accept the risk, or a program does too much.
    """
    from pvbench.verify.generator import SCENES
    from pvbench.verify.risk import is_tame

    if not options.at_risk:
        raise UsageError(
            "this KVM has no hardware virtualization, and programs can hang the machine",
            fix=f"Use another --site, or add {OPTION}.",
        )
    if (len(trials) or options.count) > _MOST:
        raise UsageError(f"with {OPTION} --count is at most {_MOST}")
    if not all(is_tame(trial, SCENES[trial.scene]) for trial in trials):
        raise UsageError(
            "--program may hang the machine",
            why="it does more than write APIC registers of one CPU, with halted targets",
            fix="Use another --site.",
        )
