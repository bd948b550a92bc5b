"""The outcome of a case."""

from __future__ import annotations

import attrs

from pvbench.results.entry import OUTCOMES, Entry
from pvbench.validators import one_of


@attrs.frozen
class Outcome:
    """
    One of OUTCOMES, and the reason if it is not ``ok``.

    Args:
        of_host: an error of the host is the reason, so the outcome says nothing about the
            sender.
    """

    kind: str = attrs.field(validator=one_of(*OUTCOMES))
    reason: str = ""
    of_host: bool = False

    @classmethod
    def of_entry(cls, entry: Entry) -> Outcome:
        """The outcome in an entry of a journal."""
        return cls(entry["outcome"], entry["reason"], entry.get("of_host", False))

    @property
    def entry(self) -> Entry:
        """The outcome as it is written to a journal."""
        entry: Entry = {"outcome": self.kind, "reason": self.reason}
        return entry | ({"of_host": True} if self.of_host else {})
