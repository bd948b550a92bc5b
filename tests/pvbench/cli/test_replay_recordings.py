"""The recordings that `pvbench replay` takes: several, void ones, those that come with it."""

from __future__ import annotations

import json

from pvbench.recording.recording import Loss
from support.replayed import (
    CPUINFO,
    replayed,
    unwrapped,
    written,
)
from support.runs import Cli
from support.traces import TRACES


def test_a_sender_that_loses_interrupts_has_no_change_among_several(cli: Cli) -> None:
    """A note names the recording and the IPIs."""
    file = written("far", rows=[(0, 0, (1, 2), 2)])
    near = written("near", rows=[(0, 0, (1,), 2)])
    arguments = (file, near, "--guest", "ids:0,1,200,201", "--sender", "native,kvm-pv128-v3")
    far, close = replayed(cli, *arguments)["changes"]

    assert far["kvm-pv128-v3/x2apic-physical"] is None
    assert close["kvm-pv128-v3/x2apic-physical"] is not None
    text = unwrapped(cli("replay", *arguments).out)
    assert "far: kvm-pv128-v3/x2apic-physical: it loses 1 of 2 IPIs, so it has no" in text
    assert "near: kvm-pv128-v3" not in text


def test_lost_events_void_the_totals(cli: Cli) -> None:
    """The loss is named by CPU; with --accept-losses the totals are of the other events."""
    losses = (
        Loss(cpu=2, events=5, reason="CPU 2 lost 5 events"),
        Loss(cpu=None, events=None, reason="perf lost 1 chunk"),
    )
    file = written(losses=losses)
    done = cli("replay", file)
    assert done.status == 3
    assert "Its totals are void: CPU 2 lost 5 events, perf lost 1 chunk." in unwrapped(done.out)
    data = json.loads(cli("replay", file, "--json").out)
    assert (data["sends"], data["lost_events"], data["void"]) == (None, 5, True)

    accepted = cli("replay", file, "--accept-losses")
    assert accepted.status == 0
    assert "Events are missing: CPU 2 lost 5 events" in unwrapped(accepted.out)


def test_a_host_has_operations_and_no_sends_to_replay(cli: Cli) -> None:
    """The sentence says where sends can be traced."""
    done = cli("replay", str(TRACES / "host-perf-script.txt"))

    assert done.status == 2
    assert "has operations that a host saw, and no sends" in done.err


def test_a_histogram_has_no_masks_to_replay(cli: Cli) -> None:
    """It counts sends to one CPU."""
    done = cli("replay", str(TRACES / "smp8-hist_cpu.txt.gz"))

    assert done.status == 2
    assert "has counts of sends to one CPU only: a histogram has no masks" in done.err


def test_several_recordings_are_one_table(cli: Cli) -> None:
    """A workload is a row, and a sender a column."""
    files = (written("one"), written("two", rows=[(0, 0, (1, 2), 2)]))
    data = replayed(cli, *files, "--sender", "native,kvm-pv")

    assert [row["workload"] for row in data["changes"]] == ["one", "two"]
    assert data["changes"][1]["x2apic-physical"] == 0
    assert data["changes"][1]["kvm-pv/x2apic-physical"] < 0
    assert [row["sends"] for row in data["recordings"]] == [4, 1]
    assert {row["workload"] for row in data["stacks"]} == {"one", "two"}
    assert "Change of the sending time of multicasts" in cli("replay", *files).out


def test_void_recordings_are_named_among_several(cli: Cli) -> None:
    """The others have their totals."""
    losses = (Loss(cpu=2, events=5, reason="r"),)
    done = cli("replay", written("a", losses=losses), written("b"), "--json")

    assert done.status == 3
    data = json.loads(done.out)
    assert [row["sends"] for row in data["recordings"]] == [None, 4]
    assert [row["workload"] for row in data["changes"]] == ["b"]
    assert cli("replay", "a").status == 3


def test_all_void_recordings_have_no_table(cli: Cli) -> None:
    """Their sentences remain."""
    losses = (Loss(cpu=2, events=5, reason="r"),)
    done = cli("replay", written("a", losses=losses), written("b", losses=losses))

    assert done.status == 3
    assert done.out.count("Its totals are void: CPU 2 lost 5 events.") == 2


def test_a_recording_without_sends_says_so(cli: Cli) -> None:
    """It has no shares."""
    assert "It has no sends." in cli("replay", written("empty", rows=[])).out


def test_cpuinfo_is_refused_for_a_recording(cli: Cli) -> None:
    """The recording has its CPUs already."""
    done = cli("replay", written(), *CPUINFO)

    assert done.status == 2
    assert "is a recording, and --cpuinfo is for traces" in done.err
    assert "Give --cpuinfo when the trace is imported." in unwrapped(done.err)


def test_cpuinfo_is_refused_for_a_bundled_recording(cli: Cli) -> None:
    """It is named as the user names it."""
    done = cli("replay", "recorded:redis-16", *CPUINFO)

    assert done.status == 2
    assert "recorded:redis-16 is a recording, and --cpuinfo is for traces" in done.err
    assert "Give --guest for other APIC IDs." in done.err
    assert "results" not in done.err


def test_bundled_recordings_are_one_table(cli: Cli) -> None:
    """They are emulated, and each says how many sends it has."""
    done = cli(
        "replay", "recorded:membarrier-60", "recorded:hackbench-16", "--sender", "kvm-pv"
    )

    assert done.status == 0
    assert "They are membarrier-60 (171 sends), hackbench-16 (533 sends)." in unwrapped(
        done.out
    )
    assert "sent masks, shares, coalescing and rates are the emulator's" in unwrapped(done.out)
    assert "Change of the sending time of multicasts, from x2apic-physical" in done.out


def test_an_unknown_bundled_recording_is_named(cli: Cli) -> None:
    """The sentence lists the others."""
    done = cli("replay", "recorded:membarier-60")

    assert done.status == 2
    assert "Did you mean 'membarrier-60'?" in done.err
    assert "recorded:all is all of them" in unwrapped(done.err)
