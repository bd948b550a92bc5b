"""Whether a run that goes on until it is settled may stop."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import attrs

from pvbench.compare import comparison, reading
from pvbench.compare.comparison import Question
from pvbench.compare.looks import looks
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
        if boots not in looks(self.max_boots) or not all(map(Path.exists, self.paths)):
            return False
        files = reading.read_rows([str(path) for path in self.paths], self.statistic)
        pairs = comparison.compare(files, self.question).noisy
        return bool(pairs) and all(pair.verdict != "inconclusive" for pair in pairs)
