"""`pvbench show --plot`, and the plot at the end of a run in a terminal."""

from __future__ import annotations

import io
import sys

import pytest

from support.charts import need_plots
from support.runs import Cli

FANOUT = ("run", "fanout", "--fast", "-q", "-o", "a.json", "--sender", "native")
FEW = ("--vcpus", "4", "--driver", "x2apic-physical", "-k", "*packed*")
TITLE = "fanout packed on dense:4: wall time of one burst by targets"


class Terminal(io.StringIO):
    """A standard output that is a terminal."""

    def isatty(self) -> bool:
        return True


def test_show_draws_the_families_of_a_file(cli: Cli) -> None:
    """Below the tables; a run whose output is a pipe draws nothing."""
    need_plots()
    run = cli(*FANOUT, *FEW)
    output = cli("show", "a.json", "--plot")

    assert (run.status, output.status) == (0, 0)
    assert (TITLE in run.out, TITLE in output.out) == (False, True)


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        pytest.param(("published:norov-2018",), "there is nothing to plot", id="no-family"),
        pytest.param(
            ("published:norov-2018", "--json"), "--plot draws in plain text", id="format"
        ),
    ],
)
def test_what_cannot_be_drawn_is_refused(
    cli: Cli, words: tuple[str, ...], sentence: str
) -> None:
    """With the reason."""
    output = cli("show", *words, "--plot")

    assert output.status == 2
    assert sentence in output.err


def test_without_the_library_show_says_so(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    """The tables are printed all the same."""
    cli(*FANOUT, *FEW)
    monkeypatch.setitem(sys.modules, "plotext", None)
    output = cli("show", "a.json", "--plot")

    assert output.status == 5
    assert "fanout on dense:4" in output.out
    assert "plotext is not installed" in output.err


@pytest.mark.parametrize(
    ("words", "is_drawn"),
    [
        pytest.param((), True, id="plain"),
        pytest.param(("--csv",), False, id="csv"),
    ],
)
def test_a_run_in_a_terminal_ends_with_its_plot(
    cli: Cli, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...], is_drawn: bool
) -> None:
    """The shape of a curve says more than a row of numbers."""
    need_plots()
    monkeypatch.setattr(io, "StringIO", Terminal)
    output = cli(*FANOUT, *FEW, *words)

    assert (TITLE in output.out) is is_drawn
