"""What live needs of a machine, of a user and of a case: one sentence for each lack."""

from __future__ import annotations

import platform
from pathlib import Path
from typing import Any

import pytest

from pvbench.delivery import Options, Task
from pvbench.errors import UsageError
from pvbench.guest import Guest, parse_guest
from pvbench.ops import Burst
from pvbench_deliver_live import Live, membarrier
from support.live import INTERRUPTS, THREE, call, plant, ready


def live(root: Path, *cpus: int) -> Live:
    """On a planted machine, of which it may use *cpus*."""
    return Live(root=root, usable=lambda: set(cpus or (0, 1, 3)))


def test_a_machine_that_has_it_all_is_available(tmp_path: Path) -> None:
    """Two CPUs are enough."""
    assert live(plant(tmp_path), 1, 3).why_unavailable() is None


def test_one_usable_cpu_is_not_enough(tmp_path: Path) -> None:
    """However many there are."""
    reason = live(plant(tmp_path), 1).why_unavailable()

    assert reason == "an IPI takes two CPUs, and this process may use one"


def test_without_the_row_nothing_can_be_proved(tmp_path: Path) -> None:
    """The sentence names the file."""
    reason = live(
        plant(tmp_path, interrupts=INTERRUPTS.replace("CAL", "FOO"))
    ).why_unavailable()

    proc = tmp_path / "proc/interrupts"
    assert reason == f"{proc} cannot prove that an IPI was sent: it has no row CAL"


def test_a_machine_without_apic_ids_is_none(tmp_path: Path) -> None:
    """What to do about it is for guests of a model."""
    cpuinfo = plant(tmp_path) / "proc/cpuinfo"
    cpuinfo.write_text("processor : 0\n")

    expected = f"{cpuinfo} lists no APIC IDs of this machine: it is not an x86 machine"
    assert live(tmp_path).why_unavailable() == expected


def test_another_architecture_has_other_system_calls(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Their numbers differ."""
    monkeypatch.setattr(platform, "machine", lambda: "aarch64")

    expected = "membarrier(2) is called as Linux on x86-64 has it"
    assert live(plant(tmp_path)).why_unavailable() == expected


@pytest.mark.parametrize(
    ("commands", "expected"),
    [
        pytest.param(-1, "the kernel refuses membarrier(2): ", id="seccomp"),
        pytest.param(
            1,
            "the kernel's membarrier(2) has no expedited command (Linux 4.14 has)",
            id="old-kernel",
        ),
    ],
)
def test_a_kernel_without_membarrier_is_said_to_lack_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, commands: int, expected: str
) -> None:
    """By its answer to a query."""
    monkeypatch.setattr(membarrier, "_syscall", lambda *arguments: commands)

    assert (live(plant(tmp_path)).why_unavailable() or "").startswith(expected)


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        pytest.param({"costs": "x"}, r"no cost profiles\. Drop --costs\.", id="costs"),
        pytest.param(
            {"execution": "ops"}, r"replays no ops, .* Drop --execution ops\.", id="ops"
        ),
        pytest.param({"cpus": (1,)}, r"the workload names, .* Drop --cpu-list\.", id="cpus"),
    ],
)
def test_options_of_other_deliveries_are_refused(
    options: dict[str, Any], expected: str
) -> None:
    """With what to do."""
    with pytest.raises(UsageError, match=expected):
        Live().describe(Options(**options))


def test_it_has_a_noisy_clock_and_no_cost_profile(tmp_path: Path) -> None:
    """It measures."""
    description = live(plant(tmp_path)).describe(Options())

    assert (description.clock.exactness, description.costs) == ("noisy", None)
    assert Live().cost_profiles() == ()


def refused(here: Live, guest: Guest, task: Task) -> str | None:
    """Why a task cannot run, by what *here* says of itself."""
    return here.why_unsupported(guest, task, here.describe(Options()))


LACKS = "live has this kernel's IPIs only, on this machine: "


@pytest.mark.parametrize(
    ("chosen", "expected"),
    [
        pytest.param({}, None, id="as-it-should-be"),
        pytest.param({"sender": "x2apic-physical"}, f"{LACKS}--sender kernel", id="sender"),
        pytest.param({"guest": "dense:3"}, f"{LACKS}--guest host", id="guest"),
        pytest.param({"state": "halted"}, f"{LACKS}--targets running", id="targets"),
        pytest.param(
            {"sender": "kvm-pv/x2apic-cluster", "guest": "dense:80", "state": "halted"},
            f"{LACKS}--sender kernel --guest host --targets running",
            id="a-suite-for-models",
        ),
    ],
)
def test_all_that_a_command_line_lacks_is_told_at_once(
    tmp_path: Path, chosen: dict[str, str], expected: str | None
) -> None:
    """Nobody is told a second thing when the first is mended."""
    case = ready(call(1, 2), **chosen)

    assert refused(live(plant(tmp_path)), case.case.guest, case.task) == expected


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
            "interrupts of several sources cannot be told apart by CAL: one at a time",
            id="two-sources",
        ),
    ],
)
def test_what_a_workload_asks_for_must_be_there(
    tmp_path: Path, bursts: tuple[Burst, ...], usable: tuple[int, ...], expected: str | None
) -> None:
    """Guest CPU 2 is CPU 3 of the machine, which has no CPU 2."""
    case, here = ready(*bursts), live(plant(tmp_path), *usable)

    assert refused(here, case.case.guest, case.task) == expected


@pytest.mark.parametrize(
    "guest",
    [
        pytest.param(parse_guest(THREE, bits=32), id="bits"),
        pytest.param(parse_guest(THREE, host_cpus=2), id="host-cpus"),
    ],
)
def test_the_machine_is_taken_as_it_is(tmp_path: Path, guest: Guest) -> None:
    """It has no other word size and no other CPUs."""
    reason = refused(live(plant(tmp_path)), guest, ready(call(1)).task)

    assert reason == "live runs on this machine as it is: no --host-cpus and no --bits"
