"""
The sites `dask:ADDRESS`: boots happen on the workers of a dask.distributed cluster.

A host is a machine, however many workers of the cluster it has.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec

import attrs

from pvbench.errors import UsageError
from pvbench.hookspecs import hookimpl
from pvbench.site import Session, Site, SiteFamily, SiteOptions

pvbench_api = 1

_SUMMARY = "the workers of a dask cluster"
_MISSING = "the package distributed is not installed: pip install 'pvbench[fleet]'"


def _why_unavailable() -> str | None:
    return None if find_spec("distributed") else _MISSING


@attrs.frozen
class DaskSite:
    """The cluster whose scheduler has *address*."""

    address: str
    summary: str = _SUMMARY

    @property
    def name(self) -> str:
        return f"dask:{self.address}"

    def why_unavailable(self) -> str | None:
        return _why_unavailable()

    @contextmanager
    def session(self, options: SiteOptions) -> Iterator[Session]:
        from pvbench_site_dask.session import opened

        with opened(self.address, options) as session:
            yield session


class Dask:
    name = "dask"
    form = "dask:ADDRESS"
    summary = _SUMMARY

    def why_unavailable(self) -> str | None:
        return _why_unavailable()

    def at(self, address: str) -> Site:
        scheme, separator, rest = address.partition("://")
        if not (scheme and separator and rest):
            raise UsageError(
                f"{address!r} is not the address of a scheduler",
                fix="Write dask:tcp://HOST:8786, for example.",
            )
        return DaskSite(address)


@hookimpl
def pvbench_sites() -> list[SiteFamily]:
    return [Dask()]
