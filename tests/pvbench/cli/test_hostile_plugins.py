"""Hostile workloads and senders: the run says so, and never ends as if all went well."""

from __future__ import annotations

from pathlib import Path
from typing import NoReturn

import pytest

from pvbench.errors import UsageError
from pvbench.plugin import guard
from support.hostile_plugins import sender, workload
from support.plugin_sources import delivery_around_the_model
from support.runs import AddPlugin, Cli

# The code shortens its own limit, so that the test does not wait for it.
LOOP = "import signal; signal.setitimer(signal.ITIMER_REAL, 0.01)\n        while True: pass"
MASKS = ("--linux", "4.19")  # no shorthand for a broadcast
RUN = ("run", "hostile", "--dry-run", "-p", "hostile_plugin", *MASKS)


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        pytest.param("import sys; sys.exit(0)", "raises SystemExit: 0", id="exit-0"),
        pytest.param("raise GeneratorExit", "raises GeneratorExit", id="generator-exit"),
        pytest.param("raise KeyboardInterrupt", "raises KeyboardInterrupt", id="interrupt"),
        pytest.param(
            r"raise RuntimeError('\x1b[31mA\nB\x9b')",
            r"raises RuntimeError: \x1b[31mA B\x9b",
            id="escapes",
        ),
        pytest.param(
            "from pvbench.ops import Burst\n        while True:\n"
            "            yield Burst(source=0, operation='send_IPI', targets=(1,))",
            "raises ValueError: it has two bursts from CPU 0",
            id="bursts-without-end",
        ),
    ],
)
def test_a_workload_that_raises_anything_blocks_its_cases_only(
    cli: Cli, add_plugin: AddPlugin, body: str, reason: str
) -> None:
    """The exit status is 3, not 0, because nothing can be measured."""
    add_plugin("hostile_plugin", workload(body))

    output = cli(*RUN)

    assert output.status == 3
    assert f"workload hostile {reason}" in output.out
    assert "\x1b" not in output.out


def test_a_reason_with_escapes_is_printable(cli: Cli, add_plugin: AddPlugin) -> None:
    """A workload's own sentence is text of a plugin too."""
    add_plugin("hostile_plugin", workload(r"return '\x1b[31mreason\x1b]0;t\x07'"))

    output = cli(*RUN)

    assert r"\x1b[31mreason\x1b]0;t\x07" in output.out
    assert "\x1b" not in output.out


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        pytest.param("import sys; sys.exit(9)", "raises SystemExit: 9", id="exit-9"),
        pytest.param("raise BaseException('x')", "raises BaseException: x", id="base"),
        pytest.param(
            "while True: yield 1, 0, apic_ids[0], icr",
            "raises ValueError: it gives more than 1000 ops for one burst",
            id="ops-without-end",
        ),
    ],
)
def test_a_sender_that_raises_anything_is_void_and_the_others_run(
    cli: Cli, add_plugin: AddPlugin, body: str, reason: str
) -> None:
    """The exit status is 6, of a failed proof, whatever status the sender asks for."""
    add_plugin("hostile_plugin", sender(body))

    output = cli("run", "hostile", "-p", "hostile_plugin", "-q", "--fast", *MASKS)

    assert output.status == 6
    assert f"fails the static check: sender hostile {reason}" in output.out
    assert "x2apic-cluster" in output.out


@pytest.mark.parametrize(
    ("source", "call"),
    [
        pytest.param(workload(LOOP), "workload hostile", id="workload"),
        pytest.param(sender(LOOP), "sender hostile", id="sender"),
    ],
)
def test_a_callback_that_does_not_return_ends_the_command(
    cli: Cli, add_plugin: AddPlugin, monkeypatch: pytest.MonkeyPatch, source: str, call: str
) -> None:
    """The plugin is named; the process ends by `end_process`, which is replaced here."""

    def end(sentence: str) -> NoReturn:
        raise UsageError(sentence)

    add_plugin("hostile_plugin", source)
    monkeypatch.setattr(guard, "end_process", end)

    output = cli(*RUN)

    assert (
        f"plugin hostile_plugin does not return from {call} within " in output.out + output.err
    )


def test_a_description_that_no_file_can_hold_is_refused_before_the_first_boot(
    cli: Cli, add_plugin: AddPlugin
) -> None:
    """A clock needs a name; without one the run would end when its first boot is stored."""
    source = delivery_around_the_model("odd", noisy=True).replace('Clock("wall"', 'Clock(""')
    add_plugin("odd", source)
    output = cli("run", "smoke", "-p", "odd", "--delivery", "odd", "-o", "a.json")

    assert (output.status, output.out, Path("a.json").exists()) == (5, "", False)
    assert output.err == (
        "pvbench: the description of delivery odd cannot be stored: pvbench_clock is not a "
        "finite number or a text of at most 100000 characters\n"
    )
