"""`pvbench compare` on a clock that does not repeat itself."""

from __future__ import annotations

import json
from pathlib import Path

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
    assert "95 % of the ratio" in output.out


def test_an_inconclusive_comparison_says_how_many_boots_find_its_difference(cli: Cli) -> None:
    """Of pairs that shared their boots."""
    noisy = row_of("broadcast", PV, *(1e-6, 2e-6) * 4, **FACTS)
    other = Row(name=noisy.name, facts=noisy.facts, boots_s=noisy.boots_s, boots=EIGHT)
    name = file_of(Path("a.json"), row(NATIVE, 1), other)
    output = cli("compare", name, "--by", "sender")

    assert "1 pair is inconclusive: the interval contains 1." in output.out
    assert "boots find a difference of" in output.out


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


def test_the_margin_is_the_user_s(cli: Cli) -> None:
    """10 % faster is equivalent to who asks for 15 %; no verdict needs a wrong margin."""
    name = file_of(Path("a.json"), row(NATIVE, 1), row(PV, 0.9))
    table = cli("compare", name, "--by", "sender", "--margin", "15").out
    refused = cli("compare", name, "--by", "sender", "--margin", "nan")

    assert "equivalent" in table
    assert (refused.status, refused.err.count("\n")) == (2, 1)
