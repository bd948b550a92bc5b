"""A site whose workers are files: `recorded` writes them down, `canned` reads them."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import Final

import attrs

from pvbench.delivery import Description
from pvbench.describe import described
from pvbench.hookspecs import hookimpl
from pvbench.protocol import Describe, DescriptionReport, Report, Work, encode
from pvbench.site import Host, Session, Site, SiteOptions
from pvbench.worker_process import described_by, reports_of
from pvbench_site_local import WORKER

pvbench_api = 1

JOB, REPORTS, DESCRIPTION = "job.txt", "reports.txt", "description.txt"
_TIMEOUT_S: Final = 60.0


@attrs.frozen
class _Session:
    is_recorded: bool

    @property
    def hosts(self) -> tuple[Host, ...]:
        return (Host("canned", "canned"),)

    def describe(self, host: Host, request: Describe) -> Description:
        if not self.is_recorded:
            return described_by(_print(DESCRIPTION), request, timeout_s=_TIMEOUT_S)
        description = described(request)
        Path(DESCRIPTION).write_text(encode(DescriptionReport(description)))
        return description

    def alone(self) -> AbstractContextManager[None]:
        return nullcontext()

    def boot(self, host: Host, job: Work) -> Generator[Report, None, None]:
        if not self.is_recorded:
            yield from reports_of(_print(REPORTS), job, timeout_s=_TIMEOUT_S)
            return
        Path(JOB).write_text(encode(job))
        with Path(REPORTS).open("w") as file:
            for report in reports_of(WORKER, job, timeout_s=_TIMEOUT_S):
                file.write(encode(report))
                yield report


def _print(name: str) -> tuple[str, ...]:
    """A command that prints a file and ignores the argument that is added."""
    return ("sh", "-c", 'read -r request; cat "$0"', name)


@attrs.frozen
class _Files:
    name: str
    summary: str = "files that a run has written"

    def why_unavailable(self) -> str | None:
        return None

    @contextmanager
    def session(self, options: SiteOptions) -> Iterator[Session]:
        yield _Session(self.name == "recorded")


@hookimpl
def pvbench_sites() -> list[Site]:
    """Both."""
    return [_Files("recorded"), _Files("canned")]
