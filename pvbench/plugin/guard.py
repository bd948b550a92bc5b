"""
Guard calls of plugin code, which may raise anything or never return.

Any exception becomes a `PluginError`, unless a signal of the user caused it.
Code that does not return cannot be stopped by an exception, which it could catch, so
the process ends with a sentence.  The limit is an interval timer: it ends an endless
loop as well as a blocking call.  Only the main thread has one.
A call of C code, such as ``sum(iter(int, 1))``, lets no handler of Python run.  A second
timer, of CPU time, ends the process then by SIGVTALRM, after faulthandler has printed the
line of the plugin.
"""

from __future__ import annotations

import faulthandler
import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final, NoReturn

import attrs

from pvbench.errors import PluginError, PvbenchError, Status, UsageError
from pvbench.importing import FILE_PREFIX
from pvbench.plugin.entry_points import candidates
from pvbench.text import printable, text_of

LIMIT_VARIABLE: Final = "PVBENCH_PLUGIN_TIMEOUT"
_LIMIT_S: Final = 10.0
_CPU_SPARE_S: Final = 1.0  # beyond the limit, so that `_end` comes first if it can
_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM)

Owner = Callable[[], tuple[str, str]]


@attrs.define
class _Watch:
    """
    The guarded code of the main thread.

    Args:
        running: what runs and its owner, the innermost last.
        received: how many signals of the user have arrived.
        is_on: the handlers of signals are installed.
    """

    running: list[tuple[str, Owner]] = attrs.field(factory=list)
    received: int = 0
    is_on: bool = False


_WATCH: Final = _Watch()


@contextmanager
def guarded(call: str, owner: Owner) -> Iterator[None]:
    """
    Run code of a plugin.

    Args:
        call: the code in words, such as ``hook pvbench_senders``.
        owner: gives the plugin in words, and its name for ``-p no:NAME``.  It is
            called only if the code does not return.

    Raises:
        PluginError: the code raises; the message has *call*, the exception and its text.
        PvbenchError: the code raises this.
    """
    with watching(), _limited(call, owner):
        received = _WATCH.received
        try:
            yield
        except PvbenchError:
            raise
        except BaseException as error:  # code of a plugin may raise anything
            if _WATCH.received > received:  # the user's signal, not the plugin's doing
                raise
            raise PluginError(f"{call} raises {text_of(error)}") from error


@contextmanager
def watching() -> Iterator[None]:
    """Install the handlers of signals, once for all that is guarded in this context."""
    if _WATCH.is_on or threading.current_thread() is not threading.main_thread():
        yield
        return
    handlers = _replace_handlers()
    _WATCH.is_on = True
    try:
        yield
    finally:
        _WATCH.is_on = False
        for number, handler in handlers.items():
            signal.signal(number, handler)


def _replace_handlers() -> dict[int, Any]:
    """Count the user's signals, and end the process by the timer's; the handlers before."""
    handlers: dict[int, Any] = {signal.SIGALRM: signal.signal(signal.SIGALRM, _end)}
    faulthandler.register(signal.SIGVTALRM, file=2, all_threads=False, chain=True)

    def count(number: int, frame: Any) -> None:
        _WATCH.received += 1
        handlers[number](number, frame)

    for number in _SIGNALS:
        if callable(handler := signal.getsignal(number)):  # neither ignored nor default
            handlers[number] = handler
            signal.signal(number, count)
    return handlers


@contextmanager
def _limited(call: str, owner: Owner) -> Iterator[None]:
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    limit = limit_s()
    _WATCH.running.append((call, owner))  # before the timers: they may expire at once
    timer = signal.setitimer(signal.ITIMER_REAL, limit)
    cpu_timer = signal.setitimer(signal.ITIMER_VIRTUAL, limit + _CPU_SPARE_S)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, *timer)
        signal.setitimer(signal.ITIMER_VIRTUAL, *cpu_timer)
        _WATCH.running.pop()


def _end(number: int, frame: object) -> None:
    signal.setitimer(signal.ITIMER_VIRTUAL, 0)
    call, owner = _WATCH.running[-1]
    plugin, name = owner()
    end_process(
        f"pvbench: plugin {plugin} does not return from {call} within {limit_s():g} s. "
        f"Block it: -p no:{name}. If it only needs longer, set {LIMIT_VARIABLE} to the "
        "number of seconds."
    )


def end_process(sentence: str) -> NoReturn:
    """End without unwinding: the code that does not return may catch every exception."""
    os.write(2, f"{printable(sentence)}\n".encode())
    os._exit(Status.ENVIRONMENT)


def limit_s() -> float:
    """
    The longest time that code of a plugin may take, seconds.

    Raises:
        UsageError: the environment variable is not a number of seconds.
    """
    text = os.environ.get(LIMIT_VARIABLE) or str(_LIMIT_S)
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0
    if not 0 < seconds <= 1e6:
        raise UsageError(f"{LIMIT_VARIABLE} is {text!r}, not a number of seconds")
    return seconds


def owner_of(offer: Any) -> tuple[str, str]:
    """The plugin that defines *offer*, a class or a function; see `guarded`."""
    module = str(getattr(offer, "__module__", "?"))
    top = module.partition(".")[0]
    for plugin in candidates():
        if plugin.point.value.partition(":")[0].partition(".")[0] == top:
            name = plugin.point.name
            return f"{name} ({plugin.distribution} {plugin.version})", name
    if top.startswith(FILE_PREFIX):
        top = f"{top.removeprefix(FILE_PREFIX)}.py"
    return top, top
