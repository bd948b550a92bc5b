"""`pvbench compare`: which pairs are compared and shown."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.compared import BEFORE, PHYSICAL, compared, table
from support.runs import Cli, file_of, row_of


@pytest.mark.parametrize("form", ["plain", "csv"])
def test_only_changed_pairs_are_printed_if_that_is_asked_for(cli: Cli, form: str) -> None:
    """A sentence counts the others; a CSV without a row is empty."""
    output = compared(cli, [BEFORE], [BEFORE], "--only", "changed", "--format", form)
    sentence = "Pairs that are not shown: 1 equal."

    assert output.status == 0
    assert sentence in (output.err if form == "csv" else output.out)
    assert "broadcast" not in output.out


def test_only_the_cases_that_are_asked_for_are_compared(cli: Cli) -> None:
    """The others change no exit status, with or without a result."""
    slower = row_of("self-ipi", PHYSICAL, 9e-6)
    faster, missing = (row_of(name, PHYSICAL, 1e-6) for name in ("self-ipi", "dry-run"))
    output = compared(
        cli, [BEFORE, faster, missing], [BEFORE, slower], "-k", "broadcast", "--csv"
    )

    assert (output.status, [row["workload"] for row in table(output)]) == (0, ["broadcast"])


def test_an_expression_that_matches_no_case_is_refused(cli: Cli) -> None:
    """An empty comparison would look like one without a regression."""
    output = compared(cli, [BEFORE], [BEFORE], "-k", "xyzzy")

    assert (output.status, output.out) == (2, "")
    assert "-k matches no case of old.json, new.json" in output.err


def test_each_of_several_later_files_is_named_in_its_rows(cli: Cli) -> None:
    """One later file is named above the table."""
    names = [
        file_of(Path(f"{n}.json"), row_of("broadcast", PHYSICAL, n * 1e-6)) for n in (1, 2, 3)
    ]

    assert [row["side"] for row in table(cli("compare", *names, "--csv"))] == names[1:]
    assert "side" not in cli("compare", *names[:2]).out


def test_a_file_without_a_case_that_matches_is_named_in_one_sentence(cli: Cli) -> None:
    """Its missing cases are no differences between the files."""
    output = compared(cli, [BEFORE], [row_of("self-ipi", PHYSICAL, 1e-6)], "-k", "broadcast")

    assert output.status == 1
    assert output.err == "pvbench: new.json has no result of a case that -k matches\n"
    assert "differs:" not in output.out
