"""Code of plugins runs under guard."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn

import pytest

from pvbench.errors import PluginError, Status, UsageError
from pvbench.plugin import guard
from pvbench.plugin.guard import LIMIT_VARIABLE, guarded, owner_of
from pvbench_send_kvm_pv import KvmPv
from support.helpers import DEADLINE_S


def owner() -> tuple[str, str]:
    """The plugin of these tests."""
    return "acme (pvbench-acme 1.2)", "acme"


@pytest.fixture(autouse=True)
def handlers() -> Iterator[None]:
    """SIGINT raises KeyboardInterrupt, whatever shell has started the tests."""
    handler = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, handler)


@pytest.fixture
def ends(monkeypatch: pytest.MonkeyPatch) -> None:
    """The end of the process is an exception that no plugin catches here."""

    def end(sentence: str) -> NoReturn:
        raise UsageError(sentence)

    monkeypatch.setattr(guard, "end_process", end)
    monkeypatch.setenv(LIMIT_VARIABLE, "0.01")


@pytest.mark.parametrize(
    "error",
    [
        pytest.param(ValueError("x"), id="ValueError"),
        pytest.param(SystemExit("x"), id="SystemExit"),
        pytest.param(KeyboardInterrupt("x"), id="KeyboardInterrupt"),
        pytest.param(GeneratorExit("x"), id="GeneratorExit"),
        pytest.param(StopIteration("x"), id="StopIteration"),
        pytest.param(BaseException("x"), id="BaseException"),
    ],
)
def test_any_exception_becomes_a_plugin_error(error: BaseException) -> None:
    """Type and text are in its message, and the exception is its cause."""
    with pytest.raises(PluginError) as raised, guarded("hook x", owner):
        raise error

    assert str(raised.value) == f"hook x raises {type(error).__name__}: x"
    assert raised.value.__cause__ is error


def test_an_error_of_pvbench_passes_unchanged() -> None:
    """A plugin may raise a sentence of its own."""
    with pytest.raises(UsageError, match="give a number"), guarded("hook x", owner):
        raise UsageError("give a number")


def test_an_interrupt_by_the_user_is_not_an_error_of_the_plugin() -> None:
    """Ctrl-C ends the command also while a plugin is imported."""
    with pytest.raises(KeyboardInterrupt), guarded("hook x", owner):
        os.kill(os.getpid(), signal.SIGINT)


def test_the_handlers_of_the_process_are_as_before() -> None:
    """A run has handlers of its own, and so may a caller of the library."""
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGALRM)
    before = [signal.getsignal(number) for number in numbers]
    with guarded("hook x", owner):
        signal.signal(signal.SIGINT, signal.SIG_IGN)

    assert [signal.getsignal(number) for number in numbers] == before
    assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)


def test_a_signal_that_is_ignored_stays_ignored() -> None:
    """A shell starts commands in the background so."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with guarded("hook x", owner):
        os.kill(os.getpid(), signal.SIGINT)

    assert signal.getsignal(signal.SIGINT) == signal.SIG_IGN


@pytest.mark.usefixtures("ends")
def test_code_that_does_not_return_is_named_with_its_plugin() -> None:
    """Plugin, distribution, code, limit, and how to go on without it."""

    def loop() -> None:
        with guarded("hook x", owner):
            while True:
                pass

    with pytest.raises(UsageError) as error:
        loop()

    assert str(error.value).startswith(
        "pvbench: plugin acme (pvbench-acme 1.2) does not return from hook x within 0.01 s. "
        "Block it: -p no:acme."
    )


def test_a_thread_has_no_limit_but_its_errors_are_reported() -> None:
    """Only the main thread receives signals."""
    errors: list[BaseException] = []

    def run() -> None:
        try:
            with guarded("hook x", owner):
                raise SystemExit(3)
        except BaseException as error:
            errors.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()

    assert [str(error) for error in errors] == ["hook x raises SystemExit: 3"]


@pytest.mark.parametrize("text", ["soon", "0", "-1", "nan", "1e9"])
def test_an_invalid_limit_is_refused(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The variable is named, and no plugin is blamed."""
    monkeypatch.setenv(LIMIT_VARIABLE, text)

    with pytest.raises(UsageError, match=f"PVBENCH_PLUGIN_TIMEOUT is '{text}', not a number"):
        guarded("hook x", owner).__enter__()


def test_the_limit_is_ten_seconds_by_default(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """An interval timer holds it."""
    monkeypatch.delenv(LIMIT_VARIABLE)
    with guarded("hook x", owner):
        remaining, interval = signal.getitimer(signal.ITIMER_REAL)

    assert (9 < remaining <= 10, interval) == (True, 0)


def test_the_owner_of_a_class_is_the_plugin_of_its_module() -> None:
    """By the entry point, so the name is the one that blocks it."""
    words, name = owner_of(KvmPv)

    assert (words.startswith("send-kvm-pv (pvbench "), name) == (True, "send-kvm-pv")


@pytest.mark.parametrize(
    ("module", "name"),
    [
        pytest.param("mine.senders", "mine", id="package"),
        pytest.param("pvbench_file_mine", "mine.py", id="file"),
    ],
)
def test_a_plugin_without_a_distribution_is_named_by_its_module(module: str, name: str) -> None:
    """Plugins of ``-p`` have no entry point."""

    def code() -> None: ...

    code.__module__ = module

    assert owner_of(code) == (name, name)


NO_HANDLER = "import signal; signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGALRM})"
ENDLESS = """
from pvbench.plugin.guard import guarded
with guarded("its import", lambda: ("acme", "acme")):
    sum(iter(int, 1))
"""


def test_c_code_that_lets_no_handler_run_is_ended_by_a_signal(tmp_path: Path) -> None:
    """Its line is printed; the exit status is none of those that mean something else."""
    (tmp_path / "endless.py").write_text(f"{NO_HANDLER}{ENDLESS}")
    process = subprocess.run(
        [sys.executable, "endless.py"],
        cwd=tmp_path,
        env=os.environ | {LIMIT_VARIABLE: "0.01"},
        capture_output=True,
        text=True,
        check=False,
        timeout=DEADLINE_S,
    )

    assert process.returncode == -signal.SIGVTALRM
    assert 'endless.py", line 4 in <module>' in process.stderr


def test_a_limit_that_expires_at_once_names_the_plugin(tmp_path: Path) -> None:
    """Its code is noted before the timer starts."""
    (tmp_path / "endless.py").write_text(ENDLESS.replace("sum(iter(int, 1))", "while 1: pass"))
    process = subprocess.run(
        [sys.executable, "endless.py"],
        cwd=tmp_path,
        env=os.environ | {LIMIT_VARIABLE: "0.000001"},
        capture_output=True,
        text=True,
        check=False,
        timeout=DEADLINE_S,
    )

    assert process.returncode == Status.ENVIRONMENT
    assert process.stderr.startswith("pvbench: plugin acme does not return from its import")


def test_the_sentence_of_the_end_is_printable() -> None:
    """It has the name of a file, which may be any bytes."""
    code = "from pvbench.plugin.guard import end_process; end_process('\\udcff\\x1b[31m')"
    process = subprocess.run([sys.executable, "-c", code], capture_output=True, check=False)

    assert (process.returncode, process.stderr) == (5, b"\\udcff\\x1b[31m\n")
