"""
A random sample of the sends of a recording, for machines that execute them one by one.

The sends are divided into strata by what their time depends on.  Of each stratum some are
drawn without replacement, and stand for all of it.
"""

from __future__ import annotations

import random
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import accumulate
from typing import Final, NamedTuple

from pvbench.guest import Guest
from pvbench.kvm_overlay import pv_windows
from pvbench.linux_era import LinuxEra
from pvbench.ops import Burst
from pvbench.text import counted
from pvbench.workload import Drawn
from pvbench.x86.apic import x2apic_logical_id

_FEWEST: Final = 2  # drawn of each stratum, as far as it has them: one has no spread
_WINDOW: Final = 128  # APIC IDs of a PV IPI on 64 bits, see plugins/pvbench_send_kvm_pv.py
Send = tuple[Burst, int]


class Stratum(NamedTuple):
    """
    What the time of a send depends on.

    Args:
        called: it is for a function call, so that Linux queues a call for each target.
        bits: of the number of targets less one: 2 for 3 and 4 targets.
        windows: PV windows that hold its targets.
        clusters: x2APIC clusters of its targets.
    """

    called: bool
    bits: int
    windows: int
    clusters: int

    def __str__(self) -> str:
        most = 1 << self.bits
        few = most // 2 + 1
        noun = "call" if self.called else "reschedule"
        targets = "1 CPU" if most == 1 else f"{few} to {most} CPUs" if few < most else "2 CPUs"
        windows = counted(self.windows, "window")
        return f"{noun} to {targets}, {windows}, {counted(self.clusters, 'cluster')}"


def stratum_of(burst: Burst, guest: Guest) -> Stratum:
    """The stratum of a send in *guest*."""
    ids = [guest.apic_ids[cpu] for cpu in burst.targets]
    return Stratum(
        called=burst.protocol == "csd",
        bits=(len(ids) - 1).bit_length(),
        windows=len(pv_windows(ids, _WINDOW, LinuxEra())),
        clusters=len({x2apic_logical_id(apic_id) >> 16 for apic_id in ids}),
    )


def sample_of(
    sends: Iterable[Send], guest: Guest, size: int, seed: int
) -> list[tuple[Send, Drawn]]:
    """
    About *size* of *sends*, drawn at random, each with the number of sends it stands for.

    All strata together get so many, at least two of each and otherwise in the ratio of
    their interrupts.  The numbers add up to that of all sends.
    """
    strata: dict[Stratum, list[Send]] = {}
    for burst, count in sends:
        strata.setdefault(stratum_of(burst, guest), []).append((burst, count))
    sizes = _sizes(strata, size)
    drawing = random.Random(seed)  # noqa: S311 - a reproducible choice, not a secret
    return [
        pair
        for stratum in sorted(strata)
        for pair in _drawn(stratum, strata[stratum], sizes[stratum], drawing)
    ]


def _sizes(strata: Mapping[Stratum, Sequence[Send]], size: int) -> dict[Stratum, int]:
    """How many sends are drawn of each stratum."""
    interrupts = {
        stratum: sum(count * len(burst.targets) for burst, count in sends)
        for stratum, sends in strata.items()
    }
    whole = sum(interrupts.values())
    return {
        stratum: min(
            sum(count for _, count in sends),
            max(_FEWEST, round(size * interrupts[stratum] / whole)),
        )
        for stratum, sends in strata.items()
    }


def _drawn(
    stratum: Stratum, sends: Sequence[Send], size: int, drawing: random.Random
) -> Iterable[tuple[Send, Drawn]]:
    ends = [*accumulate(count for _, count in sends)]
    places = drawing.sample(range(ends[-1]), size)
    numbers = [bisect_right(ends, place) for place in places]
    weights: Counter[int] = Counter()
    for turn, number in enumerate(numbers):  # those drawn first stand for the remainder
        weights[number] += ends[-1] // size + (turn < ends[-1] % size)
    times = Counter(numbers)
    for number in sorted(times):
        how = Drawn(stratum=str(stratum), sends=ends[-1], drawn=size, times=times[number])
        yield (sends[number][0], weights[number]), how
