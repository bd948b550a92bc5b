"""The machine itself: a worker is a child process of the run."""

from __future__ import annotations

import sys

from pvbench.hookspecs import hookimpl
from pvbench.site import Site

pvbench_api = 1


class Local:
    name = "local"
    summary = "this machine"

    def why_unavailable(self) -> str | None:
        return None

    def command(self) -> list[str]:
        # -P: the pvbench that runs, not one that lies in the current directory
        return [sys.executable, "-P", "-m", "pvbench.run.worker"]


@hookimpl
def pvbench_sites() -> list[Site]:
    return [Local()]
