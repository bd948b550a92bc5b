"""A row of the schema: how a fact is computed, its role and its wording."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from enum import Enum
from typing import TYPE_CHECKING, Any, Protocol

import attrs

if TYPE_CHECKING:
    from pvbench.slice_result import Counts
    from pvbench.suite import Case

Facts = Mapping[str, Any]
Value = str | int | float
Metadata = dict[str, Value]  # as pyperf stores it
# A template of facts, ``on {host_cpus} host CPUs``, the words for each value, or a function.
Wording = str | Mapping[Any, str] | Callable[[Facts], str]


class FactRole(Enum):
    """The purpose of a fact."""

    AXIS = "tells cases apart"
    CONDITION = "tells cases apart, and is shown where it varies or is unusual"
    DETAIL = "follows from the axes or from the way a case was run"
    UNDER_TEST = "software under test, as distribution and version"
    SOFTWARE = "other software that made the result"
    HOST = "of the host"
    COUNT = "counted, for one iteration"
    NOTE = "for a sentence below a table"


class CheckedBurst(Protocol):
    """A burst after the static check, as far as the schema reads it."""

    @property
    def cpus(self) -> tuple[int, ...]: ...
    @property
    def lost(self) -> tuple[int, ...]: ...
    @property
    def overlaid(self) -> bool: ...
    @property
    def repeats(self) -> int: ...


class _FactsOrUnknown(dict[str, Any]):
    """Facts for a template; a fact that a file lacks is unknown."""

    def __missing__(self, name: str) -> str:
        return "unknown"


@attrs.frozen
class Fact:
    """
    One axis or fact.

    Args:
        of_case, of_bursts, of_counts: how it is computed, from one of the three; None
            where a run adds it.
        short: its part in the name of a case, with the separator before it.
        phrase: its words in a heading; empty if it is not mentioned there.
        option: the options of `pvbench run` that choose it.
        usual: the value that neither a name nor a heading mentions.
        by: the choices of ``compare --by`` under which it may differ.
        boot: rows share a boot only where it is equal.
        groups: all rows in one table of a run have the same value; by default true of
            facts that tell cases apart.
        predicted: ``compare --beside`` matches a prediction by it.
        required: every series of a result file has it.
        is_number: its values are numbers of 0 or more, not texts.
    """

    name: str
    role: FactRole
    of_case: Callable[[Case], Value | None] | None = None
    of_bursts: Callable[[Sequence[CheckedBurst]], Value] | None = None
    of_counts: Callable[[Counts], int | None] | None = None
    short: Wording = ""
    phrase: Wording = ""
    option: Wording = ""
    usual: Callable[[Facts], Any] = lambda facts: None
    by: tuple[str, ...] = ()
    boot: bool = False
    groups: bool = attrs.field(
        default=attrs.Factory(lambda self: self.tells_cases_apart, takes_self=True)
    )
    predicted: bool = False
    required: bool = False
    is_number: bool = attrs.field(
        default=attrs.Factory(lambda self: self.role is FactRole.COUNT, takes_self=True)
    )

    @property
    def tells_cases_apart(self) -> bool:
        """Whether rows that differ in this fact belong to different cases or series."""
        return self.role in (FactRole.AXIS, FactRole.CONDITION)

    def in_name(self, facts: Facts) -> str:
        """The part of the fact in the name of a case, separator included."""
        return self._worded(self.short, facts)

    def in_heading(self, facts: Facts) -> str:
        """The words of the fact in a heading."""
        return self._worded(self.phrase, facts)

    def as_options(self, facts: Facts) -> str:
        """The options that choose it; empty for its usual value."""
        return self._worded(self.option, facts)

    def _worded(self, wording: Wording, facts: Facts) -> str:
        value = facts.get(self.name)
        if value is None or value == self.usual(facts):
            return ""
        if isinstance(wording, str):
            return wording.format_map(_FactsOrUnknown(facts))
        if callable(wording):
            return wording(facts)
        return wording.get(value, "")
