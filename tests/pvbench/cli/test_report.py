"""`pvbench report`: a claim from one file, from several, and from the last run."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from support.compared import BEFORE, CLUSTER, PHYSICAL
from support.runs import Cli, file_of, row_of

AFTER = row_of("broadcast", CLUSTER, 100e-6)


def test_one_file_compares_its_senders(cli: Cli) -> None:
    """The first one is the baseline."""
    file_of(Path("a.json"), BEFORE, AFTER)
    output = cli("report", "a.json")

    assert output.status == 0
    assert f"compared with {PHYSICAL}, {CLUSTER} is faster in 1 of 1 case" in output.out


def test_several_files_are_compared_with_the_first(cli: Cli) -> None:
    """A slower one is a regression, as to `pvbench compare`."""
    file_of(Path("a.json"), BEFORE)
    file_of(Path("b.json"), row_of("broadcast", PHYSICAL, 300e-6))
    output = cli("report", "a.json", "b.json")

    assert output.status == 1
    assert "compared with a.json, b.json is slower in 1 of 1 case" in output.out


@pytest.mark.parametrize("words", [(), ("last",)])
def test_without_a_file_the_last_run_is_reported(cli: Cli, words: tuple[str, ...]) -> None:
    """With the command that made it."""
    options = ("--sender", "native", "-k", "broadcast and not lock", "--fast", "-q")
    cli("run", "norov", *options, "--vcpus", "4")
    output = cli("report", *words)

    assert output.status == 0, output.err
    assert "pvbench run norov --sender native -k 'broadcast and not lock' --fast" in output.out


def test_a_report_without_any_run_says_so(cli: Cli) -> None:
    """There is nothing to report."""
    output = cli("report")

    assert output.status == 2
    assert "there is no run of this machine here" in output.err


def test_json_has_the_numbers_of_the_claim(cli: Cli) -> None:
    """For a program that files it elsewhere."""
    file_of(Path("a.json"), BEFORE, AFTER)
    (case,) = json.loads(cli("report", "a.json", "--json").out)["cases"]

    assert (case["base"], case["new"], case["ratio"]) == (PHYSICAL, CLUSTER, 2.0)


def test_csv_has_a_row_for_each_case(cli: Cli) -> None:
    """Sides stand in columns if there are several."""
    file_of(Path("a.json"), BEFORE, AFTER)
    heads = cli("report", "a.json", "--csv").out.splitlines()[0]

    assert heads == "Case,base time,new time,ratio,verdict,counts,boots"


def test_only_the_cases_of_an_expression_are_reported(cli: Cli) -> None:
    """The same expression as that of `pvbench compare`."""
    file_of(Path("a.json"), BEFORE, AFTER, row_of("dry-run", PHYSICAL, 1e-9))
    output = cli("report", "a.json", "-k", "broadcast")

    assert "dry-run" not in output.out


def test_published_results_are_reported_with_their_source(cli: Cli) -> None:
    """A single published value has no verdict."""
    output = cli("report", "published:norov-2018", "--baseline", PHYSICAL)

    assert output.out.startswith("As published: compared with")
    assert "Source: Linux commit 4180bf1b655a" in output.out


def test_overlays_of_one_file_are_compared_with_their_drivers(cli: Cli) -> None:
    """Another driver says nothing about an overlay; --by sender compares them all the same."""
    stacks = {
        PHYSICAL: 4e-6,
        CLUSTER: 3e-6,
        f"kvm-pv/{PHYSICAL}": 2e-6,
        f"kvm-pv/{CLUSTER}": 1e-6,
    }
    file_of(
        Path("a.json"),
        *(row_of("broadcast", stack, time_s) for stack, time_s in stacks.items()),
    )
    by_overlay = json.loads(cli("report", "a.json", "--json").out)["cases"]
    by_sender = json.loads(cli("report", "a.json", "--json", "--by", "sender").out)["cases"]

    assert [(case["base"], case["ratio"]) for case in by_overlay] == [
        (PHYSICAL, 2.0),
        (CLUSTER, 3.0),
    ]
    assert [(case["base"], case["ratio"]) for case in by_sender] == [
        (PHYSICAL, 4 / 3),
        (PHYSICAL, 2.0),
        (PHYSICAL, 4.0),
    ]
