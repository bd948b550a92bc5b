"""Counters by CPU number."""

from __future__ import annotations

from typing import Final

import numpy as np

from pvbench_deliver_model.arrays import I64


class Tally:
    """A counter for each CPU; adding is fast because the sum is computed later."""

    _BATCH: Final = 256

    def __init__(self, count: int) -> None:
        self._sum = np.zeros(count, np.int64)
        self._pending: list[I64] = []

    def add(self, cpus: I64) -> None:
        """Count each of *cpus* once more."""
        self._pending.append(cpus)
        if len(self._pending) > self._BATCH:
            self._sum_up()

    def tolist(self) -> list[int]:
        """Return the counts by CPU number."""
        self._sum_up()
        return self._sum.tolist()

    def _sum_up(self) -> None:
        if self._pending:
            cpus = np.concatenate(self._pending)
            self._sum += np.bincount(cpus, minlength=len(self._sum))
            self._pending.clear()
