"""What a lab needs of this machine, by name and with the command that installs it."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from pvbench_site_lab import needs
from support.kernels import PVH_NOTE, vmlinux
from support.runs import Cli

Fault = Callable[[str], None]


def test_nothing_is_missing_where_all_is_installed(qemu: Fault) -> None:
    """QEMU says where its data are."""
    assert needs.why_unavailable() is None


def test_a_missing_qemu_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Nothing else can be checked without it."""
    monkeypatch.setenv("PATH", str(tmp_path))

    assert needs.why_unavailable() == (
        "there is no qemu-system-x86_64 (apt-get install qemu-system-x86)"
    )


def test_all_missing_files_of_qemu_are_named(qemu: Fault) -> None:
    """Each is named with its package."""
    data = Path(os.environ["FAKE_QEMU_DATA"])
    for path in data.iterdir():
        path.unlink()

    assert needs.why_unavailable() == (
        "SeaBIOS is missing (apt-get install seabios); "
        "QEMU's PVH loader is missing (apt-get install qemu-system-data)"
    )


def test_a_qemu_that_names_no_folders_is_tried(
    qemu: Fault, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that was built by hand may know its data."""
    monkeypatch.setenv("FAKE_QEMU_DATA", "none")

    assert needs.missing() == []


def test_another_architecture_is_named_first(
    qemu: Fault, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It cannot be installed."""
    monkeypatch.setattr("platform.machine", lambda: "riscv64")

    assert needs.why_unavailable() == (
        "a lab emulates x86-64 for the programs of this machine, which is riscv64"
    )


def test_the_version_is_qemu_s_own(qemu: Fault, tmp_path: Path) -> None:
    """A program that cannot be run has none."""
    assert needs.version_of(tmp_path / "bin/qemu-system-x86_64") == "9.9.9 (fake)"
    assert needs.version_of(tmp_path / "none") == "unknown"


@pytest.mark.parametrize(
    ("content", "labs"),
    [
        pytest.param("MemTotal: 9 kB\nMemAvailable: 3145728 kB\n", 3, id="memory"),
        pytest.param("MemAvailable: 90000000 kB\n", 8, id="cpus"),
        pytest.param("MemAvailable: 9 kB\n", 1, id="at-least-one"),
        pytest.param("MemTotal: 9 kB\n", 8, id="unknown"),
        pytest.param(None, 8, id="no-file"),
    ],
)
def test_labs_run_side_by_side_as_far_as_cpus_and_memory_go(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: str | None, labs: int
) -> None:
    """A lab takes a CPU and 1 GiB."""
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(8)))
    monkeypatch.setattr(needs, "_MEMINFO", tmp_path / "meminfo")
    if content:
        (tmp_path / "meminfo").write_text(content)

    assert needs.most_labs() == labs


def test_doctor_names_what_is_missing(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the command that installs it, and the exit status of a missing environment."""
    (tmp_path / "vmlinux").write_bytes(vmlinux(PVH_NOTE))
    monkeypatch.setenv("PATH", str(tmp_path))
    output = cli("doctor", "--site", "lab:./vmlinux")

    assert output.status == 5
    assert "lab:./vmlinux cannot be used here: there is no qemu-system-x86_64" in output.err
    assert "apt-get install qemu-system-x86" in output.err


def test_the_family_is_listed_with_its_form(cli: Cli, qemu: Fault) -> None:
    """Whether it can be used is asked without booting anything."""
    sites = {site["name"]: site for site in json.loads(cli("list", "sites", "--json").out)}

    assert sites["lab:KERNEL"]["usable"] == "yes"


@pytest.mark.parametrize(
    ("site", "sentence"),
    [
        ("lab", "site 'lab' needs an address. Write lab:KERNEL."),
        ("lab:x,clock=y", "'x,clock=y' is not the address of a lab: its clock is 'y'"),
        ("lab:0.0.0-none", "there is no kernel for a lab called '0.0.0-none'"),
    ],
)
def test_a_wrong_lab_is_refused_with_a_sentence(
    cli: Cli, qemu: Fault, site: str, sentence: str
) -> None:
    """Any wrong word on the command line is refused so."""
    output = cli("run", "norov", "--site", site, "--delivery", "kvm")

    assert (output.status, sentence in output.err) == (2, True), output.err


@pytest.mark.parametrize(("machine", "is_here"), [("x86_64", True), ("aarch64", False)])
def test_a_lab_needs_the_programs_of_its_architecture(
    monkeypatch: pytest.MonkeyPatch,
    machine: str,
    is_here: bool,
) -> None:
    """It runs this machine's Python inside."""
    monkeypatch.setattr("platform.machine", lambda: machine)

    assert (needs.why_not_here() is None) == is_here
