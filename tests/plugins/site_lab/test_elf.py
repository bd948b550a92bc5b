"""The part of a program or a library that is loaded."""

from __future__ import annotations

import os
import struct
import subprocess
import sys
from pathlib import Path

import pytest

from pvbench_site_lab.elf import loadable
from support.kernels import PVH_NOTE, vmlinux


def test_what_follows_the_segments_is_cut_off() -> None:
    """So is the place of the table of sections, which was there."""
    program = vmlinux(PVH_NOTE)
    with_sections = bytearray(program + b"names and symbols")
    struct.pack_into("<Q", with_sections, 0x28, len(program))
    struct.pack_into("<HH", with_sections, 0x3C, 3, 2)

    assert loadable(bytes(with_sections)) == program


def test_an_interpreter_without_the_rest_still_runs(tmp_path: Path) -> None:
    """It is the one that runs this test."""
    content = Path(os.path.realpath(sys.executable)).read_bytes()
    program = tmp_path / "python"
    program.write_bytes(loadable(content))
    program.chmod(0o755)
    environment = os.environ | {"PYTHONHOME": sys.base_prefix}
    done = subprocess.run(
        [program, "-S", "-c", "print(6 * 7)"],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )

    assert (done.stdout, done.stderr) == ("42\n", "")
    assert program.stat().st_size <= len(content)


def test_another_file_is_refused() -> None:
    """There is nothing to load in it."""
    with pytest.raises(ValueError, match="it is not a program for x86-64"):
        loadable(b"#!/bin/sh")
