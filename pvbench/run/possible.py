"""Whether a guest can have the bursts of a workload, or the sends of a recording."""

from __future__ import annotations

from typing import Final

from pvbench.guest import Guest, repeated
from pvbench.ops import Burst
from pvbench.workload import MOST_SENDS

_MOST_REPEATS: Final = 1 << 40


def check_sends(sends: tuple[tuple[Burst, int], ...], guest: Guest) -> None:
    """
    Check that the sends of a recording are possible in *guest*.

    Raises:
        ValueError: there are too many, a burst is impossible, or it is sent less than once.
    """
    if not 1 <= len(sends) <= MOST_SENDS:
        raise ValueError(f"its distinct sends are not 1 to {MOST_SENDS}")
    for burst, count in sends:
        check_bursts((burst,), guest)
        if type(count) is not int or not 1 <= count <= _MOST_REPEATS:
            raise ValueError(f"a burst is sent {count} times, not 1 to {_MOST_REPEATS}")


def check_bursts(bursts: tuple[Burst, ...], guest: Guest) -> None:
    """
    Check that a workload's bursts are possible in *guest*.

    Raises:
        ValueError: a burst is not a Burst, names a CPU that does not exist or is offline,
            or has the same source as another one.
    """
    if others := [repr(burst) for burst in bursts if not isinstance(burst, Burst)]:
        raise ValueError(f"it gives {others[0]}, which is not a Burst")
    offline = frozenset(guest.offline)
    for burst in bursts:
        outside = [cpu for cpu in (burst.source, *burst.targets) if cpu not in guest.cpus]
        if outside:
            raise ValueError(f"it names CPU {outside[0]} in a guest of {len(guest.cpus)} CPUs")
        if asleep := sorted(offline.intersection((burst.source, *burst.targets))):
            raise ValueError(f"it names CPU {asleep[0]}, which is offline")
    if sources := repeated(burst.source for burst in bursts):
        raise ValueError(f"it has two bursts from CPU {min(sources)}")
