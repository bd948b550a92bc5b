"""The exit status that another program expects, with --exit."""

from __future__ import annotations

import argparse
import itertools
from collections.abc import Sequence
from typing import Final

from pvbench.errors import Status

BISECT: Final = "bisect"
OPTION: Final = "--exit"
_SKIP: Final = 125  # `git bisect run` skips the revision
_ABORT: Final = 128  # it ends the bisection
_OF_STATUS: Final[dict[int, int]] = {
    Status.OK: 0,
    Status.REGRESSION: 1,
    Status.INCONCLUSIVE: _SKIP,
    Status.NOTHING_MEASURED: _SKIP,
}


def option(parser: argparse.ArgumentParser) -> None:
    """Add --exit."""
    parser.add_argument(
        OPTION,
        choices=(BISECT,),
        help="end as `git bisect run` expects: 0 good, 1 bad, 125 skip, 128 and more abort",
    )


def is_for_bisect(words: Sequence[str]) -> bool:
    """Whether a command line, which may be wrong, asks for statuses of `git bisect run`."""
    pairs = itertools.pairwise(words)
    return f"{OPTION}={BISECT}" in words or (OPTION, BISECT) in pairs


def for_bisect(status: int) -> int:
    """
    The status for `git bisect run`.

    It skips a revision without an answer.  It ends the bisection at an error, which says
    nothing about the revision.
    """
    if status >= _ABORT:  # a signal
        return status
    return _OF_STATUS.get(status, _ABORT + status)
