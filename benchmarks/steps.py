"""
How often `pvbench history` finds a step that is none, and how often one that is there.

    python benchmarks/steps.py --histories 500 --seed 202611271500

Histories are simulated: the time of each run differs from that of its level by chance, and
the sessions of `pvbench noise` by as much.  A step counts once the next run has confirmed it.
"""

from __future__ import annotations

import argparse
import math
import random
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final

import attrs

from pvbench.compare.allowance import Allowance, allowance
from pvbench.compare.steps import Step, track
from pvbench.results.rows import Row

_NOISE: Final = 0.01  # the standard deviation of the log of the time of a run
_STEPS: Final = (0.02, 0.03, 0.05, 0.1)
_FACTS: Final = {"series": "wall", "clock": "tsc", "exactness": "noisy"}
_MOST_FALSE: Final = 0.05


@attrs.frozen(kw_only=True)
class Setting:
    """The runs of a history, and the sessions of `pvbench noise` before it."""

    runs: int
    sessions: int


_SETTINGS: Final = tuple(
    Setting(runs=runs, sessions=sessions) for runs in (10, 100) for sessions in (5, 10, 20)
)


def steps(numbers: random.Random, setting: Setting, change: float) -> Sequence[Step]:
    """The steps of one history whose time changes by *change* in its middle run."""
    root = math.sqrt(2)  # of the variances of both runs of a session
    measured = allowance([numbers.gauss(0, _NOISE * root) for _ in range(setting.sessions)])
    rows = [
        Row(
            name="case wall",
            facts=_FACTS,
            boots_s=(_time_s(numbers, change if run >= setting.runs // 2 else 0.0),),
            file=str(run),
        )
        for run in range(setting.runs)
    ]

    def of(before: Row, after: Row) -> Allowance:
        return measured

    return track(rows, of).steps


def _time_s(numbers: random.Random, change: float) -> float:
    return math.exp(math.log1p(change) + numbers.gauss(0, _NOISE)) * 1e-6


def shares(seed: int, setting: Setting, change: float, histories: int) -> tuple[float, float]:
    """The parts of the histories with any confirmed step, and with one at the right run."""
    numbers = random.Random(seed)  # noqa: S311 - not for secrets
    any_step = right = 0
    for _ in range(histories):
        confirmed = [s for s in steps(numbers, setting, change) if s.is_confirmed]
        any_step += bool(confirmed)
        right += any(s.after.file == str(setting.runs // 2) for s in confirmed)
    return any_step / histories, right / histories


def main() -> int:
    """Print the shares of all settings; 1 if false steps are too frequent."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[1])
    parser.add_argument("--histories", type=int, default=500)
    parser.add_argument("--seed", type=int, default=int(f"{datetime.now(UTC):%Y%m%d%H%M}"))
    options = parser.parse_args()
    titles = "".join(f"{100 * step:g} % found".rjust(14) for step in _STEPS)
    print(f"noise of a run {100 * _NOISE:g} %, seed {options.seed}")
    print(f"{'runs':>5}{'sessions':>10}{'false':>8}{titles}")
    largest = 0.0
    for setting in _SETTINGS:
        false, _ = shares(options.seed, setting, 0.0, options.histories)
        largest = max(largest, false)
        rights = [shares(options.seed, setting, step, options.histories)[1] for step in _STEPS]
        texts = "".join(f"{100 * right:12.1f} %" for right in rights)
        print(f"{setting.runs:5}{setting.sessions:10}{100 * false:6.1f} %{texts}")
    spread = 3 * math.sqrt(_MOST_FALSE * (1 - _MOST_FALSE) / options.histories)
    return int(largest > _MOST_FALSE + spread)


if __name__ == "__main__":
    sys.exit(main())
