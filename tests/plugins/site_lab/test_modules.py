"""The modules that KVM needs, in the order of loading."""

from __future__ import annotations

import gzip
import lzma
import shutil
import subprocess
from pathlib import Path

import pytest

from pvbench.errors import UnavailableError
from pvbench.qemu.kernels import Kernel
from pvbench_site_lab.modules import content_of, depends_of, of_kernel


def module(depends: str = "") -> bytes:
    """A module's file, as far as it is read."""
    return f"\x7fELF...license=GPL\0depends={depends}\0retpoline=Y\0".encode()


@pytest.fixture
def kernel(tmp_path: Path) -> Kernel:
    """A kernel whose kvm-amd needs ccp and kvm, which needs irqbypass."""
    folder = tmp_path / "modules"
    files = {
        "kernel/arch/x86/kvm/kvm-amd.ko.xz": lzma.compress(module("kvm,ccp")),
        "kernel/arch/x86/kvm/kvm.ko.gz": gzip.compress(module("irqbypass")),
        "kernel/virt/lib/irqbypass.ko": module(),
        "kernel/drivers/crypto/ccp/ccp.ko": module(),
        "kernel/fs/fat.ko": b"not needed",
        "kernel/fs/fat.ko.txt": b"no module",
    }
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return Kernel(name="6.1", release="6.1", image=tmp_path / "vmlinuz", modules=folder)


def test_a_module_comes_after_those_that_it_depends_on(kernel: Kernel) -> None:
    """Others are left out."""
    modules = of_kernel(kernel)

    assert [m.name for m in modules] == ["irqbypass", "kvm", "ccp", "kvm_amd"]
    assert modules[-1].content == module("kvm,ccp")


def test_a_kernel_without_modules_has_kvm_built_in(kernel: Kernel, tmp_path: Path) -> None:
    """Else its agent says that there is no /dev/kvm."""
    assert of_kernel(Kernel(name="t", release="t", image=tmp_path)) == []


def test_a_module_that_is_built_in_is_not_loaded(kernel: Kernel) -> None:
    """modules.builtin names it."""
    assert kernel.modules
    (kernel.modules / "kernel/arch/x86/kvm/kvm-amd.ko.xz").unlink()
    (kernel.modules / "modules.builtin").write_text("kernel/arch/x86/kvm/kvm-amd.ko\n")

    assert of_kernel(kernel) == []


@pytest.mark.parametrize("name", ["arch/x86/kvm/kvm-amd.ko.xz", "virt/lib/irqbypass.ko"])
def test_a_missing_module_is_named(kernel: Kernel, name: str) -> None:
    """With the folder and what to do."""
    assert kernel.modules
    (kernel.modules / "kernel" / name).unlink()
    missing = Path(name).name.partition(".")[0].replace("-", "_")
    with pytest.raises(
        UnavailableError, match=f"kernel 6.1 has no module {missing}: "
    ) as caught:
        of_kernel(kernel)

    assert "CONFIG_KVM_AMD" in str(caught.value)


def test_the_first_of_the_notes_may_be_the_dependencies() -> None:
    """Nothing stands before it then."""
    assert depends_of(b"depends=a,b-c\0") == ["a", "b_c"]
    assert depends_of(b"\0depends=\0") == []
    assert depends_of(b"nothing") == []


@pytest.mark.parametrize("suffix", ["xz", "gz"])
def test_a_damaged_module_is_named(tmp_path: Path, suffix: str) -> None:
    """With the reason."""
    path = tmp_path / f"kvm.ko.{suffix}"
    path.write_bytes(b"damaged")
    with pytest.raises(UnavailableError, match=f"{path} cannot be read: "):
        content_of(path)


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        (None, "there is no program zstd. Install zstd: apt-get install zstd."),
        (
            "echo unsupported format >&2; exit 1",
            "zstd cannot decompress it: unsupported format",
        ),
    ],
)
def test_a_module_that_zstd_cannot_read_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str | None, reason: str
) -> None:
    """With the command that installs zstd if it is missing."""
    path = tmp_path / "kvm.ko.zst"
    path.write_bytes(b"damaged")
    monkeypatch.setenv("PATH", str(tmp_path))
    if script:
        (tmp_path / "zstd").write_text(f"#!/bin/sh\n{script}\n")
        (tmp_path / "zstd").chmod(0o755)
    with pytest.raises(UnavailableError) as caught:
        content_of(path)

    assert str(caught.value).endswith(reason)
    assert str(path) in str(caught.value)


def test_a_module_may_be_compressed_with_zstd(tmp_path: Path) -> None:
    """By a program, because Python has no zstd."""
    if (program := shutil.which("zstd")) is None:
        pytest.skip("there is no program zstd")
    packed = subprocess.run([program, "-c"], input=b"x" * 99, capture_output=True, check=True)
    path = tmp_path / "kvm.ko.zst"
    path.write_bytes(packed.stdout)

    assert content_of(path) == b"x" * 99


def test_a_module_that_two_others_need_is_loaded_once(kernel: Kernel) -> None:
    """It comes before both."""
    assert kernel.modules
    path = kernel.modules / "kernel/drivers/crypto/ccp/ccp.ko"
    path.write_bytes(module("irqbypass"))

    assert [m.name for m in of_kernel(kernel)] == ["irqbypass", "kvm", "ccp", "kvm_amd"]
