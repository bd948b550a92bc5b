"""The plan that `pvbench run --dry-run` prints."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from pvbench.cli import common
from pvbench.errors import Status

if TYPE_CHECKING:
    from pvbench.run.request import PreparedRun


def print_plan(prepared: PreparedRun, options: argparse.Namespace) -> Status:
    """Print the cases with their planned outcomes, and the number of boots."""
    from pvbench.report.plan import document

    if any(setting.description.probes is None for setting in prepared.settings):
        print(
            f"pvbench: {prepared.delivery} is not probed: a case may not work there",
            file=sys.stderr,
        )
    plan, suite = prepared.plan, prepared.request.suite.name
    common.show(document(suite, plan.cases, plan.refused, len(plan.boots)), options)
    return Status.OK if plan.boots else Status.NOTHING_MEASURED
