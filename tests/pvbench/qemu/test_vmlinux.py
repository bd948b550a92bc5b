"""An image is unpacked on the host, so that nothing is decompressed under emulation."""

from __future__ import annotations

import bz2
import gzip
import lzma
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from pvbench.errors import UnavailableError
from pvbench.qemu.vmlinux import has_pvh_entry, payload_of, vmlinux_of
from support.kernels import OTHER_NOTE, PVH_NOTE, bz_image, vmlinux

ELF = vmlinux(OTHER_NOTE, PVH_NOTE)
SIZE = len(ELF).to_bytes(4, "little")


@pytest.mark.parametrize(
    "compress",
    [
        pytest.param(gzip.compress, id="gzip"),
        pytest.param(lzma.compress, id="xz"),
        pytest.param(lambda data: lzma.compress(data, lzma.FORMAT_ALONE), id="lzma"),
        pytest.param(bz2.compress, id="bzip2"),
        pytest.param(lambda data: data, id="none"),
    ],
)
def test_an_image_is_unpacked_by_python(compress: Callable[[bytes], bytes]) -> None:
    """The size that follows the data is not part of them."""
    packed = compress(ELF)
    content = vmlinux_of(bz_image(packed + SIZE if packed != ELF else packed))

    assert content == ELF


@pytest.mark.parametrize(("program", "options"), [("zstd", ("-q",)), ("lz4", ("-l",))])
def test_an_image_is_unpacked_by_a_program(program: str, options: tuple[str, ...]) -> None:
    """The formats that Python does not have."""
    if (path := shutil.which(program)) is None:
        pytest.skip(f"there is no program {program}")
    command = [path, *options, "-c"]
    packed = subprocess.run(command, input=ELF, capture_output=True, check=True).stdout

    assert vmlinux_of(bz_image(packed + SIZE)) == ELF


def test_a_vmlinux_is_used_as_it_is() -> None:
    """Of a tree that was built here."""
    assert vmlinux_of(ELF) is ELF


@pytest.mark.parametrize(
    ("image", "sentence"),
    [
        (bz_image(gzip.compress(ELF))[:-9], "it is cut off"),
        (bz_image(gzip.compress(ELF)[:30]), "its payload is cut off"),
        (bz_image(gzip.compress(b"hello")), "its payload is not an ELF file"),
        (bz_image(b"BZh" + bytes(30)), "its payload is damaged: "),
        (bz_image(b"\xfd7zXZ\0" + bytes(30)), "its payload is damaged: "),
        (bz_image(b"\x5d\0\0" + b"\xff" * 30), "its payload is damaged: "),
        (bz_image(b"\x1f\x8b" + bytes(30)), "its payload is damaged: "),
    ],
    ids=["cut", "short", "no-elf", "bzip2", "xz", "lzma", "gzip"],
)
def test_a_damaged_image_is_refused(image: bytes, sentence: str) -> None:
    """It would not boot either."""
    with pytest.raises(ValueError, match=sentence):
        vmlinux_of(image)


@pytest.mark.parametrize(
    ("image", "sentence"),
    [
        (b"", "it is not a bzImage"),
        (bz_image(b"\x89LZO" + bytes(30)), "its payload begins with 894c5a4f0000"),
    ],
    ids=["empty", "lzo"],
)
def test_an_image_that_cannot_be_unpacked_here_is_refused(image: bytes, sentence: str) -> None:
    """The caller may boot it as it is."""
    with pytest.raises(UnavailableError, match=sentence):
        vmlinux_of(image)


def test_a_missing_program_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The caller may boot the image as it is."""
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(
        UnavailableError, match="compressed with zstd, and there is no program zstd"
    ):
        vmlinux_of(bz_image(b"\x28\xb5\x2f\xfd" + bytes(30)))


@pytest.mark.parametrize("program", ["zstd", "lz4"])
def test_a_program_that_fails_is_named_with_its_message(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, program: str
) -> None:
    """Here it is a script."""
    magic = {"zstd": b"\x28\xb5\x2f\xfd", "lz4": b"\x02\x21\x4c\x18"}[program]
    script = tmp_path / program
    script.write_text("#!/bin/sh\necho no room >&2\nexit 3\n")
    script.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ValueError, match=f"{program} cannot decompress it: no room"):
        vmlinux_of(bz_image(magic + bytes(30)))


def test_the_payload_is_where_the_header_says() -> None:
    """Documentation/arch/x86/boot.rst."""
    assert payload_of(bz_image(b"payload")) == b"payload"


@pytest.mark.parametrize(
    ("content", "has_entry"),
    [
        (ELF, True),
        (vmlinux(PVH_NOTE, OTHER_NOTE), True),
        (vmlinux(OTHER_NOTE), False),
        (vmlinux(), False),
        (b"\x7fELF\x01\x01" + ELF[6:], False),
        (b"MZ", False),
    ],
    ids=["last", "first", "other", "none", "32-bit", "no-elf"],
)
def test_a_kernel_boots_by_pvh_if_it_has_the_note(content: bytes, has_entry: bool) -> None:
    """CONFIG_PVH adds the note."""
    assert has_pvh_entry(content) == has_entry
