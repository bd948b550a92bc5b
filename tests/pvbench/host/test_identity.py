"""The identity of a machine."""

from __future__ import annotations

from pathlib import Path

import pytest

from pvbench.host import identity


@pytest.fixture(autouse=True)
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the machine ID and the boot ID."""
    monkeypatch.delenv("PVBENCH_HOST_ID", raising=False)
    monkeypatch.setattr(identity, "_MACHINE_ID", tmp_path / "machine")
    monkeypatch.setattr(identity, "_BOOT_ID", tmp_path / "boot")
    (tmp_path / "machine").write_text("0123456789abcdef\n")
    (tmp_path / "boot").write_text("1-2-3\n")
    return tmp_path


def test_the_id_of_a_host_does_not_reveal_its_machine_id(files: Path) -> None:
    """It is a hash, the same after the next boot of the machine."""
    before = identity.host_id()
    (files / "boot").write_text("4-5-6\n")

    assert (identity.host_id(), len(before)) == (before, 8)
    assert before not in "0123456789abcdef"


def test_a_host_without_a_machine_id_is_known_by_its_boot(files: Path) -> None:
    """Another boot is another host then."""
    (files / "machine").unlink()
    before = identity.host_id()
    (files / "boot").write_text("4-5-6\n")

    assert identity.host_id() != before


def test_a_variable_names_the_host(monkeypatch: pytest.MonkeyPatch) -> None:
    """For machines that were cloned, and for names that people can read."""
    monkeypatch.setenv("PVBENCH_HOST_ID", "skylake-1")

    assert identity.host_id() == "skylake-1"


def test_the_boot_id_is_that_of_the_kernel(files: Path) -> None:
    """Empty where the kernel shows none."""
    shown = identity.boot_id()
    (files / "boot").unlink()

    assert (shown, identity.boot_id()) == ("1-2-3", "")
