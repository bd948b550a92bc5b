"""The command `pvbench replay`."""

from __future__ import annotations

import csv
from pathlib import Path

import attrs
import numpy as np
import pytest

from pvbench.recording import stored
from support.recordings import recording_of
from support.replayed import (
    CPUINFO,
    INTERLEAVED,
    MEMBARRIER,
    replayed,
    stack_of,
    unwrapped,
    written,
)
from support.runs import Cli

PV = ("--sender", "native,kvm-pv")


def test_the_sentences_come_first(cli: Cli) -> None:
    """The trace is emulated, so nothing is said of CPU time."""
    done = cli("replay", MEMBARRIER, *CPUINFO)

    assert done.status == 0
    text = unwrapped(done.out)
    assert text.startswith(
        "smp60-membarrier.txt.gz One-target sends are 81.9 % (95 % interval 75.4 to 86.9 %) "
        "of 171 sends and 10.1 % of all interrupts; PV IPI cannot change them. The rest is "
        "89.9 % of interrupts and, with costs skylake-fastpath, 90.9 % of modelled sending "
        "time, of which kvm-pv changes -36.5 % (less time). Targets of a send:"
    )
    assert "CPU time recorded" not in text
    assert "call sites and wanted CPUs are Linux's" in text


@pytest.mark.parametrize("word", ["save", "cost", "benefit"])
def test_modelled_sending_time_is_called_by_no_other_word(cli: Cli, word: str) -> None:
    """Only a cost profile has costs."""
    text = cli("replay", MEMBARRIER, *CPUINFO).out.replace("costs ", "")

    assert word not in text


def test_a_membarrier_of_60_vcpus_needs_31_hypercalls_with_its_own_apic_ids(cli: Cli) -> None:
    """Each multicast fits one window."""
    data = replayed(cli, MEMBARRIER, *CPUINFO)

    assert stack_of(data, "kvm-pv/x2apic-physical")["hypercalls"] == 31
    assert stack_of(data, "kvm-pv128-v3/x2apic-physical")["lost_ipis"] == 0


def test_it_needs_434_hypercalls_with_interleaved_apic_ids(cli: Cli) -> None:
    """CPUs 0, 1, 2, 3 have the IDs 0, 128, 1, 129, and so on."""
    data = replayed(cli, MEMBARRIER, *INTERLEAVED)

    assert stack_of(data, "kvm-pv/x2apic-physical")["hypercalls"] == 434


def test_the_first_proposal_loses_651_interrupts_of_it(cli: Cli) -> None:
    """All to CPUs with APIC IDs of 128 and above."""
    data = replayed(cli, MEMBARRIER, *INTERLEAVED)

    assert stack_of(data, "kvm-pv128-v3/x2apic-physical")["lost_ipis"] == 651


def test_a_sender_that_loses_interrupts_has_neither_time_nor_change(cli: Cli) -> None:
    """It would need less time only because it sends less."""
    arguments = (MEMBARRIER, "--guest", "ids:150,0-28,151-180", "--linux", "4.19")
    data = replayed(cli, *arguments, "--sender", "native,kvm-pv")

    row = stack_of(data, "kvm-pv/x2apic-physical")
    assert (row["lost_ipis"], row["why"]) == (465, "it loses 465 of 1380 IPIs")
    assert (row["send_s"], row["change_of_rest"], data["change_of_rest"]) == (None, None, None)
    assert row["exits"] == 202
    native = stack_of(data, "x2apic-physical")
    assert (native["lost_ipis"], native["change_of_rest"]) == (0, 0)
    conditions = {(one["axis"], one["value"]): one for one in data["sensitivity"]}
    assert conditions["targets", "halted"]["change"] is None
    assert conditions["APIC IDs", "recorded"]["change"] is not None
    text = unwrapped(cli("replay", *arguments, "--sender", "native,kvm-pv").out)
    assert "; kvm-pv has no change, because it loses 465 of 1380 IPIs. " in text
    assert "kvm-pv/x2apic-physical: it loses 465 of 1380 IPIs, so it has no sending" in text


def test_json_has_the_numbers(cli: Cli) -> None:
    """Shares are from 0 to 1, and times in seconds."""
    data = replayed(cli, MEMBARRIER, *CPUINFO, "--costs", "skylake-2018", "--linux", "4.19")

    assert (data["sends"], data["interrupts"], data["lost_events"]) == (171, 1380, 0)
    assert data["unicast_share"] == pytest.approx(140 / 171)
    assert data["unicast_interrupt_share"] == pytest.approx(140 / 1380)
    assert (data["costs"], data["linux"], data["times"]) == ("skylake-2018", "4.19", "emulated")
    native = stack_of(data, "x2apic-physical")
    assert (native["icr_writes"], native["hypercalls"], native["exits"]) == (1380, 0, 1380)
    assert 0.001 < native["send_s"] < 0.01
    assert 0 < native["assumed"] < 1
    assert stack_of(data, "xapic-flat")["send_s"] is None
    assert data["sending_share_of_cpu_time"] is None
    conditions = {(row["axis"], row["value"]): row for row in data["sensitivity"]}
    assert conditions["APIC IDs", "interleaved:N"]["hypercalls"] == 434
    assert {axis for axis, _ in conditions} == {"APIC IDs", "Linux", "targets", "costs"}


def test_a_share_of_cpu_time_needs_real_times(cli: Cli) -> None:
    """Four CPUs, and four sends within 8 microseconds."""
    emulated, real = written("a", times="emulated"), written("b", times="real")
    assert replayed(cli, emulated)["sending_share_of_cpu_time"] is None

    data = replayed(cli, real, "--sender", "native")
    share = stack_of(data, "x2apic-physical")["send_s"] / (4 * 8e-6)
    assert data["sending_share_of_cpu_time"] == pytest.approx(share)
    percent = f"{100 * share:.3g} %"
    assert (
        f"Sending is at most {percent} of the CPU time recorded, so no sender can gain more "
        f"than {percent} by cheaper sending; waiting and coalescing are not in this figure."
    ) in unwrapped(cli("replay", real, "--sender", "native").out)


def test_a_share_of_many_sends_has_no_interval(cli: Cli) -> None:
    """From 10 000 sends on."""
    rows = [(n, 0, (1,), 0) for n in range(4)]
    recording = recording_of(rows)
    sent = attrs.evolve(recording.sent, count=np.full(4, 2500, np.int64))
    stored.write(attrs.evolve(recording, sent=sent), Path("many"))

    text = unwrapped(cli("replay", "many").out)
    assert "One-target sends are 100 % of 10000 sends and 100 % of all interrupts" in text
    assert "interval" not in text


def test_the_sentence_is_about_another_overlay_if_it_is_chosen(cli: Cli) -> None:
    """And about halted targets if these are chosen."""
    text = unwrapped(
        cli("replay", written(), "--sender", "hyperv-ipi", "--targets", "halted").out
    )

    assert "of which hyperv-ipi changes" in text
    assert "to halted targets" in text
    assert "give --cpuinfo" in text


@pytest.mark.parametrize("sender", ["x2apic-cluster", "native"])
def test_no_overlay_is_spoken_of_unless_it_is_a_sender(cli: Cli, sender: str) -> None:
    """The share of the modelled sending time is that of the driver."""
    arguments = ("recorded:membarrier-60", "--sender", sender)
    text = unwrapped(cli("replay", *arguments).out)

    assert "89.9 % of interrupts and, with costs skylake-fastpath, 90.9 % of mod" in text
    assert "kvm-pv" not in text
    assert "under other conditions" not in text
    assert "costs bare-metal" not in text
    data = replayed(cli, *arguments)
    assert (data["overlaid"], data["change_of_rest"]) == (None, None)
    assert (data["base"], "sensitivity" in data) == ("x2apic-physical", False)


def test_the_sentence_is_about_the_stack_that_is_shown(cli: Cli) -> None:
    """The overlay is not put over the driver of --driver instead."""
    data = replayed(cli, written(), "--sender", "hyperv-ipi,kvm-pv/x2apic-cluster")

    assert data["overlaid"] == "kvm-pv/x2apic-cluster"


def test_an_overlay_as_the_driver_is_refused(cli: Cli) -> None:
    """The advice is a driver."""
    done = cli("replay", written(), "--driver", "kvm-pv")

    assert done.status == 2
    assert "'kvm-pv' is not a driver: it is an overlay. Name a driver, such as" in done.err
    assert cli("replay", written(), "--driver", "x2apic-cluster").status == 0


def test_more_time_is_called_so(cli: Cli) -> None:
    """A change is a number with a sign, and the sentence says what the sign means."""
    options = ("--costs", "sapphire-rapids-ipiv", "--sender", "kvm-pv")
    text = unwrapped(cli("replay", "recorded:membarrier-60", *options).out)

    assert "of which kvm-pv changes +3.78 % (more time)." in text


def test_pv_ipi_changes_nothing_without_sends_to_several_cpus(cli: Cli) -> None:
    """There is no time to change."""
    text = unwrapped(cli("replay", "recorded:hackbench-16").out)

    assert (
        "The rest is 0 % of interrupts and, with costs skylake-fastpath, 0 % of modelled "
        "sending time: no send is to several CPUs, so PV IPI changes nothing."
    ) in text


def test_notes_are_about_what_is_shown(cli: Cli) -> None:
    """Several recordings have no table of conditions, and no sends have no times."""
    one, two, empty = written("one"), written("two"), written("empty", rows=[])
    alone, both = (unwrapped(cli("replay", *files).out) for files in ((one,), (one, two)))

    for note in ("The change is that of kvm-pv/x2apic-physical from", "costs bare-metal: bare"):
        assert note in alone
        assert note not in both
    assert "Sending time is modelled" in both
    assert "Sending time is modelled" not in cli("replay", empty).out


def test_a_machine_without_a_hypervisor_counts_no_hypercalls(cli: Cli) -> None:
    """The stack cannot run there."""
    rows = replayed(cli, "recorded:membarrier-60")["sensitivity"]
    (row,) = (row for row in rows if row["value"] == "bare-metal")

    assert (row["hypercalls"], row["lost_ipis"], row["change"]) == (None, None, None)
    assert row["why"] == "bare metal has no hypervisor to call"


def test_many_callsites_are_shortened(cli: Cli) -> None:
    """The smallest are one row."""
    from pvbench.recording.bursts import Call

    calls = tuple(
        Call(kind="single", callsite=f"site_{n:02}+0x1", function="f") for n in range(20)
    )
    rows = [(n, 0, (1,), n) for n in range(20)]
    data = replayed(cli, written("sites", rows=rows, calls=calls))

    assert [row["callsite"] for row in data["callsites"]][-1] == "8 others"
    assert data["callsites"][-1]["sends"] == 8


def test_a_reason_that_holds_under_each_condition_is_given_once(cli: Cli) -> None:
    """No condition gives PV IPIs to a kernel that lacks them."""
    text = unwrapped(cli("replay", "recorded:membarrier-60", "--linux", "4.18", *PV).out)

    assert text.count("it came with 4.19") == 1
    assert "costs bare-metal:" not in text


def test_a_base_that_the_guest_cannot_have_is_a_reason(cli: Cli) -> None:
    """The sentence says why there is no time, and a note names all stacks without one."""
    arguments = ("recorded:membarrier-60", "--guest", "60+nox2apic")
    text = unwrapped(cli("replay", *arguments, "--sender", "native,kvm-pv,xapic-physical").out)
    why = "the CPUs of the guest have no x2APIC"

    assert f"89.9 % of interrupts; x2apic-physical has no sending time, because {why}." in text
    assert f"x2apic-physical, kvm-pv/x2apic-physical: {why}." in text


def test_a_csv_has_a_row_for_each_stack(cli: Cli) -> None:
    """The other tables are in JSON."""
    lines = cli("replay", "recorded:membarrier-60", "--sender", "kvm-pv,native", "--csv").out
    rows = list(csv.DictReader(lines.splitlines()))

    assert [row["stack"] for row in rows] == ["kvm-pv/x2apic-physical", "x2apic-physical"]
    assert (rows[0]["hypercalls"], rows[0]["ICR writes"], rows[1]["hypercalls"]) == (
        *("31", "140"),
        "0",
    )
