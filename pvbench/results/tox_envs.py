"""
Find results by the tox environment that produced them.

A result is stale if the revision or the software has changed since.  Software differs
between environments on purpose, so a result is compared with the software in its own
environment, as long as that exists.
"""

from __future__ import annotations

import os
import sys
from importlib.metadata import distributions
from pathlib import Path

import attrs
import pyperf

from pvbench.errors import UsageError
from pvbench.host import tags
from pvbench.results import schema
from pvbench.results.fact import FactRole
from pvbench.results.files import all_runs, read


@attrs.frozen
class Result:
    """The newest result of one environment, and why it is stale ('' if it is not)."""

    path: Path
    stale: str


def newest(environments: tuple[str, ...]) -> dict[str, Result]:
    """
    The newest result of each environment, in the order they are named.

    Raises:
        UsageError: some have none.
    """
    results: dict[str, Result] = {}
    others: set[str] = set()
    for path in reversed(all_runs()):
        if len(results) == len(set(environments)):
            break
        if path.stat().st_size:
            suite = read(str(path))
            name = str(_facts(suite)[0].get("tox_env", ""))
            if name in environments and name not in results:
                results[name] = Result(path, _stale(suite, name))
            others.add(name)
    if missing := [name for name in environments if name not in results]:
        existing = ", ".join(sorted(others - {""}))
        raise UsageError(
            f"there is no result of {', '.join(missing)} here",
            why=f"there are results of {existing}" if existing else "",
            fix=f"Run tox -e {','.join(missing)} first.",
        )
    return {name: results[name] for name in environments}


def _facts(suite: pyperf.BenchmarkSuite) -> list[dict[str, object]]:
    return [schema.from_metadata(benchmark.get_metadata()) for benchmark in suite]


def _stale(suite: pyperf.BenchmarkSuite, environment: str) -> str:
    """The revision and the software that have changed since; '' if none has."""
    changes = []
    facts = _facts(suite)
    recorded, current = facts[0].get("git"), tags.tags().get("pvbench_git")
    if recorded != current:
        changes.append(
            f"made at revision {recorded or 'unknown'}, this is {current or 'unknown'}"
        )
    used = {
        str(fact.get(key, "")) for fact in facts for key in schema.names(FactRole.UNDER_TEST)
    }
    for distribution, _, version in sorted(text.rpartition(" ") for text in used):
        installed = _installed(distribution, environment) if distribution else None
        if installed and version != installed:
            changes.append(f"made with {distribution} {version}, {installed} is installed")
    return " and ".join(changes)


def _installed(distribution: str, environment: str) -> str | None:
    """The version in the environment; in this one if tox has no such environment."""
    tox = Path(os.environ.get("TOX_WORK_DIR", ".tox"))
    folders = [str(path) for path in (tox / environment).glob("lib/python*/site-packages")]
    versions = (
        installed.version
        for installed in distributions(name=distribution, path=folders or sys.path)
    )
    return next(versions, None)
