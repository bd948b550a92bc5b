"""What the README shows is what a reader gets."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from pvbench.cli.main import main

README = (Path(__file__).parents[2] / "README.md").read_text()


def output(capsys: pytest.CaptureFixture[str]) -> str:
    return capsys.readouterr().out.rstrip("\n")


def test_the_readmes_table_is_what_its_first_line_prints(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The main job's output is shown whole; it is deterministic."""
    monkeypatch.chdir(tmp_path)

    status = main(["run", "norov", "-q"])

    assert (status, f"```\n{output(capsys)}\n```" in README) == (0, True)


def test_the_readmes_residuals_are_those_of_the_command_it_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Predicted stands beside published, row by row."""
    monkeypatch.chdir(tmp_path)
    main(["run", "norov", "-q", "-o", "run.json", "--sender", "native,kvm-pv"])
    capsys.readouterr()

    beside = ["--beside", "--series", "all", "--format", "markdown"]
    main(["compare", *beside, "published:norov-2018", "run.json"])

    printed = output(capsys).splitlines()
    shown = [line for line in printed if re.match(r"\| (normal|broadcast)", line)]
    assert (len(shown), [line for line in shown if line not in README]) == (16, [])


def test_the_readmes_own_suite_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A suite and its workload in one file."""
    monkeypatch.chdir(tmp_path)
    code = next(c for c in re.findall(r"```python\n(.*?)```", README, re.DOTALL) if "odd" in c)
    Path("my_suite.py").write_text(code)

    status = main(["run", "./my_suite.py", "-q", "--sender", "native"])

    assert (status, "odd:16" in output(capsys)) == (0, True)


def test_the_readmes_crossover_is_what_compare_prints(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The last paragraph of a comparison along a family."""
    monkeypatch.chdir(tmp_path)
    main(["run", "fanout", "-q", "--sender", "native,kvm-pv,xen-evtchn", "-k", "packed"])
    capsys.readouterr()

    main(["compare", "--by", "sender", "--baseline", "x2apic-cluster"])

    _, _, crossover = output(capsys).rpartition("\n\n")
    assert crossover in README


def test_the_readmes_explanation_is_what_explain_prints(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """`explain` needs no result and no state."""
    main(["explain", "kvm-pv", "--targets", "1,128,0"])

    assert output(capsys) in README


def test_the_readmes_sender_runs_and_gives_its_row(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A sender is one file of 40 lines, and the one that `plugins new` writes."""
    monkeypatch.chdir(tmp_path)
    main(["plugins", "new", "kvm-pv-sorted"])
    told = output(capsys)
    code = Path("kvm-pv-sorted/kvm_pv_sorted.py").read_text()
    assert f"```\n$ pvbench plugins new kvm-pv-sorted\n{told}\n```" in README
    assert (f"```python\n{code}```" in README, code.count("\n") <= 40) == (True, True)

    file = "kvm-pv-sorted/kvm_pv_sorted.py"
    which = ["--sender", "kvm-pv,kvm-pv-sorted", "--driver", "x2apic-physical"]
    where = ["--guest", "interleaved:129", "-k", "broadcast "]
    status = main(["run", "norov", "-q", "-p", file, *which, *where])

    rows = [line for line in output(capsys).splitlines() if line.startswith("kvm-pv")]
    assert (status, len(rows), [row for row in rows if row not in README]) == (0, 4, [])
