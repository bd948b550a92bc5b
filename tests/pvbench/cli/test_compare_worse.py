"""`pvbench compare`: cases that got worse than slow fail a gate."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from support.compared import BEFORE, PHYSICAL, case_of, compared, not_compared
from support.runs import Cli, row_of


def test_a_removed_case_is_a_regression_and_a_new_one_is_not(cli: Cli) -> None:
    """A sender that can no longer be measured must not pass a gate."""
    removed, new = row_of("dry-run", PHYSICAL, 1e-9), row_of("self-ipi", PHYSICAL, 1e-9)
    output = compared(cli, [BEFORE, removed], [BEFORE, new], "--csv")

    assert output.status == 1
    assert not_compared(output) == [
        (case_of(removed), "new.json", "only in old.json (regression)"),
        (new.name, "new.json", "only in new.json"),
    ]


def test_files_without_a_common_case_compare_nothing(cli: Cli) -> None:
    """A sentence says so, and both sides are named."""
    output = compared(cli, [BEFORE], [row_of("dry-run", PHYSICAL, 1e-9)])

    assert output.status == 1
    assert (
        "pvbench: the files have no case in common; --by AXIS compares cases that" in output.err
    )
    assert output.out.count("only in") == 2


@pytest.mark.parametrize("form", ["plain", "markdown", "csv"])
def test_every_format_shows_a_case_that_starts_to_lose_ipis(cli: Cli, form: str) -> None:
    """It has no time to acknowledgement any more, so no pair shows it; exit status 1."""
    other = row_of("self-ipi", PHYSICAL, 1e-9)
    lossy = row_of("broadcast", PHYSICAL, 1e-6, series="send", lost=1)
    output = compared(cli, [BEFORE, other], [lossy, other], "--format", form)

    assert output.status == 1
    assert "loses 1 of 79 IPIs (regression)" in output.out


def test_the_cases_that_a_run_did_not_reach_are_a_number(cli: Cli) -> None:
    """The run is incomplete, which comes first; programs get every case."""
    cases = [row_of(name, PHYSICAL, 1e-9) for name in ("self-ipi", "dry-run", "normal-ipi")]
    plan = {"format": 1, "boots": 4, "cases": [case_of(row) for row in [BEFORE, *cases]]}
    entries = [{"plan": plan}, {"boot": 1, "outcome": "ok"}, {"end": 130, "signal": 2}]
    Path("new.jsonl").write_text("".join(f"{json.dumps(entry)}\n" for entry in entries))
    output = compared(cli, [BEFORE, *cases], [BEFORE])
    others = cli("compare", "old.json", "new.json", "--csv").out.splitlines()
    parsed = json.loads(cli("compare", "old.json", "new.json", "--json").out)

    assert output.status == 1
    assert output.err == (
        "pvbench: new.json: incomplete: 1 of 4 boots, the run ended by signal 2; "
        "--resume continues it\n"
    )
    assert (
        "Missing in new.json: 3 cases, the run ended before a boot measured it (3 regressions)."
        in output.out
    )
    assert case_of(cases[0]) not in output.out
    assert sum(case_of(row) in line for row in cases for line in others) == 3
    assert [one["verdict"] for one in parsed["unpaired"]] == 3 * ["missing"]


def test_a_case_that_is_void_now_is_a_regression(cli: Cli) -> None:
    """The journal beside the later file has the outcome and the reason."""
    other = row_of("self-ipi", PHYSICAL, 1e-9)
    case = case_of(BEFORE)
    void = {"boot": 1, "outcome": "ok", "cases": {case: {"outcome": "void", "reason": "slow"}}}
    entries = [{"plan": {"format": 1, "boots": 1, "cases": [case]}}, void]
    Path("new.jsonl").write_text("".join(f"{json.dumps(entry)}\n" for entry in entries))
    output = compared(cli, [BEFORE, other], [other], "--csv")

    assert output.status == 1
    assert not_compared(output) == [(case, "new.json", "void: slow (regression)")]


def test_cases_that_got_worse_than_slow_are_above_the_times(cli: Cli) -> None:
    """A reader who sees the first table only must not miss it."""
    other = row_of("self-ipi", PHYSICAL, 1e-9)
    lines = compared(cli, [BEFORE, other], [other]).out.splitlines()
    worse = lines.index("Worse than slow in new.json:")

    assert worse < next(n for n, line in enumerate(lines) if line.startswith("workload"))
    assert lines[worse + 4].split()[0] == "missing"


def test_files_without_a_common_case_have_a_csv_of_the_cases_not_compared(cli: Cli) -> None:
    """There are no pairs, so it is the only table."""
    output = compared(cli, [BEFORE], [row_of("dry-run", PHYSICAL, 1e-9)], "--csv")

    assert output.out.splitlines()[0] == "file,verdict,name,why"
    assert len(not_compared(output)) == 2


@pytest.mark.parametrize(
    "options", [(), ("--series", "all"), ("--fail-above", "50%"), ("-k", "kvm-pv")]
)
def test_a_sender_that_begins_to_lose_ipis_fails_a_gate(
    cli: Cli, options: tuple[str, ...]
) -> None:
    """APIC IDs 100 to 111 in a user's files cannot slide into the window of kvm-pv-4.19."""
    folder = Path(__file__).parents[2] / "data" / "lossy"
    files = (str(folder / name) for name in ("good.json", "loses-12-of-141.json"))
    output = cli("compare", *files, *options, "--json")
    parsed = json.loads(output.out)
    (lossy,) = parsed["unpaired"]

    assert (output.status, lossy["verdict"]) == (1, "loses")
    assert lossy["detail"] == "loses 12 of 141 IPIs"
    assert "kvm-pv/x2apic-physical" in lossy["name"]
    assert {pair["verdict"] for pair in parsed["pairs"]} <= {"equal"}


def test_a_loss_in_the_baseline_names_the_baseline(
    cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The later file has the time, so the sentence must not seem to be about it."""
    monkeypatch.chdir(Path(__file__).parents[2] / "data" / "lossy")
    output = cli("compare", "loses-12-of-141.json", "good.json", "--json")
    (lossy,) = json.loads(output.out)["unpaired"]

    assert (lossy["file"], lossy["verdict"]) == ("good.json", "")
    assert lossy["detail"] == "loses 12 of 141 IPIs in loses-12-of-141.json"


def test_a_side_that_loses_ipis_has_no_time_to_compare(cli: Cli) -> None:
    """The two senders are equal in everything else, so the sentence is about the loss."""
    file = Path(__file__).parents[2] / "data" / "lossy" / "loses-12-of-141.json"
    output = cli("compare", str(file), "--by", "sender")

    assert output.status == 3
    assert "nothing to compare: a case that loses IPIs has no time" in output.err


@pytest.mark.parametrize("side", ["kvm-pv", "kvm-pv/x2apic-physical"])
def test_a_baseline_that_loses_ipis_is_refused_as_such(cli: Cli, side: str) -> None:
    """The file has the side, and the table above the times names it."""
    file = Path(__file__).parents[2] / "data" / "lossy" / "loses-12-of-141.json"
    output = cli("compare", str(file), "--by", "sender", "--baseline", side)

    assert output.status == 2
    assert output.err == (
        f"pvbench: side {side} loses IPIs, so it has no time to compare with. "
        "Sides with times: x2apic-physical.\n"
    )
