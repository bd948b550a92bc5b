"""`pvbench compare --env`: the newest results of tox environments."""

from __future__ import annotations

import csv
import io

from support.runs import Cli
from support.tox_env import commit, result_of

BOTH = ("--env", "bench-a,bench-b")


def test_environments_with_the_same_cases_are_compared_like_files(cli: Cli) -> None:
    """They may differ by Python or revision; the first that is named is the baseline."""
    result_of("bench-b", microseconds=100)
    result_of("bench-a", microseconds=200, day=2)

    output = cli("compare", *BOTH, "--format", "csv")

    (row,) = csv.DictReader(io.StringIO(output.out))
    assert (output.status, row["speed ratio"], row["verdict"]) == (0, "2", "faster")


def test_naming_them_the_other_way_round_turns_the_comparison_round(cli: Cli) -> None:
    """Slower in the second is a regression, as between files."""
    result_of("bench-b", microseconds=100)
    result_of("bench-a", microseconds=200, day=2)

    output = cli("compare", "--env", "bench-b,bench-a", "--format", "csv")

    (row,) = csv.DictReader(io.StringIO(output.out))
    assert (output.status, row["speed ratio"], row["verdict"]) == (1, "0.5", "slower")


def test_environments_with_a_sender_each_are_compared_by_sender(cli: Cli) -> None:
    """The sender of the first is the baseline."""
    result_of("bench-b", microseconds=100, stack="x2apic-cluster")
    result_of("bench-a", microseconds=200)

    output = cli("compare", "--by", "sender", *BOTH, "--format", "csv")

    (row,) = csv.DictReader(io.StringIO(output.out))
    assert (row["baseline"], row["side"]) == ("x2apic-physical", "x2apic-cluster")


def test_the_files_that_were_taken_are_named(cli: Cli) -> None:
    """A user can then look at them with any tool."""
    names = [result_of("bench-a"), result_of("bench-b")]

    output = cli("compare", *BOTH)

    assert f"baseline: {names[0]}\ncompared: {names[1]}\n" in output.out
    assert "differs: tox_env: bench-a | bench-b\n" in output.out


def test_a_missing_environment_is_named_with_the_tox_command(cli: Cli) -> None:
    """This is bad input, and nothing is compared."""
    result_of("bench-a")

    output = cli("compare", *BOTH)

    assert (output.status, output.out) == (2, "")
    assert "no result of bench-b here" in output.err
    assert "Run tox -e bench-b first." in output.err


def test_a_stale_environment_is_compared_and_the_comparison_is_inconclusive(cli: Cli) -> None:
    """It says which, why, and what to do; the others are left alone."""
    revision = commit()
    result_of("bench-a", git=revision)
    result_of("bench-b", git="0123456789ab")

    output = cli("compare", *BOTH)

    message = "pvbench: bench-b is stale: made at revision 0123456789ab, this is "
    assert (output.status, output.err) == (
        4,
        f"{message}{revision}; run tox -e bench-b again\n",
    )
    assert "equal" in output.out


def test_an_environment_cannot_be_compared_with_itself(cli: Cli) -> None:
    """Named twice, it is one result."""
    result_of("bench-a")

    output = cli("compare", "--env", "bench-a,bench-a")

    assert output.status == 2
    assert "a comparison takes 2 result files, but there are 1" in output.err


def test_files_and_environments_do_not_mix(cli: Cli) -> None:
    """Which would be the baseline?"""
    name = result_of("bench-a")

    output = cli("compare", name, *BOTH)

    assert output.status == 2
    assert "--env and names of files exclude each other" in output.err
