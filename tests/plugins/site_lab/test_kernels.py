"""The kernels of a lab, by the addresses that a user writes."""

from __future__ import annotations

from pathlib import Path

import pytest

from pvbench.errors import UsageError
from pvbench.qemu import kernels
from pvbench.qemu.kernels import Kernel, of_path, release_of
from pvbench_site_lab.find import find
from support.kernels import bz_image, vmlinux


@pytest.fixture(autouse=True)
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine with one installed kernel, in whose root folder the test runs."""
    root = tmp_path / "root"
    (root / "boot").mkdir(parents=True)
    (root / "boot/vmlinuz-6.1.0-56-amd64").write_bytes(bz_image(b"x" * 8))
    (root / "lib/modules/6.1.0-56-amd64").mkdir(parents=True)
    monkeypatch.setattr(kernels, "BOOT", root / "boot")
    monkeypatch.setattr(kernels, "MODULES", root / "lib/modules")
    monkeypatch.chdir(root)
    return root


def test_an_installed_release_has_its_image_and_modules(installed: Path) -> None:
    """Packages of distributions install them there."""
    assert find("6.1.0-56-amd64") == Kernel(
        name="6.1.0-56-amd64",
        release="6.1.0-56-amd64",
        image=installed / "boot/vmlinuz-6.1.0-56-amd64",
        modules=installed / "lib/modules/6.1.0-56-amd64",
    )


def test_a_file_s_release_is_read_from_its_header(installed: Path) -> None:
    """The name of the file does not matter."""
    (installed / "image").write_bytes(bz_image(b"x" * 8, release="7.3.4+deb13-amd64"))
    kernel = find("./image")

    assert (kernel.name, kernel.release) == ("./image", "7.3.4+deb13-amd64")
    assert kernel.modules is None


@pytest.mark.parametrize(
    ("image", "modules"),
    [
        ("k/vmlinuz", "k/modules"),
        ("k/vmlinuz", "k/lib/modules/6.1.0-56-amd64"),
        ("k/boot/vmlinuz", "k/lib/modules/6.1.0-56-amd64"),
        ("k/boot/vmlinuz", "k/usr/lib/modules/6.1.0-56-amd64"),
        ("k/usr/lib/modules/6.1.0-56-amd64/vmlinuz", "k/usr/lib/modules/6.1.0-56-amd64/kernel"),
    ],
)
def test_modules_are_found_where_packages_put_them(
    installed: Path, image: str, modules: str
) -> None:
    """They are beside the image, or in the folder for its release."""
    (installed / image).parent.mkdir(parents=True)
    (installed / image).write_bytes(bz_image(b"x" * 8))
    (installed / modules).mkdir(parents=True)

    assert find(f"./{image}").modules == installed / modules


@pytest.mark.parametrize("name", ["vmlinux", "vmlinuz", "arch/x86/boot/bzImage", "bzImage"])
def test_a_folder_stands_for_the_kernel_in_it(installed: Path, name: str) -> None:
    """That of a build, or one that was copied."""
    (installed / "tree" / name).parent.mkdir(parents=True)
    (installed / "tree" / name).write_bytes(
        vmlinux() if name == "vmlinux" else bz_image(b"x" * 8)
    )

    assert find("./tree").image == Path("tree", name)


def test_the_modules_of_a_tree_are_where_it_was_built(installed: Path) -> None:
    """They are in the folders of their sources."""
    (installed / "tree/arch/x86/kvm").mkdir(parents=True)
    (installed / "tree/arch/x86/kvm/kvm-amd.ko").touch()
    (installed / "tree/vmlinux").write_bytes(vmlinux())

    assert find("./tree").modules == installed / "tree"


def test_modules_that_are_named_come_first(installed: Path) -> None:
    """The user's word counts."""
    path = installed / "boot/vmlinuz-6.1.0-56-amd64"

    assert of_path("mine", path, installed / "other").modules == installed / "other"


@pytest.mark.parametrize(
    ("address", "sentence"),
    [
        ("9.9", "there is no kernel '9.9' for a lab: .*vmlinuz-9.9 does not exist"),
        ("9.9-proposals", "Build it: `pvbench lab build 9.9 --patches`"),
        ("./none", "kernel none cannot be read: No such file"),
        ("./boot", "boot has no kernel: none of vmlinux, vmlinuz, "),
        ("./text", "text is not a kernel for x86-64: it is neither"),
        ("./arm", "arm is not a kernel for x86-64: it is neither"),
    ],
)
def test_what_is_no_kernel_is_refused(installed: Path, address: str, sentence: str) -> None:
    """The sentence names the file."""
    (installed / "text").write_text("hello")
    (installed / "arm").write_bytes(vmlinux()[:18] + b"\xb7\0" + vmlinux()[20:])
    with pytest.raises(UsageError, match=sentence):
        find(address)


@pytest.mark.parametrize("release", ["", "a/b", "\x1b[31m", "\xff\xfe"])
def test_a_release_that_is_no_name_is_not_used(installed: Path, release: str) -> None:
    """It becomes part of paths; a file may be made by anybody."""
    content = bz_image(b"x" * 8, release="?" * 20).replace(
        b"?" * 20 + b" (debian)", release.encode("latin1") + b"\0"
    )
    (installed / "image").write_bytes(content)

    assert release_of(installed / "image") == "image"


def test_a_fifo_is_not_opened(installed: Path) -> None:
    """It would wait for a writer."""
    import os

    os.mkfifo(installed / "fifo")
    with pytest.raises(UsageError, match="kernel fifo cannot be read"):
        find("./fifo")
