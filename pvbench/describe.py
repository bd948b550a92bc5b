"""
Describe a delivery on this host: the site's side.

As a program it answers one request of `pvbench.protocol` that comes on standard input::

    python -m pvbench.describe PARENT_PID
"""

from __future__ import annotations

import os
import sys
from typing import IO, Final

import attrs

from pvbench.delivery import Description
from pvbench.end_with_parent import end_after, end_with_parent
from pvbench.errors import ProtocolError, PvbenchError, UnavailableError
from pvbench.host import facts
from pvbench.importing import delivery_of
from pvbench.protocol import (
    Describe,
    DescriptionReport,
    ErrorReport,
    Message,
    decode,
    encode,
)
from pvbench.topology import host_ids

# A process whose parent does not end it ends by itself.  Probes wait for timed runs.
_LONGEST_S: Final = 3600.0


def described(request: Describe) -> Description:
    """
    Describe a delivery on this host, and the host.

    Raises:
        UnavailableError: this host cannot run it.
        UsageError: the delivery cannot do what the options ask.
    """
    delivery = delivery_of(request.delivery_module, request.delivery)
    if request.options.probe and (reason := delivery.why_unavailable()):
        raise UnavailableError(f"{delivery.name} cannot be used here", why=reason)
    try:
        description = delivery.describe(request.options)
    except UnavailableError as error:
        raise UnavailableError(f"{delivery.name} cannot be used here", why=str(error)) from None
    return attrs.evolve(
        description,
        host=facts.facts(),
        advice=tuple(facts.advice()),
        cpus=f"{len(facts.usable_cpus())} usable of {os.cpu_count()}",
        host_ids=description.host_ids if description.host_ids.ids else host_ids(),
    )


def main() -> None:
    """Answer one request."""
    end_with_parent(int(sys.argv[1]))
    end_after(_LONGEST_S)
    reports = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    answer(sys.stdin, reports)


def answer(messages: IO[str], reports: IO[str]) -> None:
    """Answer the request that comes first."""
    reports.write(encode(_answer_to(messages.readline())))
    reports.flush()


def _answer_to(line: str) -> Message:
    try:
        request = decode(line)
        if not isinstance(request, Describe):
            raise ProtocolError("it was not asked to describe anything")
        return DescriptionReport(described(request))
    except PvbenchError as error:
        return ErrorReport(str(error), error.status)
    except Exception as error:  # code of a delivery may raise anything
        from pvbench.text import text_of  # no worker needs it otherwise

        return ErrorReport(f"the delivery cannot be described: {text_of(error)}")


if __name__ == "__main__":
    main()
