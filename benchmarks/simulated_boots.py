"""
Simulated boots: noise of many kinds, and disturbances that boots and runs share.

Every array has logarithms of times, a row for each boot and a column for each pair.
"""

from __future__ import annotations

from collections.abc import Callable

import attrs
import numpy as np
import numpy.typing as npt

from pvbench.compare.allowance import Allowance, allowance
from pvbench.compare.statistics import Interleaved, NotInterleaved
from pvbench.run.schedule import order, turns

F64 = npt.NDArray[np.float64]
Random = np.random.Generator
Shape = tuple[int, int]
SPREAD = 0.02  # standard deviation of the log ratio of normal boots
SESSIONS = 10
SLICES = 4


@attrs.frozen(eq=False)
class Boots:
    """The boots of both sides of some pairs; *differ* is the true log ratio of each pair."""

    before: F64
    after: F64
    differ: F64

    def differing(self, differ: F64) -> Boots:
        """The same boots where the later side is faster by a log ratio."""
        return Boots(self.before, self.after - differ, differ)

    def first(self, boots: int) -> Boots:
        """The boots that were measured first."""
        return Boots(self.before[:boots], self.after[:boots], self.differ)

    def interleaved(self, margin: float) -> list[Interleaved]:
        """Boots that were measured together."""
        return [
            Interleaved(
                before_s=dict(enumerate(map(float, one))),
                after_s=dict(enumerate(map(float, other))),
                margin=margin,
            )
            for one, other in self.seconds()
        ]

    def one_by_one(self, allowances: list[Allowance | None]) -> list[NotInterleaved]:
        """Runs that were made one after the other."""
        return [
            NotInterleaved(
                before_s=one.tolist(), after_s=other.tolist(), margin=0, allowance=each
            )
            for (one, other), each in zip(self.seconds(), allowances, strict=True)
        ]

    def seconds(self) -> list[tuple[F64, F64]]:
        """The times of both sides of each pair."""
        sides = (np.exp(side).T * 1e-6 for side in (self.before, self.after))
        return list(zip(*sides, strict=True))


def equal(before: F64, after: F64) -> Boots:
    """Sides that do not differ."""
    return Boots(before, after, np.zeros(after.shape[1]))


# noise of one side


def normal(random: Random, shape: Shape) -> F64:
    """The log ratio of two such sides has a standard deviation of `SPREAD`."""
    return random.normal(0, SPREAD / np.sqrt(2), shape)


def heavy_tailed(random: Random, shape: Shape) -> F64:
    """Student's t with two degrees of freedom: the variance is infinite."""
    return 0.01 * random.standard_t(2, shape)


def bimodal(random: Random, shape: Shape) -> F64:
    """Every fifth boot takes 10 % longer."""
    return 0.1 * (random.random(shape) < 0.2) + random.normal(0, 0.005, shape)


def skewed(random: Random, shape: Shape) -> F64:
    """Exponential noise."""
    return random.exponential(0.03, shape)


def in_ticks(percent: int) -> Callable[[Random, Shape], F64]:
    """Normal noise of 3 % under a clock whose step is *percent* of the time."""

    def noise(random: Random, shape: Shape) -> F64:
        step = percent / 100
        return np.log(np.round(random.normal(1, 0.03, shape) / step) * step)

    return noise


def constant(random: Random, shape: Shape) -> F64:
    """No noise at all."""
    return np.zeros(shape)


NOISES: dict[str, Callable[[Random, Shape], F64]] = {
    "normal": normal,
    "heavy-tailed": heavy_tailed,
    "bimodal": bimodal,
    "skewed": skewed,
    "clock steps of 2 %": in_ticks(2),
    "clock steps of 5 %": in_ticks(5),
    "constant": constant,
}


def pairs_of(kind: str, random: Random, shape: Shape) -> Boots:
    """Equal sides with noise of a *kind*."""
    if kind == "unequal spread":
        return equal(random.normal(0, 0.05, shape), random.normal(0, 0.005, shape))
    noise = NOISES[kind.removesuffix(", one baseline")]
    boots, _ = shape
    before = noise(random, (boots, 1) if kind.endswith(", one baseline") else shape)
    return equal(np.broadcast_to(before, shape), noise(random, shape))


# what boots share


def levels(kind: str, random: Random, boots: int) -> F64:
    """The deviation of the machine in each of some boots, one after the other."""
    if kind == "drift of 5 %":
        return np.linspace(0, 0.05, boots)
    if kind == "steps of 3 %":
        return random.choice([0.0, 0.03], boots)
    memory = float(kind.removeprefix("AR(1) "))
    level = np.empty(boots)
    level[0] = random.normal(0, 0.03)
    for boot in range(1, boots):
        innovation = random.normal(0, 0.03 * np.sqrt(1 - memory**2))
        level[boot] = memory * level[boot - 1] + innovation
    return level


def shared(kind: str, random: Random, shape: Shape) -> Boots:
    """Both sides of a boot have the same deviation."""
    level = levels(kind, random, shape[0])[:, None]
    return equal(level + normal(random, shape), level + normal(random, shape))


def adjacent(kind: str, random: Random, shape: Shape) -> Boots:
    """The sides have boots of their own, in pairs; a coin decides which comes first."""
    boots, _ = shape
    level = levels(kind, random, 2 * boots).reshape(boots, 2)
    level = random.permuted(level, axis=1)
    return equal(level[:, :1] + normal(random, shape), level[:, 1:] + normal(random, shape))


def ramp(kind: str, random: Random, shape: Shape) -> Boots:
    """Cases of one boot that gets slower by 2 %; the first case is the baseline of all."""
    boots, pairs = shape
    seed, cases = int(random.integers(1 << 32)), pairs + 1
    values = np.empty((boots, cases))
    part = np.arange(cases * SLICES) / (cases * SLICES)
    slope = 0.02 * (part if kind == "ramp of 2 %" else np.exp(-part / 0.1))
    for boot in range(boots):
        slices = slope + random.normal(0, 0.01, len(slope))
        by_case = np.argsort(turns(order(seed, boot, cases), SLICES), kind="stable")
        values[boot] = np.median(slices[by_case].reshape(cases, SLICES), axis=1)
    return equal(np.broadcast_to(values[:, :1], shape), values[:, 1:])


# whole runs


def run_pair(kind: str, random: Random, shape: Shape) -> Boots:
    """Two runs, one after the other."""
    boots, _ = shape
    if kind == "steps of 3 %":
        level = np.repeat(levels(kind, random, 2), boots)[:, None]
    else:
        level = levels(kind, random, 2 * boots)[:, None]
    return equal(level[:boots] + normal(random, shape), level[boots:] + normal(random, shape))


def allowances(kind: str, random: Random, shape: Shape) -> list[Allowance]:
    """The allowance of each pair after `SESSIONS` pairs of equal runs."""
    sessions = [run_pair(kind, random, shape) for _ in range(SESSIONS)]
    log_ratios = [each.before.mean(axis=0) - each.after.mean(axis=0) for each in sessions]
    return [allowance(list(of_pair)) for of_pair in np.transpose(log_ratios)]
