"""`pvbench run --until settled`: looks at 10, 20, 40 boots, and its end."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from pvbench.results import files as result_files
from pvbench.results import journal
from support.plugin_sources import delivery_around_the_model
from support.runs import AddPlugin, Cli, journal_of

ONE = ("norov", "--driver", "x2apic-physical", "--vcpus", "4", "-q", "--fast")
TWO = (*ONE, "--sender", "native,kvm-pv", "-k", "broadcast and not lock", "-o", "x.json")


@pytest.fixture
def timed(add_plugin: AddPlugin) -> tuple[str, ...]:
    """Options of runs whose clock is noisy."""
    add_plugin("timed", delivery_around_the_model("timed", noisy=True))
    return ("-p", "timed", "--delivery", "timed")


def test_a_settled_run_ends_at_a_look_and_is_complete(cli: Cli, timed: tuple[str, ...]) -> None:
    """The model under the clock does not vary, so ten boots are enough; 20 were allowed."""
    until = ("--until", "settled", "--max-boots", "20")
    done = cli("run", *TWO, *timed, *until)
    entries = journal.read(Path("x.jsonl"))
    size = len(journal_of(Path("x.json")))
    again = cli("run", *TWO, *timed, *until, "--resume")
    compared = cli("compare", "x.json", "--by", "sender")

    assert (done.status, again.status) == (0, 0)
    assert "settled: the run ended after 10 of at most 20 boots" in done.out
    assert {len(b.get_runs()) for b in result_files.read("x.json")} == {10}
    assert entries[-1] == {"end": 0, "signal": 0, "settled": True}
    assert journal.is_complete(entries, 20)
    assert len(journal_of(Path("x.json"))) == size
    assert (
        "verdicts are formed after 10, 20 boots, and share the 5 % of false verdicts equally; "
        "the run ended after 10." in compared.out
    )


def test_sides_in_pairs_end_at_a_look_too(cli: Cli, timed: tuple[str, ...]) -> None:
    """A look after one boot is none after two; nothing can be decided then."""
    sides = ("-k", "normal", "--sender", "native", "-o", "x.json")
    done = cli("ab", *ONE, *sides, *timed, "--until", "settled", "--max-boots", "2")

    assert done.status == 4
    assert {len(b.get_runs()) for b in result_files.read("x-b.json")} == {2}
    assert (
        "verdicts are formed after 2 boots, and share the 5 % of false verdicts equally; "
        "the run ended after 2." in done.out
    )
    assert journal_of(Path("x-a.json"))[-1]["settled"] is True


def test_an_exact_clock_needs_no_looks(cli: Cli) -> None:
    """One boot says all."""
    done = cli("run", *TWO, "--until", "settled")

    assert done.status == 0
    assert {len(b.get_runs()) for b in result_files.read("x.json")} == {1}
    assert "settled" not in Path("x.json").read_text()


@pytest.mark.parametrize(
    ("options", "error"),
    [
        pytest.param(
            ("--max-boots", "9"),
            "--max-boots needs --until settled. Give it, or --boots N",
            id="alone",
        ),
        pytest.param(
            ("--until", "settled", "--boots", "9"),
            "--until and --boots exclude each other. Give --max-boots N",
            id="boots",
        ),
        pytest.param(
            ("--until", "settled", "--max-boots", "0"),
            "--max-boots 0 is not in 1..10000",
            id="none",
        ),
        pytest.param(
            ("--until", "settled", "--sender", "native"),
            "--until settled needs two senders to compare. Give --sender A,B",
            id="one-sender",
        ),
    ],
)
def test_wrong_usage_measures_nothing(
    cli: Cli, timed: tuple[str, ...], options: tuple[str, ...], error: str
) -> None:
    """One sentence, exit status 2, no file."""
    done = cli("run", *ONE, *timed, *options)

    assert (done.status, os.listdir()) == (2, [])
    assert error in done.err


def test_a_dry_run_refuses_one_sender_as_the_run_does(cli: Cli, timed: tuple[str, ...]) -> None:
    """A plan that cannot run is no plan."""
    until = ("--until", "settled", "--dry-run")
    refused = cli("run", *ONE, *timed, *until, "--sender", "native")
    planned = cli("run", *TWO, *timed, *until)

    assert (refused.status, refused.out) == (2, "")
    assert "--until settled needs two senders to compare" in refused.err
    assert planned.status == 0


def test_a_dry_run_of_sides_needs_no_second_sender_in_each(
    cli: Cli, timed: tuple[str, ...]
) -> None:
    """The pairs are those of the two sides."""
    until = ("--until", "settled", "--dry-run")
    planned = cli("ab", *ONE, *timed, *until, "--a=--sender native", "--b=--sender kvm-pv")

    assert planned.status == 0
