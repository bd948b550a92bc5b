"""An error about the value of an option names the option, not a field of the code."""

from __future__ import annotations

import argparse
import re

import pytest

from pvbench.cli import main
from pvbench.cli.options import by_name, naming
from pvbench.errors import UsageError
from support.runs import Cli

ARGUMENTS = {
    "run": ("norov", "--dry-run"),
    "show": ("published:norov-2018",),
    "compare": ("published:norov-2018",),
    "verify": (),
    "list": ("senders",),
    "plugins": (),
    "explain": ("kvm-pv", "--targets", "1"),
    "doctor": ("--no-probe",),
}
# Any text is a valid value of these, or a plugin that is reported and not used.
ANY_TEXT = {"-o", "--label", "-p", "-k"}
# Sides are runs in processes of their own, with the options of `run`.
WITH_SIDES = {"ab": ("norov",), "noise": ("norov",)}
ZERO = {
    "run": ("--host-cpus", "--bits", "--boots", "--timeout", "--guest", "--vcpus"),
    "explain": ("--bits", "--vector"),
    "verify": ("--count", "--timeout"),
}
NOT_IN_PROSE = r"[A-Z]\w*\.[a-z]\w*|\b[a-z]+_\w+"


def options_of(command: str) -> list[str]:
    """The options that take a value, under their longest names."""
    parser = main._parser(command)[1][command]
    actions = {*by_name(parser).values()}
    shown = [a for a in actions if a.nargs != 0 and a.help != argparse.SUPPRESS]
    return sorted(max(action.option_strings, key=len) for action in shown)


OF_SIDES = {*options_of("run")}
CASES = [
    *((command, option, "?x") for command in ARGUMENTS for option in options_of(command)),
    *((c, option, "?x") for c in WITH_SIDES for option in {*options_of(c)} - OF_SIDES),
    *((command, option, "0") for command, options in ZERO.items() for option in options),
]


@pytest.mark.parametrize(
    ("command", "option", "value"), sorted(case for case in CASES if case[1] not in ANY_TEXT)
)
def test_a_wrong_value_is_refused_under_the_name_of_its_option(
    cli: Cli, command: str, option: str, value: str
) -> None:
    """A field such as Guest.host_cpus says nothing to its user."""
    arguments = (ARGUMENTS | WITH_SIDES)[command]
    output = cli(command, *arguments, f"{option}={value}")
    message = re.sub("send_IPI|smp_call_function|no_ipi_broadcast", "", output.err)

    assert (output.status, re.findall(NOT_IN_PROSE, message)) == (2, [])
    assert option in output.err


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        pytest.param("0", "--host-cpus: 0 is not in 1..65536. ", id="too-small"),
        pytest.param("65537", "--host-cpus: 65537 is not in 1..65536. ", id="too-large"),
        pytest.param("x", "--host-cpus takes a number, not 'x'. ", id="no-number"),
    ],
)
def test_the_range_of_a_number_is_part_of_its_refusal(
    cli: Cli, value: str, expected: str
) -> None:
    """A reader need not look it up."""
    output = cli("run", "norov", "--dry-run", "--host-cpus", value)

    assert output.err.startswith(f"pvbench: {expected}")


@pytest.mark.parametrize(
    ("vector", "status"), [("0x1f", 2), ("0x20", 0), ("255", 0), ("256", 2), ("2", 0), ("3", 2)]
)
def test_a_vector_is_one_of_interrupts_or_that_of_nmi(
    cli: Cli, vector: str, status: int
) -> None:
    """Vectors below 0x20 are exceptions."""
    output = cli("explain", "x2apic-cluster", "--targets", "1", "--vector", vector)

    assert output.status == status
    assert not status or "is not in 0x20..0xff, nor 2 for an NMI" in output.err


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        pytest.param(("--site", "a"), "--site: no 'a': why. Fix.", id="two-words"),
        pytest.param(("--site=a",), "--site: no 'a': why. Fix.", id="one-word"),
        pytest.param(("-oa",), "-o: no 'a': why. Fix.", id="a-letter-and-its-value"),
        pytest.param(("--site", "b, a"), "--site: no 'a': why. Fix.", id="an-item-of-a-list"),
        pytest.param(("--site=x:a",), "--site: no 'a': why. Fix.", id="an-address"),
        pytest.param(("--site=a", "-o", "a"), "no 'a': why. Fix.", id="two-options"),
        pytest.param(("a", "--flag"), "no 'a': why. Fix.", id="no-option"),
        pytest.param(("--site=b",), "no 'a': why. Fix.", id="another-value"),
        pytest.param(("--site",), "no 'a': why. Fix.", id="no-value"),
    ],
)
def test_an_error_is_named_after_the_only_option_with_the_value_that_it_quotes(
    words: tuple[str, ...], expected: str
) -> None:
    """A value of two options, or of an argument, is quoted without a name."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--site")
    parser.add_argument("-o")
    parser.add_argument("--flag", action="store_true")
    error = UsageError("no 'a'", why="why", fix="Fix.")

    assert str(naming(error, parser, words)) == expected


def test_an_error_that_names_an_option_stays_as_it_is() -> None:
    """Its author knows which option it is about."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--site")
    error = UsageError("--site 'a' is wrong")

    assert naming(error, parser, ("--site", "a")) is error
