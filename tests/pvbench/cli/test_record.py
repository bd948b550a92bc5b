"""The command `pvbench record`, on a machine in a folder."""

from __future__ import annotations

import json
from pathlib import Path

import attrs
import pytest

from pvbench.cli import record
from pvbench.recorder import tracefs
from pvbench.recorder.kernel import RECEIVED, SENT, WANTED
from pvbench.recorder.tracefs import Tracefs
from pvbench.recording import stored
from support.fake_tracefs import (
    CALLS,
    EVERYTHING,
    HISTOGRAM,
    SENDS,
    FakeKernel,
    fake_kernel,
    text_of,
)
from support.runs import Cli

SENT_ONLY = ("--seconds", "0.001")


@attrs.frozen
class Place:
    """Makes the machine that the command records."""

    root: Path
    patch: pytest.MonkeyPatch

    def kernel(self, *texts: str, **options: object) -> FakeKernel:
        """Its kernel."""
        kernel = fake_kernel(self.root, *texts, **options)  # type: ignore[arg-type]

        def mounted(root: Path) -> Tracefs:
            assert root == self.root
            return kernel.tracefs

        self.patch.setattr(tracefs, "mounted", mounted)
        return kernel


@pytest.fixture
def place(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Place:
    """A machine apart from the current folder."""
    root = tmp_path_factory.mktemp("machine")
    monkeypatch.setattr(record, "_root", lambda: root)
    return Place(root, monkeypatch)


def test_a_command_is_recorded_twice(cli: Cli, place: Place) -> None:
    """The second time without the event that costs time in the path of sending."""
    kernel = place.kernel(text_of(*SENDS, *CALLS), text_of(*SENDS))
    done = cli("record", "--", "true", "--an-option")

    assert done.status == 0
    assert "It has 2 sends and 4 interrupts: 50 % of the sends have one target" in done.out
    assert "The kernel wanted 1 call of 3 targets before it coalesced them" in done.out
    assert "Recorded again without csd_queue_cpu: 2 sends in " in done.out
    assert "it is recorded again without csd_queue_cpu; --once does not do that" in done.err
    assert [kernel.enabled(number) for number in (0, 1)] == [
        {*EVERYTHING},
        {*EVERYTHING} - {WANTED},
    ]
    recording = stored.read(Path("true.recording"))
    assert "Recorded again without csd_queue_cpu: 2 sends" in recording.notes[0]
    assert sorted(recording.texts) == [
        "boot log",
        "cpuinfo",
        "interrupts after",
        "interrupts before",
    ]


def test_a_recording_can_be_replayed(cli: Cli, place: Place) -> None:
    """It is a file like any other recording."""
    place.kernel()
    assert cli("record", "--once", "-q", "-o", "my.recording", "true").status == 0

    replayed = cli("replay", "my.recording", "--sender", "kvm-pv")
    assert "25 % of all interrupts; PV IPI cannot change them" in replayed.out


def test_a_time_is_recorded_instead_of_a_command(cli: Cli, place: Place) -> None:
    """The second pass takes half of it."""
    place.kernel()
    data = json.loads(cli("record", *SENT_ONLY, "--json").out)

    assert Path("ipis.recording").exists()
    assert [one["name"] for one in data["passes"]] == [
        "with csd_queue_cpu",
        "without csd_queue_cpu",
    ]
    assert data["passes"][0]["seconds"] >= 0.001
    assert data["passes"][0]["unicast_share"] == 0.5


def test_once_is_one_pass(cli: Cli, place: Place) -> None:
    """The work of some commands can be done only once."""
    kernel = place.kernel()
    done = cli("record", "--once", "true")

    assert (len(kernel.settings), "Recorded again" in done.out) == (1, False)


def test_the_second_pass_may_send_nothing(cli: Cli, place: Place) -> None:
    """The recording is that of the first."""
    place.kernel(text_of(*SENDS, *CALLS), text_of())

    done = cli("record", *SENT_ONLY)
    assert (done.status, "without csd_queue_cpu: no send; with it" in done.out) == (0, True)


def test_linux_6_4_does_not_report_wanted_calls(cli: Cli, place: Place) -> None:
    """The calls that it only queued are no sends, and there is nothing to do again."""
    queued = (2, "ipi_send_cpu: cpu=3 callsite=g+0x1 callback=nohz_csd_func+0x0/0x10")
    kernel = place.kernel(
        text_of(*SENDS, queued), events=tuple(one for one in EVERYTHING if one != WANTED)
    )
    done = cli("record", "true")

    assert "This kernel does not report the calls that were wanted" in done.out
    assert len(kernel.settings) == 1


def test_an_older_kernel_can_count_what_is_received(cli: Cli, place: Place) -> None:
    """The refusal offers it, and it writes no recording."""
    place.kernel(events=tuple(RECEIVED.values()))
    refused = cli("record", "true")
    counted = json.loads(cli("record", "--receivers", "--json", "true").out)

    assert refused.status == 5
    assert "--receivers counts the interrupts that each CPU receives" in refused.err
    assert counted["receivers"][0] == {
        "cpu": "0",
        "reschedule": 3,
        "call_function": 3,
        "call_function_single": 3,
        "irq_work": 3,
    }
    assert counted["receivers"][-1]["reschedule"] == 5
    assert not list(Path().glob("*.recording"))


def test_a_histogram_is_counted_by_the_kernel(cli: Cli, place: Place) -> None:
    """It has no masks, so it is not compared with the interrupts received."""
    kernel = place.kernel(histogram=HISTOGRAM)
    done = cli("record", "--histogram", "true")

    assert "It has 12 sends and 12 interrupts.  The histogram counts sends to one" in done.out
    assert "5 sends had a mask" in done.out
    assert (len(kernel.settings), "line CAL" in done.out) == (1, False)


def test_a_kernel_without_histograms_is_refused(cli: Cli, place: Place) -> None:
    """The sentence names the option of the kernel."""
    place.kernel()
    done = cli("record", "--histogram", "true")

    assert (done.status, "CONFIG_HIST_TRIGGERS" in done.err) == (5, True)


@pytest.mark.parametrize("words", [(), (*SENT_ONLY, "true")])
def test_either_a_command_or_a_time_is_recorded(cli: Cli, words: tuple[str, ...]) -> None:
    """One of them must be given."""
    done = cli("record", *words)

    assert (done.status, "Give either: pvbench record -- COMMAND" in done.err) == (2, True)


@pytest.mark.parametrize("seconds", ["0", "1e9", "nan"])
def test_a_time_is_longer_than_nothing_and_at_most_a_week(cli: Cli, seconds: str) -> None:
    """Longer ones are mistakes."""
    done = cli("record", "--seconds", seconds)

    assert (done.status, "is not a time from 0 to 604800 s" in done.err) == (2, True)


def test_a_recording_replaces_no_file(cli: Cli, place: Place) -> None:
    """It is refused before anything runs."""
    Path("true.recording").write_text("mine")
    kernel = place.kernel()
    done = cli("record", "true")

    assert (done.status, "true.recording exists. Give -o OUT." in done.err) == (2, True)
    assert kernel.settings == []


def test_the_status_of_the_command_is_told(cli: Cli, place: Place) -> None:
    """The recording is kept."""
    place.kernel()
    done = cli("record", "--once", "false")

    assert (done.status, "false ended with status 1" in done.err) == (0, True)
    assert Path("false.recording").exists()


def test_a_command_that_cannot_be_run_leaves_nothing(cli: Cli, place: Place) -> None:
    """Neither a recording nor an instance."""
    kernel = place.kernel()
    done = cli("record", "/no/such")

    assert (done.status, "'/no/such' cannot be run" in done.err) == (2, True)
    assert (kernel.instances, kernel.enabled(0) >= {*SENT}) == ([], True)
    assert not list(Path().glob("*.recording"))
