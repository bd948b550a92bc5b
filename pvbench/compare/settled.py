"""Whether a run that goes on until it is settled may stop."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import attrs

from pvbench.compare.looks import looks
from pvbench.compare.question import Question
from pvbench.compare.reading import noisy_pairs
from pvbench.results.statistic import MEDIAN


@attrs.frozen(kw_only=True)
class Looks:
    """
    The looks at one run or at the sides of `pvbench ab`.

    Args:
        paths: the result files.
        question: the comparison whose pairs are to be decided.
        max_boots: the boots of the last look; it fixes all looks beforehand.
    """

    paths: Sequence[Path]
    question: Question
    max_boots: int
    statistic: str = MEDIAN

    def settled_after(self, boots: int) -> bool:
        """Whether this is a look, and every pair has a verdict."""
        if boots not in looks(self.max_boots):
            return False
        pairs = noisy_pairs(self.paths, self.question, self.statistic)
        return bool(pairs) and all(pair.verdict != "inconclusive" for pair in pairs)
