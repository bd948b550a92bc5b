"""A session with a lab, with a program in the place of QEMU."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import attrs
import pytest

from pvbench.delivery import Clock, Options
from pvbench.errors import PvbenchError, SiteError, UnavailableError, WorkerError
from pvbench.protocol import Describe, ErrorReport, Job, SliceReport
from pvbench.site import SiteOptions
from pvbench_site_lab import boot_watch, needs, snapshot
from pvbench_site_lab.address import parsed
from pvbench_site_lab.session import LabSession
from support.damage import damage_unseen
from support.fake_qemu import STATE
from support.helpers import DEADLINE_S
from support.jobs import job
from support.kernels import bz_image

Fault = Callable[[str], None]
REQUEST = Describe("model", "pvbench_deliver_model", Options())


def booted(lab: LabSession, work: Job) -> list[object]:
    with closing(lab.boot(lab.hosts[0], work)) as reports:
        return list(reports)


def test_a_boot_reports_its_slices_in_order(lab: LabSession) -> None:
    """The snapshot is made first."""
    reports = booted(lab, job())

    assert [report.number for report in reports if isinstance(report, SliceReport)] == [0, 1]
    assert len(reports) == 2


def test_all_boots_continue_one_snapshot(lab: LabSession) -> None:
    """It is made once, and each boot is a fresh machine from it."""
    booted(lab, job())
    (path,) = lab.store.folder.glob("snapshot-*")
    written = path.stat().st_ctime_ns, path.stat().st_ino
    booted(lab, job())

    assert path.read_bytes() == STATE
    assert path.stat().st_ino == written[1]


@pytest.mark.parametrize(
    "content", [b"", STATE[:1], b"State" + STATE[5:], STATE + b"x"], ids=str
)
def test_a_damaged_snapshot_is_made_anew_and_not_loaded(
    lab: LabSession, capsys: pytest.CaptureFixture[str], content: bytes
) -> None:
    """QEMU can hang when it loads one.  It may be empty, cut off, altered or too long."""
    booted(lab, job())
    (path,) = lab.store.folder.glob("snapshot-*")
    path.write_bytes(content)

    assert [len(booted(lab, job())) for _ in range(2)] == [2, 2]
    assert path.read_bytes() == STATE
    notice = f"pvbench: {path} is damaged and is made again\n"
    assert capsys.readouterr().err == notice


def test_a_snapshot_that_qemu_refuses_is_checked_and_made_anew(
    lab: LabSession, capsys: pytest.CaptureFixture[str]
) -> None:
    """A disk may damage a file without a trace of it."""
    booted(lab, job())
    (path,) = lab.store.folder.glob("snapshot-*")
    damage_unseen(path)

    assert len(booted(lab, job())) == 2
    assert path.read_bytes() == STATE
    assert f"{path} is damaged and is made again" in capsys.readouterr().err


def test_a_snapshot_that_is_removed_while_it_is_loaded_does_no_harm(
    lab: LabSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    """QEMU reads the open file, whatever its name is now."""
    booted(lab, job())
    (path,) = lab.store.folder.glob("snapshot-*")
    start = subprocess.Popen

    def remove_and_start(*arguments: Any, **options: Any) -> Any:
        lab.store.remove(path.name)
        return start(*arguments, **options)

    monkeypatch.setattr(subprocess, "Popen", remove_and_start)

    assert len(booted(lab, job())) == 2
    assert not path.exists()


def test_the_machine_that_writes_the_snapshot_describes_the_delivery(
    lab: LabSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It has translated the agent's code.  A boot is that of a fresh machine all the same."""
    commands: list[list[str]] = []
    start = subprocess.Popen

    def recorded(command: list[str], **options: Any) -> Any:
        commands.append(command)
        return start(command, **options)

    monkeypatch.setattr(subprocess, "Popen", recorded)
    lab.describe(lab.hosts[0], REQUEST)
    booted(lab, job())
    machines = ["-incoming" in command for command in commands if "-append" in command]

    assert machines == [False, True]


def test_a_description_has_the_lab_s_clock_facts_and_notes(lab: LabSession) -> None:
    """The rest is what the delivery says inside."""
    description = lab.describe(lab.hosts[0], REQUEST)

    assert description.clock == Clock("icount", 10**9, "near-exact")
    assert description.host["qemu"] == "9.9.9 (fake)"
    assert description.host["lab_package"] == "linux 9.9"
    assert len(description.host["lab_kernel"]) == 16
    assert "no AVIC and no IPI virtualization" in " ".join(description.notes)
    assert "every instruction counts as 2 ns" in " ".join(description.notes)
    assert description.advice == ()
    assert description.costs is not None


def test_with_clock_tsc_times_say_nothing(lab: LabSession) -> None:
    """They are not shown then."""
    lab = attrs.evolve(lab, address=parsed("here,clock=tsc"))
    description = lab.describe(lab.hosts[0], REQUEST)

    assert description.clock == Clock("tsc", None, "none")
    assert "so only counts are shown" in " ".join(description.notes)


def test_a_description_is_kept_for_later_sessions(lab: LabSession, qemu: Fault) -> None:
    """A QEMU that panics is not started."""
    first = lab.describe(lab.hosts[0], REQUEST)
    qemu("bios")
    later = attrs.evolve(lab, snapshots={})

    assert later.describe(lab.hosts[0], REQUEST) == first


def test_a_plan_needs_a_lab_that_was_described_before(lab: LabSession) -> None:
    """`--dry-run` boots nothing and writes nothing; the lab's files are large."""
    options = Options(probe=False)
    with pytest.raises(UnavailableError, match="lab here has not been described yet"):
        lab.describe(lab.hosts[0], REQUEST._replace(options=options))
    assert not lab.store.folder.exists()
    first = lab.describe(lab.hosts[0], REQUEST)

    assert lab.describe(lab.hosts[0], REQUEST._replace(options=options)) == first


@pytest.mark.parametrize("content", [b"", b"hello", b"\xff", b"#pvbench/99 2 00000000 {}\n"])
def test_a_kept_description_that_cannot_be_read_is_made_anew(
    lab: LabSession, content: bytes
) -> None:
    """An older version may have written it."""
    first = lab.describe(lab.hosts[0], REQUEST)
    (path,) = lab.store.folder.glob("description-*")
    path.write_bytes(content)

    assert lab.describe(lab.hosts[0], REQUEST) == first


def test_options_that_make_no_sense_are_refused_as_inside(lab: LabSession) -> None:
    """A usage error stays one."""
    options = Options(execution="ops")
    with pytest.raises(SiteError, match="a model times the sender's algorithm") as caught:
        lab.describe(lab.hosts[0], REQUEST._replace(options=options))

    assert caught.value.status == 2


def test_an_error_in_a_lab_is_the_last_report(lab: LabSession) -> None:
    """Here there is no such delivery."""
    (report,) = booted(lab, job(delivery="other"))

    assert isinstance(report, ErrorReport)


@pytest.mark.parametrize(
    ("fault", "sentence"),
    [
        ("panic", "the kernel of the lab panics: No working init found"),
        ("module", "the lab cannot go on: module kvm_amd cannot be loaded: Operation not"),
        ("bios", "the QEMU of the lab ended: qemu: could not load PC BIOS .* apt-get install"),
        ("silent", "the QEMU of the lab ended: its status is 3, and it printed nothing"),
        ("full", "store does not take the snapshot of the lab: cat: .*No space left"),
        ("full-at-end", "store does not take the snapshot of the lab: cat: .*No space left"),
        ("refuses", "QEMU refuses migrate: not today"),
        ("killed", "the QEMU of the lab was ended by SIGKILL"),
        ("child", "the worker in the lab was ended by signal 9: a request"),
        ("quits", "the worker in the lab ended with status 3: a request"),
        ("odd", "the worker in the lab ended with status 255: a request"),
        ("killed-loading", "the QEMU of the lab was ended by SIGKILL"),
    ],
)
def test_a_fault_is_one_sentence(
    lab: LabSession, qemu: Fault, fault: str, sentence: str
) -> None:
    """With the reason, from the console if it has one."""
    qemu(fault)
    with pytest.raises(WorkerError, match=sentence):
        booted(lab, job())


def test_a_fault_leaves_no_file_behind(lab: LabSession, qemu: Fault) -> None:
    """Neither a part of a snapshot nor a temporary folder stays."""
    qemu("full")
    with pytest.raises(WorkerError):
        booted(lab, job())
    files = {path.name.partition("-")[0] for path in lab.store.folder.glob("[!.]*")}

    assert files == {"kernel"}
    assert not list(lab.store.folder.glob("*.tmp"))


def test_a_boot_that_takes_too_long_is_ended(lab: LabSession, qemu: Fault) -> None:
    """The manager's clock counts."""
    lab.snapshots.clear()
    booted(lab, job())
    qemu("hangs")
    late = attrs.evolve(lab, options=SiteOptions(timeout_s=0.2))
    with pytest.raises(WorkerError, match=r"the boot took longer than 0.2 s, see --timeout"):
        booted(late, job())


def test_a_lab_that_never_is_ready_is_ended(
    lab: LabSession, qemu: Fault, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The last line of the console may say why."""
    qemu("spins")
    monkeypatch.setattr(snapshot, "BOOT_S", 1.0)
    with pytest.raises(WorkerError, match="the lab does not boot within 1 s: booted"):
        booted(lab, job())


@pytest.fixture
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine that does not get on is soon taken for a hang."""
    for name, value in {"IDLE_S": 0.5, "BUSY_S": 0.25, "_PERIOD_S": 0.05}.items():
        monkeypatch.setattr(boot_watch, name, value)


@pytest.mark.usefixtures("soon")
def test_a_lab_that_hangs_once_is_started_once_more(
    lab: LabSession, qemu: Fault, capsys: pytest.CaptureFixture[str]
) -> None:
    """The notice says what is wrong."""
    qemu("ready-at-last")

    assert len(booted(lab, job())) == 2
    assert capsys.readouterr().err.splitlines() == [
        "pvbench: console: booted",
        "pvbench: the lab has done nothing for 0.5 s and is not ready; it is started once more",
    ]


@pytest.mark.usefixtures("soon")
@pytest.mark.parametrize(
    ("fault", "sentence"),
    [
        ("never-ready", "the lab has done nothing for 0.5 s and is not ready"),
        ("spins", "the lab has run for 0.25 s and is not ready"),
    ],
)
def test_a_lab_that_hangs_twice_is_an_error(
    lab: LabSession,
    qemu: Fault,
    capsys: pytest.CaptureFixture[str],
    fault: str,
    sentence: str,
) -> None:
    """Whether its processors are idle or busy."""
    qemu(fault)
    with pytest.raises(WorkerError, match=sentence):
        booted(lab, job())

    assert capsys.readouterr().err.count("it is started once more") == 1
    assert not list(lab.store.folder.glob("snapshot-*"))


def test_a_missing_qemu_is_named_with_the_command_that_installs_it(
    lab: LabSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before anything is made."""
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UnavailableError, match="apt-get install qemu-system-x86"):
        lab.describe(lab.hosts[0], REQUEST)
    assert not lab.store.folder.exists()


def test_a_kernel_that_cannot_be_read_is_named(lab: LabSession) -> None:
    """It was there when its address was looked up."""
    lab.kernel.image.unlink()
    with pytest.raises(UnavailableError, match="vmlinux cannot be read: No such file"):
        lab.describe(lab.hosts[0], REQUEST)


def test_a_kernel_without_a_pvh_entry_boots_as_it_is(
    lab: LabSession, capsys: pytest.CaptureFixture[str]
) -> None:
    """QEMU boots a bzImage too, which decompresses itself."""
    lab.kernel.image.write_bytes(b"MZ and more")
    lab.describe(lab.hosts[0], REQUEST)
    (path,) = lab.store.folder.glob("kernel-*")

    assert path.read_bytes() == b"MZ and more"
    assert (
        f"{lab.kernel.image} decompresses itself under emulation, which is slow: "
        "it is not a bzImage"
    ) in capsys.readouterr().err


def test_a_damaged_kernel_is_named(lab: LabSession) -> None:
    """It would not boot."""
    lab.kernel.image.write_bytes(bz_image(b"BZh" + bytes(30)))
    with pytest.raises(UnavailableError, match=r"vmlinux is damaged: its payload is damaged"):
        lab.describe(lab.hosts[0], REQUEST)


def test_damaged_files_that_a_lab_starts_from_are_made_again(lab: LabSession) -> None:
    """The unpacked kernel is one of them."""
    lab.describe(lab.hosts[0], REQUEST)
    (path,) = lab.store.folder.glob("kernel-*")
    content = path.read_bytes()
    path.write_bytes(content[:-1])
    booted(attrs.evolve(lab, snapshots={}), job())

    assert path.read_bytes() == content


def test_the_console_is_shown_to_a_user_who_asks(
    lab: LabSession, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """`pvbench -v` sets the variable."""
    monkeypatch.setenv("PVBENCH_VERBOSE", "1")
    booted(lab, job())

    assert "pvbench: console: a request\n" in capsys.readouterr().err


def test_an_empty_console_is_said_to_a_user_who_asks(
    lab: LabSession,
    qemu: Fault,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """A kernel prints little after its boot, which is before the snapshot."""
    qemu("mute")
    booted(lab, job())
    monkeypatch.setenv("PVBENCH_VERBOSE", "1")
    booted(lab, job())

    sentence = "pvbench: console: the machine has printed nothing since its snapshot\n"
    assert capsys.readouterr().err == sentence


def test_the_end_of_the_console_is_shown_after_an_error(
    lab: LabSession, qemu: Fault, capsys: pytest.CaptureFixture[str]
) -> None:
    """Ten lines of it, below which the sentence stands."""
    qemu("panic")
    with pytest.raises(WorkerError):
        booted(lab, job())
    lines = capsys.readouterr().err.splitlines()

    assert len(lines) == 10
    assert lines[0] == "pvbench: console: line 14"
    assert lines[-1].endswith("Kernel panic - not syncing: No working init found.")


def test_the_console_of_a_machine_that_was_killed_is_not_shown(
    lab: LabSession, qemu: Fault, capsys: pytest.CaptureFixture[str]
) -> None:
    """The kernel inside knows nothing of it."""
    qemu("killed")
    with pytest.raises(WorkerError):
        booted(lab, job())

    assert capsys.readouterr().err == ""


def test_labs_run_side_by_side(lab: LabSession) -> None:
    """One that has several emulated CPUs keeps several of this machine busy."""
    by_tsc = attrs.evolve(lab, address=parsed("here,clock=tsc"))
    (host,), (host_tsc,) = lab.hosts, by_tsc.hosts

    assert (host.slots, host_tsc.slots) == (needs.most_labs(), 1)
    with lab.alone(), lab.alone(), by_tsc.alone():
        pass


CHILD = """
import sys
sys.path.insert(0, {tests!r})
from pathlib import Path
from pvbench.started_worker import Workers
from pvbench_site_lab.qemu import Machine
from pvbench_site_lab.vm import started
machine = Machine(program=Path({program!r}), kernel=Path("k"), initramfs=Path("i"),
                  clock="icount", cpus=1)
with started(machine, Workers()) as vm:
    print(vm.process.pid, flush=True)
    sys.stdin.readline()
"""


def test_qemu_ends_when_its_manager_is_killed(qemu: Fault, tmp_path: Path) -> None:
    """SIGKILL leaves the manager no time for anything."""
    program = str(tmp_path / "bin/qemu-system-x86_64")
    code = CHILD.format(tests=str(Path(__file__).parents[2]), program=program)
    manager = subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert manager.stdout
    emulator = os.pidfd_open(int(manager.stdout.readline()))
    manager.send_signal(signal.SIGKILL)
    manager.communicate(timeout=DEADLINE_S)
    import select

    ended, _, _ = select.select([emulator], [], [], DEADLINE_S)
    os.close(emulator)
    assert ended


def test_the_end_of_a_session_ends_its_machines(
    lab: LabSession, qemu: Fault, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also one that another thread waits for."""
    booted(lab, job())
    qemu("hangs")
    errors: list[str] = []

    def boot() -> None:
        try:
            booted(lab, job())
        except WorkerError as error:
            errors.append(str(error))

    thread = threading.Thread(target=boot)
    thread.start()
    while thread.is_alive():
        lab.workers.end()
        thread.join(0.05)

    assert errors == ["the QEMU of the lab was ended by SIGKILL"]


def test_a_job_that_does_not_fit_the_memory_is_refused(
    lab: LabSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With what to do."""
    monkeypatch.setattr("pvbench_site_lab.shared_memory._HALF", 5000)
    with pytest.raises(PvbenchError, match=r"not fit the memory of a lab\. Run fewer cases"):
        booted(lab, job())
