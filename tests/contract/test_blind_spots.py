"""What a run cannot show is said below its table, by the command itself."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.runs import Cli, run_to

PV = ("--sender", "kvm-pv", "--driver", "x2apic-physical")
UNICAST = "normal-ipi cannot tell kvm-pv from the driver: unicast stays native."


def notes(text: str) -> list[str]:
    """The notes below a table."""
    lines = text.splitlines()
    return [line.removeprefix("Note: ") for line in lines if line.startswith("Note: ")]


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        pytest.param(("--vcpus", "8"), [UNICAST], id="unicast"),
        pytest.param(
            ("--vcpus", "2"),
            [
                "normal-ipi, broadcast, broadcast-lock cannot tell kvm-pv from the driver: "
                "a guest with two CPUs never uses the mask path."
            ],
            id="two-cpus",
        ),
        pytest.param(
            ("--vcpus", "8", "--shorthands"),
            [
                UNICAST,
                "broadcast, broadcast-lock cannot tell kvm-pv from the driver: a guest of "
                "Linux 5.4 or later sends full broadcasts by shorthand, past PV.",
            ],
            id="shorthands",
        ),
    ],
)
def test_a_test_that_cannot_tell_the_overlay_from_its_driver_is_noted(
    tmp_path: Path, options: tuple[str, ...], expected: list[str]
) -> None:
    """Norov's tests are blind to PV there; equal numbers would pass for a finding."""
    assert notes(run_to(tmp_path / "a.json", *PV, *options).out) == expected


def test_an_overlay_that_does_unicast_needs_no_note(tmp_path: Path) -> None:
    """Hyper-V's overlay has `send_IPI` of its own."""
    options = ("--sender", "hyperv-ipi", "--vcpus", "8")

    assert notes(run_to(tmp_path / "a.json", *options).out) == []


def test_a_loss_is_shown_in_the_table_and_below(cli: Cli, lossy_file: Path) -> None:
    """32 of 159, and why there is no time to acknowledgement."""
    out = cli("show", str(lossy_file)).out
    (line,) = [
        line for line in out.splitlines() if line.startswith("kvm-pv128-v3") and "of" in line
    ]

    assert line.endswith("loses 32 of 159")
    assert [note for note in notes(out) if "loses 32 of 159 IPIs of broadcast" in note] != []


@pytest.mark.parametrize("series", ["ack", "wall", "deliver"])
def test_a_loss_is_no_time_in_any_series(cli: Cli, lossy_file: Path, series: str) -> None:
    """There is a send time only."""
    out = cli("show", str(lossy_file), "--series", series, "--format", "csv").out

    assert "kvm-pv128-v3/x2apic-physical,loses 32 of 159" in out.splitlines()
