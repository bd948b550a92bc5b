"""`pvbench lab add`, with programs of APT that serve made packages."""

from __future__ import annotations

import lzma
import os
from pathlib import Path

import pytest

from pvbench.errors import UnavailableError
from pvbench.qemu import kernel_cache
from pvbench_site_lab import apt
from support.fake_apt import FakeApt, write_archive
from support.kernel_package import FILES, IMAGE, MODULES, PACKAGE, RELEASE, module, names
from support.runs import Cli

pytestmark = pytest.mark.usefixtures("mirror")


def test_a_version_adds_the_image_and_the_modules_that_kvm_needs(cli: Cli) -> None:
    """Nothing else of the package is kept, and no other file is left."""
    output = cli("lab", "add", "6.1")
    stored = kernel_cache.stored("6.1")

    assert (output.status, output.out[:31]) == (0, f"added lab:6.1 ({RELEASE}, ")
    assert names() == [
        "kernel.json",
        *(f"modules/{name}" for name in ("ccp.ko.xz", "irqbypass.ko", "kvm.ko", "kvm_amd.ko")),
        "vmlinuz",
    ]
    assert stored is not None
    assert stored.kernel.image.read_bytes() == IMAGE
    assert (stored.kernel.release, stored.origin) == (RELEASE, f"{PACKAGE} 1-1")
    assert sorted(os.listdir(kernel_cache.folder())) == [".lock", "6.1"]


def test_a_package_in_parts_is_followed(cli: Cli, mirror: FakeApt) -> None:
    """From 7.0 on the image is in one package, and the modules are in another one."""
    release = "7.3.4+deb13-amd64"
    folder = f"./usr/lib/modules/{release}"
    binary, modules = f"linux-binary-{release}", f"linux-modules-{release}"
    mirror.add(f"linux-image-{release}", {}, f"dracut, {binary} (= 1-1), {modules} (= 1-1)")
    mirror.add(binary, {f"{folder}/vmlinuz": IMAGE})
    mirror.add(modules, {f"{folder}/kernel/arch/x86/kvm/kvm-amd.ko": module()})

    assert cli("lab", "add", "7.3").status == 0
    assert names("7.3") == ["kernel.json", "modules/kvm_amd.ko", "vmlinuz"]


def test_files_outside_of_their_places_are_not_used(cli: Cli, mirror: FakeApt) -> None:
    """A package that names other paths has no kernel; nothing is written there."""
    mirror.add(
        "linux-image-6.5.1-amd64",
        {
            "./boot/../../vmlinuz-6.5.1": IMAGE,
            "/boot/vmlinuz-6.5.1": IMAGE,
            "./lib/modules/6.5.1/kernel/../../../kvm-amd.ko": module(),
        },
    )
    output = cli("lab", "add", "6.5")

    assert (output.status, kernel_cache.kernels()) == (5, [])
    assert "package linux-image-6.5.1-amd64 has no kernel image" in output.err


def test_a_module_that_is_missing_is_named(cli: Cli, mirror: FakeApt) -> None:
    """The kernel is not added."""
    files = {name: content for name, content in FILES.items() if "irqbypass" not in name}
    mirror.add(PACKAGE, files)
    output = cli("lab", "add", "6.1")

    assert (output.status, kernel_cache.kernels()) == (5, [])
    assert f"package {PACKAGE} has no module irqbypass" in output.err


@pytest.mark.parametrize(
    ("program", "script", "sentence"),
    [
        ("apt-get", "echo 'E: no network' >&2; exit 100", "no mirror of Debian"),
        (
            "apt-cache",
            "echo 'E: broken' >&2; exit 100",
            "apt-cache pkgnames linux-image- fails",
        ),
        ("dpkg-deb", "echo 'not an archive' >&2; exit 2", "cannot be unpacked: not an archive"),
        ("dpkg-deb", "echo text", "cannot be unpacked"),
        ("dpkg-deb", 'head -c 1500 "$2"', "cannot be unpacked"),
    ],
)
def test_a_program_that_fails_is_one_sentence(
    cli: Cli, mirror: FakeApt, program: str, script: str, sentence: str
) -> None:
    """Without a traceback, and nothing is added."""
    mirror.program(program, script)
    output = cli("lab", "add", "6.1")

    assert (output.status, kernel_cache.kernels()) == (5, [])
    assert sentence in output.err
    assert "Traceback" not in output.err


def test_a_program_that_is_missing_is_named(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Other systems have no APT."""
    monkeypatch.setenv("PATH", str(tmp_path))
    output = cli("lab", "add", "6.1")

    assert output.status == 5
    assert "there is no program apt-get" in output.err


def test_a_program_that_takes_too_long_is_ended(tmp_path: Path) -> None:
    """Its limit is some minutes."""
    with pytest.raises(UnavailableError, match=r"sleep is not done within 0\.01 s"):
        apt.run(["sleep", "60"], tmp_path, 0.01)


@pytest.mark.parametrize(
    ("arguments", "status", "sentence"),
    [
        (("6.11",), 2, "the package lists have no kernel 6.11. There are 6.1."),
        (("six",), 2, "'six' is neither a version nor a file"),
        (("./vmlinuz",), 2, "kernel vmlinuz cannot be read"),
        (("6.1", "--name", "../x"), 2, "a kernel cannot be called '../x'"),
        (("6.1", "--name", ".x"), 2, "a kernel cannot be called '.x'"),
        (("./k", "--modules", "none"), 2, "none is not a folder"),
    ],
)
def test_wrong_arguments_are_refused(
    cli: Cli, arguments: tuple[str, ...], status: int, sentence: str
) -> None:
    """In one sentence that says what to write."""
    output = cli("lab", "add", *arguments)

    assert (output.status, sentence in output.err) == (status, True), output.err


def test_a_file_is_added_with_its_modules(cli: Cli, tmp_path: Path) -> None:
    """By its release, unless a name is given."""
    (tmp_path / "vmlinuz").write_bytes(IMAGE)
    (tmp_path / "there").mkdir()
    (tmp_path / "there/kvm-amd.ko").write_bytes(module("kvm"))
    (tmp_path / "there/kvm.ko").write_bytes(module())
    first = cli("lab", "add", "./vmlinuz", "--modules", "there")
    cli("lab", "add", "./vmlinuz", "--modules", "there", "--name", "mine")

    assert first.status == 0, first.err
    assert [kernel.kernel.name for kernel in kernel_cache.kernels()] == [RELEASE, "mine"]
    assert names("mine") == [
        *("kernel.json", "modules/kvm.ko", "modules/kvm_amd.ko", "vmlinuz"),
    ]


def test_a_version_is_no_file_of_that_name(cli: Cli, tmp_path: Path) -> None:
    """``./6.1`` is the file."""
    (tmp_path / "6.1").write_bytes(IMAGE)
    cli("lab", "add", "6.1")
    stored = kernel_cache.stored("6.1")

    assert stored is not None
    assert stored.origin == f"{PACKAGE} 1-1"
    assert "added lab:6.1.0-56-amd64 (" in cli("lab", "add", "./6.1").out


def test_a_kernel_with_kvm_built_in_has_no_modules(cli: Cli, tmp_path: Path) -> None:
    """`pvbench lab build` builds such kernels."""
    (tmp_path / "vmlinuz").write_bytes(IMAGE)

    assert cli("lab", "add", "./vmlinuz", "--name", "own").status == 0
    assert names("own") == ["kernel.json", "vmlinuz"]


def test_a_file_that_is_too_large_is_not_read(
    cli: Cli, mirror: FakeApt, tmp_path: Path
) -> None:
    """The archive says how large it is, and may lie."""
    package = mirror.add(PACKAGE, FILES)
    content = bytearray(
        write_archive(tmp_path / "a.tar", {f"./boot/vmlinuz-{RELEASE}": b""}).read_bytes()
    )
    content[124:136] = b"77777777777\0"
    checksum = sum(content[:148]) + 8 * 32 + sum(content[156:512])
    content[148:156] = f"{checksum:06o}\0 ".encode()
    package.write_bytes(content)
    output = cli("lab", "add", "6.1")

    assert (output.status, "cannot be unpacked" in output.err) == (5, True), output.err


def test_a_module_that_two_others_need_is_copied_once(cli: Cli, mirror: FakeApt) -> None:
    """Both kvm and ccp may need irqbypass."""
    ccp = {f"{MODULES}/drivers/crypto/ccp/ccp.ko.xz": lzma.compress(module("irqbypass"))}
    mirror.add(PACKAGE, FILES | ccp)

    assert cli("lab", "add", "6.1").status == 0
    assert [name for name in names() if "irqbypass" in name] == ["modules/irqbypass.ko"]
