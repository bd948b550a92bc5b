"""Workloads: who wants to interrupt whom."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from itertools import islice

import attrs

from pvbench.errors import UsageError
from pvbench.guest import Guest
from pvbench.ops import Burst


@attrs.frozen(kw_only=True)
class Workload:
    """
    A stream of bursts, the same in each iteration.

    A workload with parameters is a family; ``fanout:8:packed`` names one of it, the
    values in the order of *parameters*, trailing ones left out being the defaults.

    Args:
        name: unique, lower case with dashes.
        summary: one line for `pvbench list workloads`.
        bursts: called with a guest and the parameters by name, it gives the bursts of
            one iteration, one for each source CPU; ``()`` is an iteration that sends
            nothing; a sentence says why the guest cannot have them.
        needs_cpus: the smallest guest it makes sense in.
        parameters: their values by name.  The first is a number: what `pvbench
            compare` looks for a crossover along.
    """

    name: str
    summary: str
    bursts: Callable[..., tuple[Burst, ...] | str]
    needs_cpus: int = 1
    parameters: dict[str, int | str] = attrs.field(factory=dict)

    @property
    def spec(self) -> str:
        """The name with all values; `bind` is the inverse."""
        return ":".join([self.name, *map(str, self.parameters.values())])

    @property
    def form(self) -> str:
        """How to write it: ``fanout:K:SPREAD``."""
        return ":".join([self.name, *(name.upper() for name in self.parameters)])

    @property
    def variant(self) -> str:
        """The values but for the first."""
        return ":".join(map(str, list(self.parameters.values())[1:]))

    def bind(self, values: Sequence[str]) -> Workload:
        """
        The workload with these values, the defaults for those left out.

        Raises:
            UsageError: there are too many, or one is no number where one is needed.
        """
        if len(values) > len(self.parameters):
            raise UsageError(
                f"{':'.join([self.name, *values])} has too many parameters",
                fix=f"Write {self.form}." if self.parameters else f"Write {self.name}.",
            )
        given = {
            name: self._typed(name, text)
            for name, text in zip(self.parameters, values, strict=False)
        }
        return attrs.evolve(self, parameters=self.parameters | given)

    def _typed(self, name: str, text: str) -> int | str:
        if not isinstance(self.parameters[name], int):
            return text
        if re.fullmatch(r"\d{1,18}", text, re.ASCII):
            return int(text)
        raise UsageError(
            f"{text!r} is no number for {name} of {self.name}", fix=f"Write {self.form}."
        )

    def bursts_in(self, guest: Guest) -> tuple[Burst, ...] | str:
        """The bursts of one iteration, or why *guest* cannot have them."""
        if len(guest.apic_ids) < self.needs_cpus:
            return f"{self.name} needs {self.needs_cpus} CPUs"
        bursts = self.bursts(guest, **self.parameters)
        if bursts == "":
            raise ValueError("it gives an empty reason")
        if isinstance(bursts, str):
            return bursts
        most = len(guest.apic_ids) + 1  # one of each CPU, and one to see that there are more
        return tuple(islice(bursts, most))
