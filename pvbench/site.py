"""Sites: where boots happen."""

from __future__ import annotations

from typing import Protocol


class Site(Protocol):
    """
    A place that can run workers.

    Attributes:
        name: unique, ``local`` or ``lab:KERNEL``.
        summary: one line for `pvbench list sites`.
    """

    @property
    def name(self) -> str: ...
    @property
    def summary(self) -> str: ...

    def why_unavailable(self) -> str | None:
        """Why this machine cannot reach it; None if it can."""
        ...

    def command(self) -> list[str]:
        """
        Argument vector of a process that is a worker there.

        It reads a job from standard input and writes reports to standard
        output, one JSON value a line (see `pvbench.run.worker`).
        """
        ...
