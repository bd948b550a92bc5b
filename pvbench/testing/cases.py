"""What the checks share: cases, and sentences about what is wrong with them."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import cache
from typing import Any, Final, NoReturn, ParamSpec, TypeVar

from pvbench.guest import Guest
from pvbench.ops import Burst
from pvbench.plugin.loader import load
from pvbench.plugin.registry import Registry
from pvbench.plugin.validate import check_thing
from pvbench.sender import Driver, Sender, Stack
from pvbench.suite import Case
from pvbench.workload import Workload

Arguments = ParamSpec("Arguments")
Answer = TypeVar("Answer")

_SHOWN: Final = 8  # CPUs that a sentence names
_NO_WORKLOAD: Final = Workload(name="check", summary="-", bursts=lambda guest: ())


def case_of(
    stack: Stack,
    guest: Guest,
    *bursts: Burst,
    shorthands: bool = False,
    target_state: str = "halted",
    delivery: str = "",
) -> Case:
    """A case of no suite; the guest is booted as the stack needs it."""
    return Case(
        suite="check",
        suite_version=1,
        workload=_NO_WORKLOAD,
        stack=stack,
        guest=stack.guest(guest),
        shorthands=shorthands,
        target_state=target_state,
        delivery=delivery,
        site="-",
        costs=None,
        bursts=bursts,
    )


@cache
def bundled() -> Registry:
    """The bundled plugins."""
    return load(own_only=True)


def stacks_of(sender: Sender) -> list[Stack]:
    """A driver alone; an overlay over each bundled driver."""
    if isinstance(sender, Driver):
        return [Stack(sender)]
    return [Stack(driver, sender) for driver in bundled().drivers.values()]


def check_offer(kind: str, thing: Any) -> None:
    """A plugin may offer *thing*."""
    try:
        check_thing(kind, thing)
    except Exception as error:  # a plugin may fail in any way
        name = getattr(thing, "name", type(thing).__name__)
        raise AssertionError(f"{kind} {name}: its plugin would be broken: {error}") from error


def where(case: Case) -> str:
    """The stack, the guest and the bursts, for people."""
    guest, name = case.guest, case.stack.name
    bits = "" if guest.bits == 64 else f" of {guest.bits} bits"
    shorthands = " with shorthands" if case.shorthands else ""
    bursts = " and ".join(map(_request, case.bursts))
    on = f"{case.delivery}: " if case.delivery else ""
    return f"{on}{name} on {guest.name}{bits}{shorthands}, {bursts}"


def _request(burst: Burst) -> str:
    cpus = ", ".join(map(str, burst.targets[:_SHOWN]))
    more = len(burst.targets) - _SHOWN
    to = f" to CPU {cpus}" if cpus else ""
    to += f" and {more} more" if more > 0 else ""
    return f"{burst.operation} {burst.vector:#x} of CPU {burst.source}{to}"


def fail(where: str, what: str) -> NoReturn:
    """
    End a check.

    Raises:
        AssertionError: in any case.
    """
    raise AssertionError(f"{where}: {what}")


def attempt(
    where: str,
    what: str,
    function: Callable[Arguments, Answer],
    *args: Arguments.args,
    **kwargs: Arguments.kwargs,
) -> Answer:
    """
    What *function* answers.

    Raises:
        AssertionError: it raises; *what* was attempted.
    """
    try:
        return function(*args, **kwargs)
    except Exception as error:  # a plugin may fail in any way
        told = f"{type(error).__name__}: {error}"
        raise AssertionError(f"{where}: {what} raises {told}") from error


def through_json(value: Any) -> Any:
    """*value* as it reaches a worker, or comes back from one."""
    return json.loads(json.dumps(value))
