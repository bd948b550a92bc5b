"""The plan that `pvbench run --dry-run` prints."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from pvbench.cli import common
from pvbench.errors import Status

if TYPE_CHECKING:
    from pvbench.report.document import Document
    from pvbench.run.request import PreparedRun


def print_plan(prepared: PreparedRun, options: argparse.Namespace) -> Status:
    """Print the cases with their planned outcomes, and the number of boots."""
    if any(setting.description.probes is None for setting in prepared.settings):
        print(
            f"pvbench: {prepared.delivery} is not probed: a case may not work there",
            file=sys.stderr,
        )
    common.show(_plan(prepared), options)
    return Status.OK if prepared.plan.boots else Status.NOTHING_MEASURED


def _plan(prepared: PreparedRun) -> Document:
    """The cases with their planned outcomes, and the number of boots."""
    from pvbench.report.document import Document, Paragraph, Role, facts, table_of_records
    from pvbench.text import counted

    cases, boots = _planned(prepared), len(prepared.plan.boots)
    roles = {"case": Role.PROSE, "outcome": Role.CONDITION, "reason": Role.PROSE}
    return Document(
        [
            facts({"boots": boots}, shown=False),
            table_of_records(cases, roles=roles, name="cases"),
            Paragraph(f"{counted(len(cases), 'case')}, {counted(boots, 'boot')}"),
        ]
    )


def _planned(prepared: PreparedRun) -> list[dict[str, str]]:
    """The planned outcome of each case; cases whose plugins are missing come first."""
    from pvbench.results.schema import case_name

    plan = prepared.plan
    names = dict.fromkeys(map(case_name, plan.cases))
    missing = [name for name in plan.refused if name not in names]
    return [
        {
            "case": name,
            "outcome": o.kind if o else "planned",
            "reason": o.reason if o else "",
        }
        for name in (*missing, *names)
        for o in [plan.refused.get(name)]
    ]
