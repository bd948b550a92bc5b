"""
A session of `pvbench ab`: the boots of two runs, in adjacent pairs.

Boot n of both sides makes a pair.  A coin from the seed decides which side of a pair boots
first, so neither drift nor a ramp can favour one of them.
"""

from __future__ import annotations

import random
import secrets
import signal
import tempfile
from collections.abc import Callable, Collection, Iterator
from contextlib import ExitStack, nullcontext
from functools import partial
from pathlib import Path
from typing import Final

import attrs

from pvbench import notices
from pvbench.errors import PvbenchError, Status, UsageError, worst
from pvbench.host import lock
from pvbench.run import progress
from pvbench.run.ab_messages import Due, Greeting
from pvbench.run.side import Side, SideProcess
from pvbench.run.signals import Stop
from pvbench.text import counted

_FIX: Final = "Boots are taken in pairs: choose as many guests for one side as for the other."

_NOISY: Final = "Give --delivery kvm or live at site local."


@attrs.frozen(kw_only=True)
class Ended:
    """
    The end of a session.

    Args:
        status: the worst of the sides, or that of the error that ended it early.
        signal: the signal that ended it early, or 0.
        failed: whether an error ended it early; its sentence is printed.
    """

    status: Status
    signal: int = 0
    failed: bool = False


@attrs.frozen(kw_only=True)
class Session:
    """
    The input of `take`.

    Args:
        sides: two, of equal plans but for what is compared.
        seed: of the coins.
        looks: says by the results whether the session may end after some boots of each guest.
        for_noise: whether sides without a noisy clock are refused before their first boot.
    """

    sides: tuple[Side, Side]
    seed: int
    quiet: bool
    looks: Callable[[int], bool] | None = None
    for_noise: bool = False
    id: str = attrs.field(factory=lambda: secrets.token_hex(8))

    def take(self) -> Ended:
        """
        Run the sides alternately until both have all of their boots.

        Both sides have ended and left valid files when it returns, however it ends.
        """
        stop = Stop()
        with tempfile.TemporaryDirectory() as folder, stop.on_signals():
            error, started = None, list[SideProcess]()
            try:
                own_lock = {"PVBENCH_LOCK": str(Path(folder) / "lock")}
                stop.unless_signalled(partial(self._alternate, started, own_lock))
            except PvbenchError as raised:
                error = raised
                notices.say(str(error))
            number = stop.signal or (signal.SIGTERM if error else 0)
            statuses = [_status(side.end(number, relay=not error)) for side in started]
        status = error.status if error else worst(statuses)
        return Ended(status=status, signal=stop.signal, failed=bool(error))

    def _alternate(self, started: list[SideProcess], own_lock: dict[str, str]) -> None:
        """Start both sides, which keep the lock of the session, and let them boot."""
        with lock.opened() as file:
            for side in self.sides:
                environment = {**side.environment, **own_lock}
                with_lock = attrs.evolve(side, environment=environment)
                started.append(SideProcess.started(with_lock, file))
            self._boot_alternately(started, file)

    def _boot_alternately(self, started: list[SideProcess], lock_file: int) -> None:
        a, b = greetings = [side.greeting() for side in started]
        missing = _missing_pairs(a, b)
        noisy = any(greeting.is_noisy for greeting in greetings)
        if self.for_noise and not noisy:
            raise UsageError(
                "there is no noise to measure", why="the clock is not noisy", fix=_NOISY
            )
        timed = missing and noisy
        with ExitStack() as stack:
            stack.enter_context(lock.taken(lock_file, notices.say) if timed else nullcontext())
            shown = stack.enter_context(progress.make(2 * len(missing), quiet=self.quiet))
            by_name = {side.side.name: side for side in started}
            if missing:
                _trace(*started, guests=a.guests)
            for number, due in enumerate(self._due(a, missing), 1):
                shown.boot(number, f"side {due.side}")
                by_name[due.side].boot(due)

    def _due(self, greeting: Greeting, missing: Collection[int]) -> Iterator[Due]:
        """The boots that are due, in their order, until a look says that they are enough."""
        for boot in range(1, greeting.boots + 1):
            if boot in missing:
                for name in (pair := self._pair(boot)):
                    yield Due(boot=boot, session=self.id, side=name, first=pair[0])
            boots, rest = divmod(boot, greeting.guests)
            if self.looks and not rest and self.looks(boots):
                return

    def _pair(self, boot: int) -> tuple[str, ...]:
        """The names of the sides, the first to boot first; the same for a resumed session."""
        coin = random.Random(f"{self.seed} pair {boot}")  # noqa: S311 - an order, not a secret
        a, b = (side.name for side in self.sides)
        return (a, b) if coin.random() < 0.5 else (b, a)


def _trace(a: SideProcess, b: SideProcess, *, guests: int) -> None:
    """Let side b find out whether each of its guests executes code that side a has not."""
    if a.side.site != b.side.site:
        for boot in range(1, guests + 1):
            b.trace(boot, a.side.site)


def _missing_pairs(a: Greeting, b: Greeting) -> list[int]:
    """
    The boots that the sides do not have from one session.

    Raises:
        UsageError: their boots do not make pairs.
    """
    if (a.boots, a.guests) != (b.boots, b.guests):
        raise UsageError(
            f"side a has {counted(a.boots, 'boot')} and side b has {counted(b.boots, 'boot')}",
            fix=_FIX,
        )
    boots = range(1, a.boots + 1)
    return [boot for boot in boots if a.sessions.get(boot, "") != b.sessions.get(boot)]


def _status(returned: int) -> Status:
    """
    The status of a side from the exit status of its process; a signal counts as a failure.
    """
    return Status(returned) if returned in tuple(Status) else Status.ENVIRONMENT
