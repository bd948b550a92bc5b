"""The stacks that a suite and the user's selection name, in one guest with one kernel."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from pvbench.errors import UsageError
from pvbench.plugin.registry import Registry
from pvbench.sender import Driver, Stack

NATIVE: Final = "native"


def stacks_of(
    senders: Sequence[str], drivers: Sequence[str], registry: Registry, native: Driver | None
) -> list[Stack]:
    """
    Return the stacks of *senders* over *drivers*, each once.

    Args:
        senders: overlays, drivers, ``overlay/driver``, or ``native`` for the drivers.
        registry: the plugins.
        drivers: those below the overlays; ``native`` is the one that the kernel chooses.
        native: that one; None if no plugin offers it.

    Raises:
        UsageError: something is not a driver, or no plugin offers it.
    """
    below = [_driver(name, registry, native) for name in drivers]
    stacks = [stack for name in senders for stack in _named(name, below, registry)]
    return list(dict.fromkeys(stacks))


def _driver(name: str, registry: Registry, native: Driver | None) -> Driver:
    if name == NATIVE and native:
        return native
    if name == NATIVE:
        raise UsageError("no plugin offers the kernel's native driver", fix="Name a --driver.")
    if name in registry.overlays:
        raise UsageError(
            f"{name!r} is not a driver",
            why="it is an overlay",
            fix="Give overlays to --sender, or to the overlays of a suite.",
        )
    return registry.stack(name).driver


def _named(name: str, drivers: list[Driver], registry: Registry) -> list[Stack]:
    """The stacks that *name* means over *drivers*."""
    if name == NATIVE:
        return [Stack(driver) for driver in drivers]
    if "/" in name or name in registry.drivers:
        return [registry.stack(name)]
    overlay = registry.get("sender", name)
    return [Stack(driver, overlay) for driver in drivers]
