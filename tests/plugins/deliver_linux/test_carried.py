"""What a lab needs for a Linux guest, as files of its cache."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pvbench.errors import UnavailableError
from pvbench.host import compiled
from pvbench_deliver_linux import carried, files
from pvbench_deliver_linux.delivery import Linux
from support.kernels import PVH_NOTE, vmlinux

IMAGE = vmlinux(PVH_NOTE)


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The cache of a host with programs, a fake QEMU and a kernel."""
    cache = tmp_path / "cache/pvbench"
    place = cache / "kernels/mine"
    place.mkdir(parents=True)
    (place / "vmlinuz").write_bytes(IMAGE)
    (place / "kernel.json").write_text(json.dumps({"release": "6.9.7", "origin": ""}))
    (tmp_path / "firmware").mkdir()
    (tmp_path / "firmware/pvh.bin").write_bytes(b"loader")
    outputs = {
        files.QEMU: str(tmp_path / "firmware"),
        "ldd": f"libx.so => {tmp_path}/libx.so (0x1)",
    }
    for name, output in outputs.items():
        (tmp_path / name).write_text(f"#!/bin/sh\necho '{output}'\n")
        (tmp_path / name).chmod(0o755)
    (tmp_path / "libx.so").write_bytes(b"library")
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(compiled, "image", lambda recipe: b"programs")
    monkeypatch.setattr(compiled, "key", lambda recipe: "key")
    return cache


def test_qemu_its_libraries_a_kernel_and_the_programs_are_carried(host: Path) -> None:
    """The lab has none of them."""
    contents = Linux().cache_files()
    qemu = contents.pop("linux/qemu")

    assert b"echo" in qemu
    assert json.loads(contents.pop("kernels/6.9/kernel.json"))["release"] == "6.9.7"
    assert contents == {
        "linux-guest-key.bin": b"programs",
        "kernels/6.9/vmlinuz": IMAGE,
        "linux/lib/libx.so": b"library",
        "linux/firmware/pvh.bin": b"loader",
    }


def test_the_loader_starts_the_qemu_that_was_carried(host: Path) -> None:
    """Its file is data and cannot be executed."""
    assert carried.command() is None
    (host / "linux").mkdir()
    (host / "linux/qemu").touch()
    words = carried.command()

    assert words is not None
    assert words[1:] == (
        *("--library-path", str(host / "linux/lib"), str(host / "linux/qemu")),
        *("-L", str(host / "linux/firmware")),
    )


@pytest.mark.parametrize(
    ("missing", "words"),
    [("libx.so", "libx.so cannot be read"), (files.QEMU, f"there is no {files.QEMU}")],
)
def test_a_missing_piece_is_one_sentence(
    host: Path, tmp_path: Path, missing: str, words: str
) -> None:
    """It is named before the lab boots."""
    (tmp_path / missing).unlink()

    with pytest.raises(UnavailableError, match=words):
        carried.carried()


def test_a_host_without_a_kernel_carries_nothing(host: Path) -> None:
    """A guest has to boot one."""
    (host / "kernels/mine/kernel.json").unlink()

    with pytest.raises(UnavailableError, match="there is no kernel in the cache"):
        carried.carried()
