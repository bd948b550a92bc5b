"""`pvbench compare --beside`: a prediction beside its result."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from support.compared import BEFORE, CLUSTER, PHYSICAL, compared, table
from support.runs import Cli, file_of, row_of


def test_a_modelled_run_is_laid_beside_the_published_one(cli: Cli, native_file: Path) -> None:
    """Residuals have their source and caveat, and the words "no ranking"."""
    output = cli("compare", "--beside", "published:norov-2018", str(native_file))

    assert output.status == 0
    assert "4180bf1b655a" in output.out
    assert "single run, no variance" in output.out
    assert "compared as residuals, not ranked" in output.out
    assert "verdict" not in output.out


def test_residuals_are_of_the_cells_that_both_have(cli: Cli, native_file: Path) -> None:
    """Two native columns of both broadcasts."""
    files = ("published:norov-2018", str(native_file))
    rows = table(cli("compare", "--beside", *files, "--format", "csv"))

    assert [(r["workload"], r["stack"], f"{float(r['published']):.2e}") for r in rows] == [
        ("broadcast", CLUSTER, "9.28e-05"),
        ("broadcast", PHYSICAL, "1.98e-04"),
        ("broadcast-lock", CLUSTER, "8.81e-05"),
        ("broadcast-lock", PHYSICAL, "1.98e-04"),
    ]
    assert all(
        float(r["residual"])
        == pytest.approx(float(r["modelled"]) / float(r["published"]) - 1, abs=1e-7)
        for r in rows
    )


@pytest.mark.parametrize(
    ("facts", "kind"),
    [
        pytest.param({"site": "local"}, "measured", id="here"),
        pytest.param({"site": "published"}, "published", id="elsewhere"),
    ],
)
def test_beside_names_the_kind_of_each_file(cli: Cli, facts: dict[str, str], kind: str) -> None:
    """It does so above the table, in its header and for scripts."""
    measured = row_of("broadcast", PHYSICAL, 1e-4, clock="tsc", **facts)
    files = (file_of(Path("taken.json"), measured), file_of(Path("model.json"), BEFORE))
    plain = cli("compare", "--beside", *files).out
    (pair,) = json.loads(cli("compare", "--beside", *files, "--json").out)["pairs"]

    assert (
        f"{kind.capitalize()} and modelled times are compared as residuals, not ranked."
        in plain
    )
    assert re.search(rf"guest +{kind} +modelled +residual$", plain, re.MULTILINE)
    assert (pair["baseline"], pair["side"]) == (kind, "modelled")


def test_times_of_one_kind_are_not_compared_as_a_prediction(cli: Cli) -> None:
    """A plain comparison judges them; as residuals both columns would have one name."""
    output = compared(cli, [BEFORE], [BEFORE], "--beside")

    assert (output.status, output.err.count("\n")) == (2, 1)
    assert (
        "both files have modelled times. Leave out --beside to compare the files." in output.err
    )


def test_a_prediction_without_its_result_gives_exit_status_3(cli: Cli) -> None:
    """The status is the same without --beside."""
    output = compared(cli, [row_of("self", PHYSICAL, 1e-6)], [BEFORE], "--beside")

    assert output.status == 3
    assert "the files have no case in common" in output.err
