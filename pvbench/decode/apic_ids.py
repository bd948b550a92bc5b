"""From APIC IDs to CPU numbers, as a hypervisor looks up the destinations of a send."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Final

import numpy as np
import numpy.typing as npt

Cpus = npt.NDArray[np.int64]

_TABLE_IDS: Final = 1 << 20  # with IDs below this, a table is faster than a search


@lru_cache(maxsize=8)  # the senders of a run are decoded in few guests
def look_up_table(
    apic_ids: tuple[int, ...],
) -> Callable[[Cpus], tuple[Cpus, npt.NDArray[np.bool_] | None]]:
    """Make a function from APIC IDs to CPU numbers and a mask of existing IDs, or None."""
    ids = np.array(apic_ids, np.int64)
    highest = int(ids.max())
    if highest >= _TABLE_IDS:
        return _binary_search(ids)
    table = np.full(highest + 1, -1, np.int64)
    table[ids] = np.arange(len(ids))
    full = len(ids) == len(table)

    def look_up(apic_ids: Cpus) -> tuple[Cpus, npt.NDArray[np.bool_] | None]:
        try:
            cpus = table.take(apic_ids)
        except IndexError:  # an ID above the highest
            inside = apic_ids <= highest
            cpus = np.where(inside, table.take(apic_ids, mode="clip"), -1)
        else:
            if full:
                return cpus, None
        exist = cpus >= 0
        return cpus[exist], exist

    return look_up


def _binary_search(
    ids: Cpus,
) -> Callable[[Cpus], tuple[Cpus, npt.NDArray[np.bool_] | None]]:
    cpu_of = ids.argsort(kind="stable")
    ascending = ids[cpu_of]

    def look_up(apic_ids: Cpus) -> tuple[Cpus, npt.NDArray[np.bool_] | None]:
        index = ascending.searchsorted(apic_ids).clip(max=len(ascending) - 1)
        exist = ascending[index] == apic_ids
        return cpu_of[index[exist]], exist

    return look_up
