"""`pvbench compare` on a clock that does not repeat itself."""

from __future__ import annotations

import json
from pathlib import Path

import attrs
import pytest

from pvbench.results.rows import Row
from support.runs import Cli, file_of, row_of

NATIVE, PV = "x2apic-physical", "kvm-pv/x2apic-physical"
# Eight boots of one machine; it gets slower all the time.
DRIFT = tuple(1e-6 * (1 + boot / 10) for boot in range(8))
EIGHT = tuple(range(1, 9))
FACTS = {"clock": "wall", "delivery": "test-delivery"}


def row(stack: str, times: float, *, numbers: tuple[int, ...] = EIGHT) -> Row:
    """A broadcast of *stack*, *times* as long as DRIFT."""
    drifting = row_of("broadcast", stack, *(times * boot for boot in DRIFT), **FACTS)
    return Row(
        name=drifting.name, facts=drifting.facts, boots_s=drifting.boots_s, boots=numbers
    )


def compared(cli: Cli, *rows: Row, by: str = "sender") -> dict[str, object]:
    """The one pair of a file with these rows."""
    name = file_of(Path("a.json"), *rows)
    parsed = json.loads(cli("compare", name, "--by", by, "--json").out)
    (pair,) = parsed["pairs"]
    return dict(pair)


def test_senders_of_one_boot_are_compared_boot_by_boot(cli: Cli) -> None:
    """They took turns, so drift hit both; separate boots would not tell."""
    assert compared(cli, row(NATIVE, 1), row(PV, 0.8))["verdict"] == "faster"


def test_senders_of_other_boots_are_not(cli: Cli) -> None:
    """The same numbers, in boots of their own."""
    later = row(PV, 0.8, numbers=tuple(range(11, 19)))

    assert compared(cli, row(NATIVE, 1), later)["verdict"] == "inconclusive"


def test_files_that_were_not_interleaved_have_no_verdict(cli: Cli) -> None:
    """Boot 1 of one run is not boot 1 of another, and the machine may have changed."""
    files = [file_of(Path(f"{n}.json"), row(NATIVE, n)) for n in (1, 3)]
    output = cli("compare", *files)

    assert (output.status, "inconclusive" in output.out) == (4, True)
    assert "1 pair is inconclusive: not interleaved." in output.out
    assert "interval of the ratio" in output.out
    assert "Their intervals cover only the scatter of the boots" in output.out


def test_the_command_that_would_decide_can_be_copied(cli: Cli) -> None:
    """It comes last above the table; JSON has it with what the user has to add."""
    files = [file_of(Path(f"{n}.json"), row(NATIVE, n)) for n in (1, 3)]
    *_, before, printed, _ = cli("compare", *files).out.split("\n\n")
    parsed = json.loads(cli("compare", *files, "--json").out)

    assert before.splitlines()[-1].startswith("A run of both sides in pairs of boots would")
    assert printed == parsed["deciding_line"]
    assert printed.startswith("pvbench ab norov --delivery")
    assert before.endswith(" ".join(parsed["deciding_lacks"]))


def test_an_inconclusive_comparison_says_how_many_boots_find_its_difference(cli: Cli) -> None:
    """Of pairs that shared their boots."""
    times = {NATIVE: (1e-6,) * 10, PV: (1e-6, 2e-6) * 5}
    rows = (row_of("broadcast", stack, *boots, **FACTS) for stack, boots in times.items())
    ten = tuple(range(1, 11))
    name = file_of(Path("a.json"), *(attrs.evolve(row, boots=ten) for row in rows))
    output = cli("compare", name, "--by", "sender")

    assert "1 pair is inconclusive: the interval contains 1." in output.out
    assert "boots to be detected in nine of ten comparisons" in output.out


def test_a_difference_in_counts_is_decided_without_pairs_of_boots(cli: Cli) -> None:
    """The sentence stands below the reason why the times are not."""
    counted = (row_of("broadcast", PV, *DRIFT, **FACTS, exits=exits) for exits in (79.0, 1.0))
    sent = (
        row_of("broadcast", PV, *DRIFT, **FACTS, icr_writes=writes, hypercalls=1.0)
        for writes in (79.0, 0.0)
    )
    for rows, differ in ((counted, False), (sent, True)):
        files = [file_of(Path(f"{n}.json"), each) for n, each in enumerate(rows)]
        output = cli("compare", *files)

        assert output.status == 4
        assert ("The counts of 1 of them differ, and counts are exact" in output.out) is differ


@pytest.mark.parametrize(
    ("stacks", "method"),
    [
        pytest.param((PV,), "compare the median of each boot; equivalent means", id="one-pair"),
        pytest.param(
            (PV, "shorthand/x2apic-physical"),
            "compare the median of each boot, with a correction for 2 pairs; equivalent means",
            id="two-pairs",
        ),
    ],
)
def test_only_several_pairs_need_a_correction(
    cli: Cli, stacks: tuple[str, ...], method: str
) -> None:
    """Each pair is one more chance of a wrong verdict."""
    name = file_of(Path("a.json"), row(NATIVE, 1), *(row(stack, 0.8) for stack in stacks))

    assert method in cli("compare", name, "--by", "sender", "--baseline", NATIVE).out


@pytest.mark.parametrize("margin", ["15", "15%", "15 %", "broad*=15%", "broad and not lock=15"])
def test_the_margin_is_the_user_s(cli: Cli, margin: str) -> None:
    """10 % faster is equivalent to who asks for 15 %, for all cases or for this one."""
    name = file_of(Path("a.json"), row(NATIVE, 1), row(PV, 0.9))
    output = cli("compare", name, "--by", "sender", "--margin", margin)

    assert "equivalent  " in output.out


@pytest.mark.parametrize("margin", ["nan", "five", "=", "=5%", " =5", "a and=5"])
def test_a_wrong_margin_is_refused_in_one_sentence(cli: Cli, margin: str) -> None:
    """Before a file is read."""
    refused = cli("compare", "--margin", margin)

    assert (refused.status, refused.err.count("\n")) == (2, 1)
    assert "--margin" in refused.err
    assert "-k" not in refused.err


def test_margins_of_cases_come_from_the_table_of_defaults(cli: Cli) -> None:
    """A --margin of the command line replaces them."""
    Path("pyproject.toml").write_text('[tool.pvbench]\nmargins = {"*broadcast*" = "15%"}\n')
    name = file_of(Path("a.json"), row(NATIVE, 1), row(PV, 0.9))

    assert "15 % for cases that match" in cli("compare", name, "--by", "sender").out
    assert "faster" in cli("compare", name, "--by", "sender", "--margin", "1").out


@pytest.mark.parametrize(
    ("limit", "status", "sentence"),
    [
        pytest.param("10%", 1, "10 %: 1 of 1; undecided: 0.", id="above"),
        pytest.param("60", 0, "60 %: 0 of 1; undecided: 0.", id="below"),
        pytest.param("50", 4, "50 %: 0 of 1; undecided: 1.", id="within"),
    ],
)
def test_a_limit_is_the_threshold_of_a_gate(
    cli: Cli, limit: str, status: int, sentence: str
) -> None:
    """The interval of the slowdown is above it, below it, or has it inside."""
    times = [1.4 + boot / 40 for boot in range(8)]
    slower = row_of(
        "broadcast", PV, *(t * s for t, s in zip(times, DRIFT, strict=True)), **FACTS
    )
    name = file_of(Path("a.json"), row(NATIVE, 1), attrs.evolve(slower, boots=EIGHT))
    output = cli("compare", name, "--by", "sender", "--fail-above", limit)

    assert output.status == status
    assert f"Pairs that are slower by more than {sentence}" in output.out


@pytest.mark.parametrize(("boots", "status"), [(5, 4), (6, 1)])
def test_a_gate_needs_six_boots_of_each_side(cli: Cli, boots: int, status: int) -> None:
    """Three times the time in five boots is undecided, whatever the limit is."""
    sides = (
        attrs.evolve(side, boots_s=side.boots_s[:boots], boots=EIGHT[:boots])
        for side in (row(NATIVE, 1), row(PV, 3))
    )
    name = file_of(Path("a.json"), *sides)

    assert cli("compare", name, "--by", "sender", "--fail-above", "10%").status == status


def test_a_margin_that_names_no_case_is_said(cli: Cli) -> None:
    """On the command line it is a slip; a pyproject.toml is for other suites too."""
    name = file_of(Path("a.json"), row(NATIVE, 1), row(PV, 1.5))
    options = ("compare", name, "--by", "sender", "--margin", "broadcast=3%")
    sentence = "pvbench: --margin 'nosuch' matches no case that is compared\n"
    typed = cli(*options, "--margin", "nosuch=9%")
    Path("pyproject.toml").write_text('[tool.pvbench]\nmargins = { "nosuch" = "9%" }\n')

    assert (typed.err, cli(*options).err) == (sentence, "")
    assert cli(*options[:-2]).err == ""


def test_a_margin_is_not_a_gate(cli: Cli) -> None:
    """1.5 times the time is equivalent within 60 %, and nevertheless above a limit of 40 %."""
    name = file_of(Path("a.json"), row(NATIVE, 1), row(PV, 1.5))
    output = cli("compare", name, "--by", "sender", "--margin", "60", "--fail-above", "40")

    assert ("equivalent" in output.out, output.status) == (True, 1)


def test_single_published_values_have_no_verdict(cli: Cli) -> None:
    """They have none in the table and none in JSON."""
    arguments = ("compare", "published:norov-2018", "--by", "sender")
    output = cli(*arguments)

    assert "have no verdict: the noise of a single value is unknown." in output.out
    assert {pair["verdict"] for pair in json.loads(cli(*arguments, "--json").out)["pairs"]} == {
        None
    }
