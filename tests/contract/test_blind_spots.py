"""Limits of a run are stated below its table."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.runs import Cli, run_to

PV = ("--sender", "kvm-pv", "--driver", "x2apic-physical")
UNICAST = "kvm-pv sends nothing in normal-ipi: the driver sends unicasts."


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
                "kvm-pv sends nothing in normal-ipi, broadcast, broadcast-lock: "
                "with two CPUs all IPIs are unicasts, which the driver sends."
            ],
            id="two-cpus",
        ),
        pytest.param(
            ("--vcpus", "8", "--linux", "6.12"),
            [
                UNICAST,
                "kvm-pv sends nothing in broadcast, broadcast-lock: "
                "Linux 5.4 and later send full broadcasts by the driver's shorthand.",
            ],
            id="shorthands",
        ),
    ],
)
def test_cases_in_which_the_overlay_is_not_called_are_noted(
    tmp_path: Path, options: tuple[str, ...], expected: list[str]
) -> None:
    """Norov's tests do not use PV IPIs there, so their equal times mean nothing."""
    assert notes(run_to(tmp_path / "a.json", *PV, *options).out) == expected


def test_an_overlay_with_unicast_needs_no_note(tmp_path: Path) -> None:
    """Hyper-V's overlay defines `send_IPI`."""
    options = ("--sender", "hyperv-ipi", "--vcpus", "8")

    assert notes(run_to(tmp_path / "a.json", *options).out) == []


def test_lost_ipis_are_shown_in_the_table_and_below_it(cli: Cli, lossy_file: Path) -> None:
    """32 of 159 IPIs are lost, so there is no time to the acknowledgement."""
    out = cli("show", str(lossy_file)).out
    (line,) = [
        line for line in out.splitlines() if line.startswith("kvm-pv128-v3") and "of" in line
    ]

    assert line.endswith("loses 32 of 159")
    assert [note for note in notes(out) if "loses 32 of 159 IPIs of broadcast" in note] != []


@pytest.mark.parametrize("series", ["ack", "wall", "deliver"])
def test_a_lossy_case_has_no_time_that_includes_targets(
    cli: Cli, lossy_file: Path, series: str
) -> None:
    """It has only a send time."""
    out = cli("show", str(lossy_file), "--series", series, "--format", "csv").out

    assert "kvm-pv128-v3/x2apic-physical,loses 32 of 159" in out.splitlines()
