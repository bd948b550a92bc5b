"""The question of a comparison; options that contradict each other are refused."""

from __future__ import annotations

import attrs

from pvbench.compare.axis import NATIVE, OVERLAY, SENDER
from pvbench.compare.margin import Margins, check_limit
from pvbench.errors import UsageError
from pvbench.results import counts
from pvbench.results.rows import HEADLINE

ALL_SERIES = "all"


@attrs.frozen(kw_only=True)
class Question:
    """
    The question of a comparison; without *by* and *beside*, later files against the first.

    Args:
        by: the axis whose values are compared, a choice of the schema.
        beside: show the second file as a prediction of the first.
        baseline: the value of *by* that the others are compared with; None is the first.
        margins: speed ratios this close to 1 are equivalent on a noisy clock.
        fail_above_percent: only a slowdown above this limit is a regression.
        series: the series to compare, of times or of counts, or `ALL_SERIES` of times.
        only_changed: show only the pairs that changed; the exit status is that of all.
        missing_is_inconclusive: a missing case is no regression, as to `git bisect run`,
            which skips a revision that was not measured.

    Raises:
        UsageError: the options contradict each other.
    """

    by: str | None = None
    beside: bool = False
    baseline: str | None = None
    margins: Margins = attrs.field(factory=Margins)
    fail_above_percent: float | None = None
    series: str = HEADLINE
    only_changed: bool = False
    missing_is_inconclusive: bool = False

    def __attrs_post_init__(self) -> None:
        check_limit(self.fail_above_percent)
        if self.beside and (self.only_changed or self.fail_above_percent is not None):
            raise UsageError(
                "--beside gives no verdicts, so --only and --fail-above cannot apply",
                fix="Leave one of them out.",
            )
        if self.is_count and (self.beside or self.fail_above_percent is not None):
            raise UsageError(
                f"{self.series} are counts, so --beside and --fail-above, which are about "
                "times, cannot apply",
                fix="Leave one of them out.",
            )
        if self.baseline and not self.by:
            raise UsageError("--baseline needs --by", fix="Give --by sender, for example.")

    @property
    def is_count(self) -> bool:
        """Whether counts are compared, which have no verdict."""
        return self.series in counts.SERIES

    @property
    def axis(self) -> str | None:
        """The axis that is compared: ``native`` as the baseline of a sender is its driver."""
        is_beside_driver = self.by == SENDER and self.baseline == NATIVE
        return OVERLAY if is_beside_driver else self.by

    @property
    def files_needed(self) -> int:
        """The least number of files."""
        return 1 if self.by else 2

    @property
    def across_files(self) -> bool:
        """Whether later files are compared with the first."""
        return not (self.by or self.beside)
