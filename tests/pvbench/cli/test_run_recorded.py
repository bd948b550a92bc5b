"""`pvbench run` of recordings, whose results are files like any other."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from support.runs import Cli

SENDERS = ("--sender", "native,kvm-pv,kvm-pv-4.19", "--driver", "x2apic-physical")
SIXTY = ("--guest", "ids:0-11,16-27,32-43,48-59,64-75")
MEMBARRIER = ("workloads", "--workload", "recorded:membarrier-60", *SIXTY, *SENDERS)


def rows_of(text: str) -> dict[tuple[str, str], dict[str, Any]]:
    """The rows of a run, by stack and series."""
    rows = json.loads(text)["series"]
    return {(row["stack"], row["series"]): row for row in rows}


def test_a_run_of_a_recording_has_the_totals_of_a_replay(cli: Cli) -> None:
    """The times of its sends are summed, so both agree to the tick."""
    rows = rows_of(cli("run", *MEMBARRIER, "-q", "--json", "-o", "a.json").out)
    replayed = json.loads(cli("replay", "recorded:membarrier-60", *SENDERS, "--json").out)

    assert len(replayed["stacks"]) == 3
    for stack in replayed["stacks"]:
        for series in ("send", "wall"):
            row = rows[stack["stack"], series]
            assert row["value_s"] == pytest.approx(stack["send_s"], rel=1e-12)
            assert (row["icr_writes"], row["hypercalls"], row["exits"], row["lost"]) == (
                *(stack["icr_writes"], stack["hypercalls"]),
                *(stack["exits"], stack["lost_ipis"]),
            )
            assert row["assumed"] == pytest.approx(stack["assumed"], abs=0.001)
            assert (row["targets"], row["sources"], row["recording"]) == (1380, 171, "yes")


def test_a_table_names_the_recordings(cli: Cli) -> None:
    """The notes say what isolated bursts do not show."""
    text = cli("run", *MEMBARRIER, "-q", "-o", "a.json").out

    assert "median wall time of one recording, modelled" in text
    assert "140w 31h 171x" in text
    assert re.search("^stack +membarrier-60$", text, re.MULTILINE)
    assert "states, contention and coalescing are not reproduced." in text
    assert "Caveat: the recordings are those of emulated machines" in text
    assert "kvm-pv sends nothing" not in text


def test_results_of_recordings_can_be_compared(cli: Cli) -> None:
    """Between files, and between the senders of a file."""
    for costs in ("skylake-fastpath", "skylake-2018"):
        cli("run", *MEMBARRIER, "-q", "-o", f"{costs}.json", "--costs", costs)
    between = cli("compare", "skylake-fastpath.json", "skylake-2018.json", "--by", "costs")
    within = json.loads(cli("compare", "skylake-fastpath.json", "--by", "sender", "--json").out)

    assert between.status in (0, 1)
    assert "recorded:membarrier-60" in between.out
    verdicts = {pair["side"]: pair["verdict"] for pair in within["pairs"]}
    assert verdicts["kvm-pv/x2apic-physical"] == "faster"


def test_a_recording_has_no_polling_targets(cli: Cli) -> None:
    """What was sent to a CPU is not what Linux would send to one that polls."""
    done = cli("run", *MEMBARRIER, "-q", "-o", "a.json", "--targets", "polling")

    assert done.status == 3
    assert "a recording has what was sent" in done.out + done.err


def test_a_sample_estimates_the_whole_and_says_how_well(cli: Cli) -> None:
    """The strata, and the interval that drawing leaves, are in the notes."""
    workloads = ("--workload", "recorded:madvise-60,sampled:madvise-60:40", *SIXTY)
    done = cli("run", "workloads", *workloads, *SENDERS, "-q", "-o", "a.json")
    series = json.loads(cli("show", "a.json", "--json").out)["series"]
    rows = {(row["workload"], row["stack"]): row for row in series if row["series"] == "send"}

    for stack in ("x2apic-physical", "kvm-pv/x2apic-physical"):
        whole = rows["recorded:madvise-60", stack]
        drawn = rows["sampled:madvise-60:40:1", stack]
        assert drawn["sources"] == whole["sources"] == 986
        assert 0 < drawn["sampling_error"] < 0.05
        assert drawn["value_s"] == pytest.approx(
            whole["value_s"], rel=2 * drawn["sampling_error"]
        )
        assert "sampling_error" not in whole
    assert "Sends drawn for sampled:madvise-60:40:1: 2 of 23 reschedule to 1 CPU" in done.out
    assert "Sampling interval (95 %), plus and minus, by stack:" in done.out
