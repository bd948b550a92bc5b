"""
How often verdicts on path lengths are false, and which differences are found.

    pvbench run norov --site lab:6.12 --delivery kvm --vcpus 2,8 --boots 12 --fast
        --sender native,kvm-pv,hyperv-ipi -o boots.json
    python benchmarks/path_lengths.py boots.json

The boots of one kernel are drawn into two sides, without replacement, as if two kernels
had made them: their start times have nothing to do with each other.  Then the paths of one
side are made longer by a percentage.  A row has, in percent of all draws of all series
`wall` that send IPIs, the verdicts `longer` or `shorter`, and `equivalent`.
"""

from __future__ import annotations

import argparse
import random
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Final

from tabulate import tabulate

from pvbench.compare import path_length
from pvbench.results import files
from pvbench.results.rows import HEADLINE, rows

_DRAWS: Final = 400  # of each series
_PAIRS: Final = (2, 6)
_PERCENTS: Final = (0.0, 0.3, 0.6, 1.0)
_HEADS: Final = ("pairs of boots", "longer by %", "a difference", "equivalent")
_DIFFERENCES: Final = {path_length.LONGER, path_length.SHORTER}


def main() -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("file", help="results of a lab with many boots of each guest")
    parser.add_argument("--seed", type=int, default=202611270420)
    options = parser.parse_args()
    series = list(series_of(options.file))
    longest = max(map(max, map(ratios, series)))
    print(f"{len(series)} series, whose boots are up to {100 * (longest - 1):.2f} % apart")
    print(tabulate(list(table(series, options.seed)), headers=_HEADS))
    return 0


def series_of(name: str) -> Iterator[tuple[float, ...]]:
    """The path length in each boot, for each series `wall` of a case that sends IPIs."""
    for row in rows(files.read(name)):
        if row.fact("series") == HEADLINE and row.fact("targets"):
            yield row.boots_s


def ratios(boots_s: Sequence[float]) -> tuple[float, ...]:
    """Each boot divided by the shortest."""
    return tuple(boot_s / min(boots_s) for boot_s in boots_s)


def table(
    series: Sequence[tuple[float, ...]], seed: int
) -> Iterator[tuple[int, float, str, str]]:
    """A row for each number of pairs and each difference."""
    for pairs in _PAIRS:
        enough = [boots_s for boots_s in series if len(boots_s) >= 2 * pairs]
        for percent in _PERCENTS if enough else ():
            verdicts = drawn(enough, pairs, percent, random.Random(seed))  # noqa: S311
            differences = sum(verdicts[name] for name in _DIFFERENCES)
            equivalent = _share(verdicts["equivalent"], verdicts)
            yield pairs, percent, _share(differences, verdicts), equivalent


def _share(count: int, verdicts: Counter[str]) -> str:
    return f"{100 * count / verdicts.total():.2f}"


def drawn(
    series: Sequence[Sequence[float]], pairs: int, percent: float, generator: random.Random
) -> Counter[str]:
    """The verdicts on draws of each series."""
    return Counter(
        verdict(boots_s, pairs, percent, generator) for boots_s in series for _ in range(_DRAWS)
    )


def verdict(
    boots_s: Sequence[float], pairs: int, percent: float, generator: random.Random
) -> str:
    """The verdict on two sides of *pairs* boots each, one of which is longer by *percent*."""
    sample = generator.sample(boots_s, 2 * pairs)
    before, after = sample[:pairs], sample[pairs:]
    return path_length.verdict(
        [a / b * (1 + percent / 100) for b, a in zip(before, after, strict=True)]
    )


if __name__ == "__main__":
    sys.exit(main())
