"""
Results by the tox environment they were made in.

A result is stale if the revision or the software it was made with is not what is
here now.
"""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import attrs
import pyperf

from pvbench import machine
from pvbench.errors import UsageError
from pvbench.results import all_runs, read


@attrs.frozen
class Found:
    """The newest result of one environment, and why it is stale ('' if it is not)."""

    path: Path
    stale: str


def newest(environments: tuple[str, ...]) -> dict[str, Found]:
    """
    The newest result of each environment, in the order they are named.

    Raises:
        UsageError: some have none.
    """
    found: dict[str, Found] = {}
    for path in reversed(all_runs()):
        if len(found) == len(set(environments)):
            break
        if path.stat().st_size:
            metadata = _facts(read(str(path)))
            name = str(metadata.get("pvbench_tox_env"))
            if name in environments and name not in found:
                found[name] = Found(path, _stale(metadata))
    if missing := [name for name in environments if name not in found]:
        raise UsageError(
            f"there is no result of {', '.join(missing)} here",
            fix=f"Run tox -e {','.join(missing)} first.",
        )
    return {name: found[name] for name in environments}


def _facts(suite: pyperf.BenchmarkSuite) -> dict[str, object]:
    return dict(next(iter(suite)).get_metadata())


def _stale(metadata: dict[str, object]) -> str:
    """What has changed since."""
    told = []
    here = machine.tags().get("pvbench_git")
    if metadata.get("pvbench_git") != here:
        told.append(f"made at revision {metadata.get('pvbench_git')}, this is {here}")
    for key in ("pvbench_sender_plugin", "pvbench_delivery_plugin"):
        distribution, _, made_with = str(metadata.get(key, "")).rpartition(" ")
        installed = _installed(distribution)
        if distribution and installed and made_with != installed:
            told.append(f"made with {distribution} {made_with}, {installed} is installed")
    return " and ".join(dict.fromkeys(told))


def _installed(distribution: str) -> str | None:
    try:
        return version(distribution)
    except PackageNotFoundError:  # only in the environment it was made in
        return None
