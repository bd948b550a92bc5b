"""The messages of the running kernel."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from pvbench.host import kernel_log
from support.live import KMSG


def test_the_messages_are_in_the_order_of_the_log(tmp_path: Path) -> None:
    """A continuation line is no message."""
    (tmp_path / "kmsg").write_text(KMSG)

    assert list(kernel_log.messages(tmp_path / "kmsg")) == [
        "Linux version 6.18.44 (builder@there)",
        "x2apic enabled",
        "APIC: Switched APIC routing to: physical x2apic",
        "kvm-guest: setup PV IPIs",
    ]


def test_a_log_that_cannot_be_read_has_no_messages(tmp_path: Path) -> None:
    """On many hosts only root may read it."""
    assert list(kernel_log.messages(tmp_path / "kmsg")) == []


def test_reading_goes_on_after_an_overwritten_record(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The kernel reports it as a broken pipe, once."""
    (tmp_path / "kmsg").touch()
    reads: Iterator[bytes | None] = iter([b"6,1,1,-;first\n", None, b"6,3,1,-;third\n", b""])

    def read(fd: int, size: int) -> bytes:
        record = next(reads)
        if record is None:
            raise BrokenPipeError
        return record

    monkeypatch.setattr(os, "read", read)

    assert list(kernel_log.messages(tmp_path / "kmsg")) == ["first", "third"]
