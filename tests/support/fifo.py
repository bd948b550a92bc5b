"""FIFOs, which show whether a process has them open."""

from __future__ import annotations

import select
from typing import IO

from support.helpers import DEADLINE_S


def has_no_writer(reader: IO[bytes]) -> bool:
    """Whether all that had the FIFO open for writing have ended within the deadline."""
    poll = select.poll()
    poll.register(reader, 0)
    return bool(poll.poll(1000 * DEADLINE_S))
