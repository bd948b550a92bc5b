"""The reasons why `live` cannot run on a machine or cannot run a case."""

from __future__ import annotations

import platform
from pathlib import Path
from typing import Any

import pytest

from pvbench.delivery import Options, Task
from pvbench.errors import UsageError
from pvbench.guest import Guest
from pvbench.ops import Burst
from pvbench.topology import parse_guest
from pvbench_deliver_live import Live, membarrier
from support.live import INTERRUPTS, THREE, call, fake_machine, prepared_case


def live(root: Path, *cpus: int) -> Live:
    """The delivery on a fake machine, of which it may use *cpus*."""
    return Live(root=root, usable=lambda: set(cpus or (0, 1, 3)))


def test_a_machine_with_all_requirements_is_available(tmp_path: Path) -> None:
    """Two CPUs are enough."""
    assert live(fake_machine(tmp_path), 1, 3).why_unavailable() is None


def test_one_usable_cpu_is_not_enough(tmp_path: Path) -> None:
    """The number of CPUs that exist does not matter."""
    reason = live(fake_machine(tmp_path), 1).why_unavailable()

    assert reason == "live needs two CPUs, but this process may use only one"


def test_a_machine_without_row_cal_is_unavailable(tmp_path: Path) -> None:
    """The sentence names the file."""
    reason = live(
        fake_machine(tmp_path, interrupts=INTERRUPTS.replace("CAL", "FOO"))
    ).why_unavailable()

    proc = tmp_path / "proc/interrupts"
    assert reason == f"cannot read the interrupt counts from {proc}: the file has no row CAL"


@pytest.mark.parametrize(
    ("text", "ids", "why"),
    [
        pytest.param(
            "processor : 0\napicid : 0\n\nprocessor : 3\napicid : 0\n",
            (0, 3),
            "does not show the APIC IDs: it gives APIC ID 0 to 2 CPUs",
            id="all-0-as-under-wsl",
        ),
        pytest.param(
            "processor : 0\nflags : apic\n",
            (0,),
            "does not show the APIC IDs: its kernel was built without SMP",
            id="without-smp",
        ),
    ],
)
def test_cpu_numbers_stand_for_apic_ids_that_the_kernel_does_not_show(
    tmp_path: Path, text: str, ids: tuple[int, ...], why: str
) -> None:
    """membarrier(2) needs no APIC IDs; a note says that they are unknown."""
    cpuinfo = fake_machine(tmp_path) / "proc/cpuinfo"
    cpuinfo.write_text(text)
    description = live(tmp_path).describe(Options())

    assert live(tmp_path).why_unavailable() is None
    assert description.host_ids.ids == ids
    assert description.notes[1:] == (
        f"CPU numbers stand for the APIC IDs, which are unknown: {cpuinfo} {why}.",
    )


def test_known_apic_ids_have_no_note(tmp_path: Path) -> None:
    """They are those of the CPUs online."""
    description = live(fake_machine(tmp_path)).describe(Options())

    assert (description.host_ids.ids, len(description.notes)) == ((0, 2, 6), 1)


def test_a_machine_that_lists_no_cpu_is_unavailable(tmp_path: Path) -> None:
    """The fix in the error is for other deliveries, so it is not shown."""
    cpuinfo = fake_machine(tmp_path) / "proc/cpuinfo"
    cpuinfo.write_text("cpu family : 6\n")

    expected = f"{cpuinfo} does not show the APIC IDs: it is not the text of /proc/cpuinfo"
    assert live(tmp_path).why_unavailable() == expected


def test_another_architecture_is_unavailable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """System call numbers differ between architectures."""
    monkeypatch.setattr(platform, "machine", lambda: "aarch64")

    expected = "live needs Linux on x86-64"
    assert live(fake_machine(tmp_path)).why_unavailable() == expected


@pytest.mark.parametrize(
    ("commands", "expected"),
    [
        pytest.param(-1, "the kernel refuses membarrier(2): ", id="seccomp"),
        pytest.param(
            1,
            "the kernel's membarrier(2) has no expedited command, which needs Linux 4.14",
            id="old-kernel",
        ),
    ],
)
def test_a_kernel_without_membarrier_is_unavailable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, commands: int, expected: str
) -> None:
    """The kernel answers a query with its commands."""
    monkeypatch.setattr(membarrier, "_syscall", lambda *arguments: commands)

    assert (live(fake_machine(tmp_path)).why_unavailable() or "").startswith(expected)


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        pytest.param({"costs": "x"}, r"no cost profiles\. Drop --costs\.", id="costs"),
        pytest.param(
            {"execution": "ops"}, r"executes no ops, .* Drop --execution ops\.", id="ops"
        ),
        pytest.param({"cpus": (1,)}, r"the workload names, .* Drop --cpu-list\.", id="cpus"),
    ],
)
def test_options_of_other_deliveries_are_refused(
    options: dict[str, Any], expected: str
) -> None:
    """The refusal says what to change."""
    with pytest.raises(UsageError, match=expected):
        Live().describe(Options(**options))


def test_it_has_a_noisy_clock_and_no_cost_profile(tmp_path: Path) -> None:
    """Its times are measured."""
    description = live(fake_machine(tmp_path)).describe(Options())

    assert (description.clock.exactness, description.costs) == ("noisy", None)
    assert Live().cost_profiles() == ()


def refused(delivery: Live, guest: Guest, task: Task) -> str | None:
    """Return why *delivery* cannot run a task."""
    return delivery.why_unsupported(guest, task, delivery.describe(Options()))


LACKS = "live times only the IPIs of this kernel on this machine: add "


@pytest.mark.parametrize(
    ("chosen", "expected"),
    [
        pytest.param({}, None, id="as-it-should-be"),
        pytest.param({"sender": "x2apic-physical"}, f"{LACKS}--sender kernel", id="sender"),
        pytest.param({"guest": "dense:3"}, f"{LACKS}--guest host", id="guest"),
        pytest.param(
            {"guest": "ids:0,2,6+offline:2"}, f"{LACKS}--guest host", id="offline-cpus"
        ),
        pytest.param({"state": "halted"}, f"{LACKS}--targets running", id="targets"),
        pytest.param(
            {"sender": "kvm-pv/x2apic-cluster", "guest": "dense:80", "state": "halted"},
            f"{LACKS}--sender kernel --guest host --targets running",
            id="a-suite-for-models",
        ),
    ],
)
def test_all_missing_options_are_named_at_once(
    tmp_path: Path, chosen: dict[str, str], expected: str | None
) -> None:
    """The user needs only one attempt to fix the command line."""
    case = prepared_case(call(1, 2), **chosen)

    assert refused(live(fake_machine(tmp_path)), case.case.guest, case.task) == expected


@pytest.mark.parametrize(
    ("bursts", "usable", "expected"),
    [
        pytest.param((), (0, 1), None, id="nothing-to-send"),
        pytest.param((call(1),), (0, 1), None, id="needs-two-of-three"),
        pytest.param((call(2),), (0, 1), "this process may not use CPU 3", id="target"),
        pytest.param((call(1),), (1, 3), "this process may not use CPU 0", id="source"),
        pytest.param(
            (call(1), call(0, source=1)),
            (0, 1, 3),
            "/proc/interrupts does not tell the IPIs of several sources apart: use one source",
            id="two-sources",
        ),
    ],
)
def test_a_workload_needs_cpus_that_this_process_may_use(
    tmp_path: Path, bursts: tuple[Burst, ...], usable: tuple[int, ...], expected: str | None
) -> None:
    """Guest CPU 2 is CPU 3 of the machine, which has no CPU 2."""
    case, delivery = prepared_case(*bursts), live(fake_machine(tmp_path), *usable)

    assert refused(delivery, case.case.guest, case.task) == expected


@pytest.mark.parametrize(
    "guest",
    [
        pytest.param(parse_guest(THREE, bits=32), id="bits"),
        pytest.param(parse_guest(THREE, host_cpus=2), id="host-cpus"),
    ],
)
def test_word_size_and_host_cpus_cannot_be_changed(tmp_path: Path, guest: Guest) -> None:
    """The machine is already running."""
    reason = refused(live(fake_machine(tmp_path)), guest, prepared_case(call(1)).task)

    assert reason == "live cannot change this machine: drop --host-cpus and --bits"
