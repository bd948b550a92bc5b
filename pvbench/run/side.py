"""A side of `pvbench ab`: a run in a process of its own, which boots when it is told to."""

from __future__ import annotations

import os
import select
import subprocess
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Final, NoReturn, TypeVar

import attrs

from pvbench.errors import ProtocolError, SideError
from pvbench.run.ab_messages import (
    Channel,
    Due,
    End,
    Greeting,
    Message,
    Stored,
    Trace,
    Traced,
)
from pvbench.run.side_lines import SideLines

M = TypeVar("M", bound=Message)
# A side has this much longer for a boot than --timeout says: it plans and stores too.
_SPARE: Final = 2
_SPARE_S: Final = 60.0
_PREPARATION_S: Final = 4 * 3600.0  # before its first boot a site may compile a kernel
_RELAY_S: Final = 0.2  # between looks at what a side prints while it works


@attrs.frozen(kw_only=True)
class Side:
    """
    One of the two sides.

    Args:
        name: ``a`` or ``b``.
        python: the interpreter that runs it.
        words: the command line of its run, without the file.
        site: where it boots.
        path: its result file.
        environment: what is different in its environment.
        timeout_s: the longest boot, as --timeout says.
    """

    name: str
    python: str
    words: tuple[str, ...]
    site: str
    path: Path
    environment: Mapping[str, str]
    timeout_s: float

    @property
    def limit_s(self) -> float:
        """The longest time between two messages of the side."""
        return _SPARE * self.timeout_s + _SPARE_S

    def command(self, *more: str) -> list[str]:
        """
        The argument vector of the side; -P keeps it from importing a pvbench in the current
        directory.
        """
        return [self.python, "-P", "-m", "pvbench", "run", *self.words, *more]


@attrs.frozen(eq=False)
class SideProcess:
    """The process of a side, which `end` ends."""

    side: Side
    _process: subprocess.Popen[str]
    _channel: Channel
    _lines: SideLines

    @classmethod
    def started(cls, side: Side, lock: int) -> SideProcess:
        """
        Start a side in a process group of its own: a terminal's Ctrl-C is not for it.

        It inherits the file of the *lock* of timed runs: if `pvbench ab` is killed, other
        runs wait until the side has stored its boot.

        Raises:
            SideError: its interpreter cannot be started.
        """
        (theirs_in, ours_out), (ours_in, theirs_out) = os.pipe(), os.pipe()
        inherited = (theirs_in, theirs_out, lock)
        pipes = ",".join(map(str, inherited))
        files = ("--ab-pipes", pipes, "--resume", f"-o={side.path}")
        try:
            process = subprocess.Popen(
                side.command("-q", *files),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                pass_fds=inherited,
                env=os.environ | side.environment,
                process_group=0,
                text=True,
                encoding="utf-8",
                errors="replace",
            )
        except OSError as error:
            os.close(ours_in)
            os.close(ours_out)
            why = f"{side.python}: {error.strerror}"
            raise SideError(f"side {side.name} cannot be started", why=why) from None
        finally:
            os.close(theirs_in)
            os.close(theirs_out)
        assert process.stderr is not None  # noqa: S101 - it is a pipe
        lines = SideLines(side.name, process.stderr)
        lines.start()
        return cls(side, process, Channel(ours_in, ours_out), lines)

    def greeting(self) -> Greeting:
        """
        Wait for the first message of the side.

        Raises:
            SideError: it ends instead, takes too long, or has other messages than this pvbench.
        """
        return self._heard(Greeting, "before its first boot", _PREPARATION_S)

    def trace(self, boot: int, other: str) -> None:
        """
        Let the side trace a boot, to tell it from the site *other*.

        Raises:
            SideError: it ends instead, takes too long, or says something else.
        """
        moment = f"before boot {boot} was traced"
        self._tell(Trace(trace=boot, other=other), moment)
        if self._heard(Traced, moment).traced != boot:
            raise SideError(f"side {self.side.name} traced another boot than {boot}")

    def boot(self, due: Due) -> None:
        """
        Tell the side to boot, and return once the boot is stored.

        Raises:
            SideError: it ends instead, takes too long, or says something else.
        """
        moment = f"before boot {due.boot} was stored"
        self._tell(due, moment)
        if self._heard(Stored, moment).stored != due.boot:
            raise SideError(f"side {self.side.name} stored another boot than {due.boot}")

    def _tell(self, message: Message, moment: str) -> None:
        try:
            self._channel.tell(message)
        except BrokenPipeError:
            self._fail_ended(moment)

    def end(self, signal: int, *, relay: bool) -> int:
        """
        End the side, by *signal* or because no more boots are due, and return its exit
        status.

        With *relay* its last lines are printed.
        """
        if signal:
            self._process.send_signal(signal)
        else:
            with suppress(BrokenPipeError):
                self._channel.tell(End())
        try:
            status = self._process.wait(self.side.limit_s)
        except subprocess.TimeoutExpired:
            status = self._killed()
        self._lines.end(relay=relay)
        os.close(self._channel.reading)
        os.close(self._channel.writing)
        return status

    def _heard(self, kind: type[M], moment: str, more_s: float = 0.0) -> M:
        limit_s = self.side.limit_s + more_s
        deadline = time.monotonic() + limit_s
        try:
            message = self._channel.hear(lambda: self._wait(deadline, limit_s, moment))
        except ProtocolError as error:
            raise SideError(
                f"side {self.side.name} sends a message that cannot be read", why=str(error)
            ) from None
        if message is None:
            self._fail_ended(moment)
        self._lines.relay()
        if isinstance(message, kind):
            return message
        raise SideError(
            f"side {self.side.name} sends another message than the one that is due",
            why=type(message).__name__,
        )

    def _wait(self, deadline: float, limit_s: float, moment: str) -> None:
        """
        Return when the side has sent something or has closed its pipe.

        Until then its lines are printed, as it may build a kernel for minutes.
        """
        while (seconds := deadline - time.monotonic()) > 0:
            if select.select([self._channel.reading], [], [], min(seconds, _RELAY_S))[0]:
                return
            self._lines.relay()
        self._killed()
        raise SideError(
            f"side {self.side.name} was ended {moment}",
            why=f"it took more than {limit_s:g} s",
        )

    def _fail_ended(self, moment: str) -> NoReturn:
        """Raise the error for a side that ended too early; its own lines say why."""
        status = self._process.wait(self.side.limit_s)
        last = self._lines.last()
        why = "" if last else "it printed nothing"
        if "--ab-pipes" in last:
            why = "its pvbench is older than `pvbench ab`"
        raise SideError(
            f"side {self.side.name} ended with status {status} {moment}",
            why=why,
            status=status,
        )

    def _killed(self) -> int:
        self._process.kill()
        return self._process.wait()
