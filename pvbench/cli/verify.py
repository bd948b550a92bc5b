"""
Compare the decoder with what a real KVM does with raw programs.

With --judge, outcomes that are stored in files are judged with the decoder of today; no
guest is booted.  Without a disagreement the exit status is 0, else 6.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from pvbench.cli import common
from pvbench.errors import Status

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pvbench.verify.judge import Judgement

HELP = "compare the decoder with what a real KVM does"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Options of `pvbench verify`."""
    parser.add_argument(
        "--judge",
        nargs="+",
        required=True,
        metavar="FILE",
        help="judge the outcomes stored in these files",
    )
    common.output_options(parser)


def execute(options: argparse.Namespace) -> Status:
    """Judge, print a row for each file, and the smallest disagreement."""
    from pvbench.verify import stored
    from pvbench.verify.judge import judge

    judgements = [(name, judge(stored.read(Path(name)))) for name in options.judge]
    return _shown(judgements, options)


def _shown(judgements: Sequence[tuple[str, Judgement]], options: argparse.Namespace) -> Status:
    from pvbench.report import verify

    common.show(verify.document(judgements), options)
    disagree = any(judgement.disagreements for _, judgement in judgements)
    return Status.PROOF if disagree else Status.OK
