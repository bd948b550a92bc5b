"""Workloads: which CPUs interrupt which others."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from itertools import islice
from typing import Final

import attrs

from pvbench.dispatch import reached
from pvbench.errors import UsageError
from pvbench.guest import Guest
from pvbench.ops import Burst

EACH: Final = "each"  # in the place of the first value
MOST_SENDS: Final = 1 << 16  # distinct ones of a recording
_MOST_TARGETS: Final = 1 << 20  # of all bursts together: each of 1024 CPUs calls all others


@attrs.frozen(kw_only=True)
class Drawn:
    """
    How a send of a sample was drawn.

    Args:
        stratum: the sends among which it was drawn, in words.
        sends: their number.
        drawn: how many of them were drawn.
        times: how often this one was.
    """

    stratum: str
    sends: int
    drawn: int
    times: int


def _no_caveat(**parameters: object) -> str:
    return ""


@attrs.frozen(kw_only=True)
class Workload:
    """
    A stream of bursts, the same in each iteration.

    A workload with parameters is a family.  ``fanout:8:packed`` names one member of it:
    the values are in the order of *parameters*, and omitted trailing values are the
    defaults.

    Args:
        name: unique, lower case with dashes.
        summary: one line for `pvbench list workloads`.
        bursts: function of a guest and the parameters (by name) that returns the bursts
            of one iteration, one for each source CPU.  ``()`` is an iteration without
            IPIs; a string is the reason why this guest cannot have the bursts.
        needs_cpus: the smallest number of CPUs that it can run on.
        parameters: values by name.  The first is a number, along which `pvbench
            compare` looks for a crossover; that of a recording can be its name.
        steps: function of a guest that returns the first values that are worth comparing
            there.  ``fanout:each:packed`` and ``fanout`` stand for all of them.
        is_program: it is a program for Linux in the guest, named by `spec`.  Its kernel
            decides which IPIs are sent, so an iteration has no bursts.
        sends: function of a guest and the parameters that returns the sends of a recording:
            distinct bursts, each with its count, or a reason as *bursts* does.  In an
            iteration each of them is sent alone.  None for a workload of *bursts*.
        sample: function of a guest and the parameters that says of each of *sends* how it
            was drawn, and the counts of *sends* say for how many it stands.  None if they
            are all sends of a recording.
        caveat: function of the parameters that returns what a reader of its results must
            know, as a sentence without its full stop; empty if there is nothing.
    """

    name: str
    summary: str
    bursts: Callable[..., Iterable[Burst] | str]
    needs_cpus: int = 1
    parameters: dict[str, int | str] = attrs.field(factory=dict)
    steps: Callable[[Guest], Iterable[int | str]] | None = None
    is_program: bool = False
    sends: Callable[..., Iterable[tuple[Burst, int]] | str] | None = None
    sample: Callable[..., Iterable[Drawn]] | None = None
    caveat: Callable[..., str] = _no_caveat

    @property
    def spec(self) -> str:
        """The name followed by all values; `bind` is the inverse."""
        return ":".join([self.name, *map(str, self.parameters.values())])

    @property
    def program(self) -> tuple[str, ...]:
        """The words of a program; none if it is not one."""
        return tuple(self.spec.split(":")) if self.is_program else ()

    @property
    def form(self) -> str:
        """The syntax, such as ``fanout:TARGETS:SPREAD``."""
        return ":".join([self.name, *(name.upper() for name in self.parameters)])

    @property
    def variant(self) -> str:
        """All values except the first."""
        return ":".join(map(str, list(self.parameters.values())[1:]))

    def members(self, values: Sequence[str], guest: Guest) -> list[Workload]:
        """
        Return the workload with these values, or one for each step that *guest* has.

        Raises:
            UsageError: as of `bind`.
        """
        if self.steps is None or (values and values[0] != EACH):
            return [self.bind(values)]
        steps = islice(self.steps(guest), len(guest.cpus))  # more could never end
        return [self.bind([str(step), *values[1:]]) for step in steps]

    def bind(self, values: Sequence[str]) -> Workload:
        """
        Return the workload with these values, and with the defaults for omitted ones.

        Raises:
            UsageError: there are too many values, or one is not a number but must be.
        """
        if len(values) > len(self.parameters):
            raise UsageError(
                f"{':'.join([self.name, *values])!r} has too many parameters",
                fix=f"Use {self.form}.",
            )
        bound = {
            name: self._typed(name, text)
            for name, text in zip(self.parameters, values, strict=False)
        }
        return attrs.evolve(self, parameters=self.parameters | bound)

    def _typed(self, name: str, text: str) -> int | str:
        if not isinstance(self.parameters[name], int):
            if text.isprintable():
                return text
            raise UsageError(
                f"{name} of {self.name} is {text!r}, which is not a printable text",
                fix=f"Use {self.form}.",
            )
        if re.fullmatch(r"\d{1,18}", text, re.ASCII):
            return int(text)
        raise UsageError(
            f"{name} of {self.name} is {text!r}, not a number", fix=f"Use {self.form}."
        )

    def bursts_in(self, guest: Guest) -> tuple[Burst, ...] | str:
        """Return the bursts of one iteration, or the reason why *guest* cannot have them."""
        if len(guest.online) < self.needs_cpus:
            return f"{self.name} needs {self.needs_cpus} CPUs"
        bursts = self.bursts(guest, **self.parameters)
        if bursts == "":
            raise ValueError("bursts() returns an empty reason")
        if isinstance(bursts, str):
            return bursts
        limit = len(guest.apic_ids) + 1  # one for each CPU, and one that shows too many
        return self._collected(islice(bursts, limit), guest)

    def sends_in(self, guest: Guest) -> tuple[tuple[Burst, int], ...] | str:
        """Return the sends of one iteration, or the reason why *guest* cannot have them."""
        assert self.sends is not None  # noqa: S101 - the caller asks a recording
        sends = self.sends(guest, **self.parameters)
        return sends if isinstance(sends, str) else tuple(islice(sends, MOST_SENDS + 1))

    def sample_in(self, guest: Guest) -> tuple[Drawn, ...]:
        """Return how each of the sends was drawn; nothing if they are not drawn."""
        return tuple(self.sample(guest, **self.parameters)) if self.sample else ()

    def _collected(self, bursts: Iterable[Burst], guest: Guest) -> tuple[Burst, ...] | str:
        """The bursts, or the reason why they are too many interrupts."""
        collected, targets = [], 0
        for burst in bursts:
            if isinstance(burst, Burst):  # `check_bursts` refuses anything else
                targets += len(reached(burst, guest))
            if targets > _MOST_TARGETS:
                return f"{self.spec} interrupts more than {_MOST_TARGETS} CPUs in an iteration"
            collected.append(burst)
        return tuple(collected)
