"""
Read the entry points of all plugins without importing them.

This module imports nothing heavy, because `--help` needs it.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from importlib.metadata import Distribution, EntryPoint, distributions
from typing import Final, NamedTuple

from pvbench.text import printable

GROUP: Final = "pvbench"
BUNDLE: Final = "pvbench"  # the distribution of the bundled plugins
COMMAND_PREFIX: Final = "command-"
FORMAT_PREFIX: Final = "format-"
BENCHMARK_PREFIX: Final = "benchmark-"
AUTOLOAD_OFF: Final = "PVBENCH_DISABLE_PLUGIN_AUTOLOAD"


class Candidate(NamedTuple):
    """An entry point, and the distribution and version it belongs to."""

    point: EntryPoint
    distribution: str
    version: str

    def brings(self, prefix: str) -> str:
        """The name after *prefix* in that of the entry point; empty if it begins otherwise."""
        match = re.fullmatch(prefix + r"([a-z0-9][a-z0-9-]*)", self.point.name)
        return match[1] if match else ""


def candidates(*, own_only: bool = False) -> list[Candidate]:
    """
    All plugins, bundled ones first, then by distribution and name.

    Args:
        own_only: the bundled plugins only, which is also what the environment can ask for.
    """
    own_only = own_only or bool(os.environ.get(AUTOLOAD_OFF))
    plugins = sorted(_installed(), key=_bundled_first)
    return [plugin for plugin in plugins if plugin.distribution == BUNDLE or not own_only]


def bringing(prefix: str) -> dict[str, Candidate]:
    """
    The plugins whose entry points begin with *prefix*, by the rest of the name.

    The first one of a name counts.
    """
    plugins = {plugin.brings(prefix): plugin for plugin in reversed(candidates())}
    return {name: plugins[name] for name in sorted(plugins) if name}


def _installed() -> Iterator[Candidate]:
    """Entry points of the first distribution of each name; a path may be listed twice."""
    names = set()
    for distribution in distributions():
        points = _points(distribution)
        name, version = _identity(distribution) if points else ("", "")
        if name and (key := re.sub(r"[-_.]+", "-", name).lower()) not in names:
            names.add(key)
            yield from (Candidate(point, name, version) for point in points)


def _points(distribution: Distribution) -> list[EntryPoint]:
    try:
        return [point for point in distribution.entry_points if point.group == GROUP]
    except Exception:  # the file of any distribution may be damaged
        return []


def _identity(distribution: Distribution) -> tuple[str, str]:
    """Name and version; ``?`` for those of a half-removed distribution."""
    try:
        metadata = distribution.metadata
        return printable(metadata["Name"] or "?"), printable(metadata["Version"] or "?")
    except Exception:  # no metadata at all
        return "?", "?"


def _bundled_first(plugin: Candidate) -> tuple[bool, str, str]:
    return plugin.distribution != BUNDLE, plugin.distribution, plugin.point.name
