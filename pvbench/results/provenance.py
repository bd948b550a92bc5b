"""Where a result file comes from: its hash, and the command and the plan of its run."""

from __future__ import annotations

import hashlib
from typing import Any

import attrs

from pvbench.errors import not_readable
from pvbench.host.files import read_regular
from pvbench.results import journal
from pvbench.results.files import locate


@attrs.frozen(kw_only=True)
class Provenance:
    """
    The origin of one result file.

    Args:
        name: the name of the file.
        sha256: the hash of its content.
        entries: the journal beside it; there may be none.
    """

    name: str
    sha256: str
    entries: journal.Entries = attrs.field(factory=list)

    @property
    def commands(self) -> tuple[tuple[str, ...], ...]:
        """The commands that wrote the file: that of the run, then those that resumed it."""
        commands = (entry["command"] for entry in self.entries if "command" in entry)
        return tuple(dict.fromkeys(map(tuple, commands)))

    @property
    def seed(self) -> Any:
        """The seed of the plan; None if there is no journal."""
        return journal.plan_of(self.entries).get("seed")


def of(name: str) -> Provenance:
    """
    The origin of the result file *name*.

    Raises:
        UsageError: the file or its journal cannot be read.
    """
    path = locate(name)
    try:
        content = read_regular(path)
    except OSError as error:
        raise not_readable(name, error) from None
    return Provenance(
        name=name,
        sha256=hashlib.sha256(content).hexdigest(),
        entries=journal.read(journal.beside(path)),
    )
