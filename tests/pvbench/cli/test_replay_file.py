"""The result file of `pvbench replay -o`."""

from __future__ import annotations

import json
from pathlib import Path

from pvbench.recording import stored
from support.recordings import recording_of
from support.replayed import MEMBARRIER as TRACE
from support.runs import Cli

SENDERS = ("--sender", "native,kvm-pv", "--driver", "x2apic-physical")
SIXTY = ("--guest", "ids:0-11,16-27,32-43,48-59,64-75")
MEMBARRIER = ("workloads", "--workload", "recorded:membarrier-60", *SIXTY, *SENDERS)
KVM_PV = ("kvm-pv", "send")


def test_a_replay_writes_a_result_file(cli: Cli) -> None:
    """It is that of a run of the recording in the guest that was recorded."""
    stored.write(
        recording_of(cpus=4, apic_ids={0: 0, 1: 2, 2: 4, 3: 130}), Path("my.recording")
    )
    replay = cli("replay", "my.recording", *SENDERS, "--linux", "5.10", "-o", "a.json")
    data = json.loads(cli("show", "a.json", "--json").out)
    (row,) = (row for row in data["series"] if (row["sender"], row["series"]) == KVM_PV)

    assert (replay.status, replay.err.splitlines()[-1]) == (0, "results: a.json")
    assert "One-target sends are 50 %" in replay.out
    assert row["workload"] == "recorded:./my.recording"
    assert (row["guest"], row["linux"], row["sources"]) == ("ids:0-4/2,130", "5.10", 4)


def test_a_replay_of_a_bundled_recording_writes_the_file_of_the_suite(cli: Cli) -> None:
    """Both have the same cases, so they can be compared."""
    cli("run", *MEMBARRIER, "-q", "-o", "run.json")
    cli("replay", "recorded:membarrier-60", *SENDERS, "-o", "replay.json")
    done = cli("compare", "run.json", "replay.json", "--json")

    assert done.status == 0
    assert {pair["verdict"] for pair in json.loads(done.out)["pairs"]} == {"equal"}


def test_a_replay_writes_the_file_of_one_recording(cli: Cli) -> None:
    """A suite has several."""
    done = cli("replay", "recorded:all", "-o", "a.json")

    assert (done.status, "-o writes the file of one recording" in done.err) == (2, True)


def test_a_replay_replaces_no_file(cli: Cli) -> None:
    """It is refused before anything is counted."""
    Path("a.json").write_text("mine")
    done = cli("replay", "recorded:redis-16", "-o", "a.json")

    assert (done.status, "a.json exists. Give another -o OUT" in done.err) == (2, True)
    assert done.out == ""


def test_a_replay_of_a_trace_needs_a_recording_for_its_file(cli: Cli) -> None:
    """The file names the recording, which can be run again."""
    for name in (TRACE, "-"):
        done = cli("replay", name, *SENDERS, "-o", "a.json")

        assert (done.status, done.out) == (2, "")
        assert f"{name} is a trace, and -o is for recordings" in done.err


def test_a_replay_without_a_sender_that_can_send_has_no_results(cli: Cli) -> None:
    """The journal has the reasons."""
    words = ("--sender", "kvm-pv", "--guest", "60+nox2apic", "-o", "a.json")
    done = cli("replay", "recorded:membarrier-60", *words)

    assert done.status == 3
    assert "no sender can send recorded:membarrier-60" in done.err


def test_a_name_that_is_no_result_file_is_refused_before_the_replay(cli: Cli) -> None:
    """A long replay would be printed, and its file lost."""
    output = cli("replay", "recorded:membarrier-60", "-o", "x.txt")

    assert (output.status, output.out) == (2, "")
    assert "x.txt does not end in .json" in output.err
