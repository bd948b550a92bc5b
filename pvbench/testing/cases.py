"""Cases for the checks, and the sentences that say what is wrong with them."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any, Final, NoReturn, ParamSpec, TypeVar

from pvbench.guest import Guest
from pvbench.linux_era import LinuxEra
from pvbench.ops import Burst
from pvbench.plugin.loader import load
from pvbench.plugin.registry import Registry
from pvbench.plugin.validate import check_thing
from pvbench.sender import Driver, Sender, Stack
from pvbench.suite import Case
from pvbench.text import shortened_list
from pvbench.workload import Workload

Arguments = ParamSpec("Arguments")
Answer = TypeVar("Answer")

_SHOWN: Final = 8  # CPUs that a sentence names
_NO_WORKLOAD: Final = Workload(name="check", summary="-", bursts=lambda guest: ())


def case_of(
    stack: Stack,
    guest: Guest,
    *bursts: Burst,
    linux: LinuxEra | None = None,
    target_state: str = "halted",
    delivery: str = "",
) -> Case:
    """Make a case without a suite; the guest gets the mode and ABI that the stack needs."""
    return Case(
        suite="check",
        suite_version=1,
        workload=_NO_WORKLOAD,
        stack=stack,
        guest=stack.guest(guest),
        linux=linux or LinuxEra(),
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
    """Return the stack of a driver, or the stacks of an overlay over each bundled driver."""
    if isinstance(sender, Driver):
        return [Stack(sender)]
    return [Stack(driver, sender) for driver in bundled().drivers.values()]


def check_offer(kind: str, offer: Any) -> None:
    """Check that the loader accepts *offer* from a plugin."""
    try:
        check_thing(kind, offer)
    except Exception as error:  # a plugin may fail in any way
        name = getattr(offer, "name", type(offer).__name__)
        raise AssertionError(f"{kind} {name}: the loader refuses it: {error}") from error


def where(case: Case) -> str:
    """Describe the stack, the guest and the bursts in a message."""
    guest, name = case.guest, case.stack.name
    bits = "" if guest.bits == 64 else f" ({guest.bits} bits)"
    bursts = " and ".join(map(_request, case.bursts))
    delivery = f"{case.delivery}: " if case.delivery else ""
    return f"{delivery}{name} on {guest.name}{bits}, Linux {case.linux.name}, {bursts}"


def _request(burst: Burst) -> str:
    cpus = shortened_list(map(str, burst.targets), _SHOWN)
    targets = f" to CPU {cpus}" if cpus else ""
    return f"{burst.operation} {burst.vector:#x} from CPU {burst.source}{targets}"


def fail(where: str, what: str) -> NoReturn:
    """
    Fail a check.

    Raises:
        AssertionError: always.
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
    Call *function* and return its result.

    Raises:
        AssertionError: the call raises; the message says that *what* raises.
    """
    try:
        return function(*args, **kwargs)
    except Exception as error:  # a plugin may fail in any way
        message = f"{where}: {what} raises {type(error).__name__}: {error}"
        raise AssertionError(message) from error
