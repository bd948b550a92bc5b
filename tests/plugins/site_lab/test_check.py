"""`pvbench lab check`, with a program in the place of QEMU."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from pvbench.delivery import Options
from pvbench.protocol import Describe
from pvbench.qemu import kernel_cache
from pvbench_site_lab import check, kernel_store
from pvbench_site_lab import session as session_module
from pvbench_site_lab.image import Image
from pvbench_site_lab.store import Store
from support.fake_make import FakeTree
from support.kernels import PVH_NOTE, vmlinux
from support.runs import Cli

Fault = Callable[[str], None]


@pytest.fixture
def machine(
    tmp_path: Path, qemu: Fault, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., None]:
    """A machine with all programs, and a kernel in the cache; the call removes programs."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    programs = FakeTree(tmp_path / "linux", tmp_path / "programs", monkeypatch)
    for name in ("apt-get", "apt-cache", "dpkg-deb", "zstd", "git", "tar", "xz"):
        programs.program(name, "")
    shutil.copy("/bin/cat", tmp_path / "programs")
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{tmp_path / 'programs'}")
    image = Image("image-key", tmp_path / "initramfs", (tmp_path / "initramfs").touch)
    monkeypatch.setattr(session_module, "image_of", lambda *_: image)
    monkeypatch.setattr(
        check, "DELIVERY", Describe("model", "pvbench_deliver_model", Options())
    )
    with kernel_store.adding("mine") as place:
        (place / kernel_cache.IMAGE).write_bytes(vmlinux(PVH_NOTE))
        kernel_store.finish(place, "9.9.9", "a test")

    def remove(*names: str) -> None:
        for name in names:
            (tmp_path / "programs" / name).unlink()

    return remove


def test_where_nothing_is_missing_every_kernel_boots(
    cli: Cli, machine: Callable[..., None]
) -> None:
    """With what works there."""
    output = cli("lab", "check")

    assert output.status == 0, output.err + output.out
    assert output.out.splitlines()[:5] == [
        "labs: work here",
        "lab add VERSION: works here",
        "lab build: works here",
        "lab build VERSION: works here",
        "kernels with zstd: works here",
    ]
    assert output.out.splitlines()[5].startswith("lab:mine: ")
    assert " boots, and 0 mechanisms of 0 of KVM work" in output.out


def test_without_boot_no_kernel_is_looked_at(cli: Cli, machine: Callable[..., None]) -> None:
    """As where QEMU is slow."""
    assert "lab:mine" not in cli("lab", "check", "--no-boot").out
    assert Store().folder.exists() is False


def test_each_missing_piece_has_the_command_that_installs_it(
    cli: Cli, machine: Callable[..., None]
) -> None:
    """A piece that only some commands need is no failure."""
    machine("zstd", "flex", "bison", "apt-cache", "dpkg-deb")
    output = cli("lab", "check", "--no-boot")
    install = "apt-get install --no-install-recommends"

    assert output.status == 0
    assert f"({install} apt dpkg)" in output.out
    assert f"lab build: no kernel can be built here ({install} flex bison)" in output.out
    assert f"({install} zstd)" in output.out


def test_without_qemu_no_kernel_is_booted(
    cli: Cli, machine: Callable[..., None], tmp_path: Path
) -> None:
    """A lab works nowhere without it."""
    (tmp_path / "bin/qemu-system-x86_64").unlink()
    output = cli("lab", "check")

    assert output.status == 5
    assert "labs: there is no qemu-system-x86_64 (apt-get install qemu-system-x86" in output.out
    assert "lab:mine" not in output.out


def test_a_kernel_that_does_not_boot_says_why(
    cli: Cli, machine: Callable[..., None], qemu: Fault
) -> None:
    """A name that does not exist is one too."""
    output = cli("lab", "check", "nothing")

    assert output.status == 5
    assert "lab:nothing: there is no kernel for a lab called 'nothing'" in output.out


def test_an_empty_cache_is_said(cli: Cli, machine: Callable[..., None]) -> None:
    """With the command that fills it."""
    kernel_store.remove("mine")

    assert "There is no kernel in the cache" in cli("lab", "check").out


def test_the_files_of_labs_are_listed_and_removed_with_their_kernel(
    cli: Cli, machine: Callable[..., None]
) -> None:
    """The files of other kernels stay."""
    cli("lab", "check")
    stored = kernel_cache.stored("mine")
    assert stored is not None
    files = {path.name.split("-")[0].strip(".") for path in kernel_store.lab_files(stored)}
    (Store().folder / "snapshot-other").touch()
    cli("lab", "remove", "mine")
    rest = {name.split("-")[0] for name in os.listdir(Store().folder) if name[0] != "."}

    assert files == {"kernel", "snapshot"}
    assert rest == {"description", "snapshot"}
