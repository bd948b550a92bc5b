"""The kernels in the cache and those of trees, by the addresses that a user writes."""

from __future__ import annotations

from pathlib import Path

import pytest

from pvbench.errors import UsageError
from pvbench.qemu import kernel_cache, kernels
from pvbench_site_lab import kernel_store
from pvbench_site_lab.find import find
from support.fake_make import FakeTree
from support.kernels import bz_image, vmlinux


@pytest.fixture(autouse=True)
def boot(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine with one installed kernel, and an empty cache."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    (tmp_path / "vmlinuz-6.1").write_bytes(bz_image(b"x" * 8))
    monkeypatch.setattr(kernels, "BOOT", tmp_path)
    return tmp_path


def test_a_name_in_the_cache_is_that_kernel() -> None:
    """Also if an installed release has the same name."""
    before = find("6.1")
    with kernel_store.adding("6.1") as place:
        (place / kernel_cache.IMAGE).write_bytes(b"image")
        kernel_store.finish(place, "6.1.0-56-amd64", "linux-image-6.1.0-56-amd64 6.1.192-2")
    kernel = find("6.1")

    assert before.release == "6.1"
    assert (kernel.release, kernel.modules) == ("6.1.0-56-amd64", None)
    assert kernel.facts == {"lab_kernel_from": "linux-image-6.1.0-56-amd64 6.1.192-2"}


@pytest.mark.parametrize(
    ("address", "sentence"),
    [
        ("6.12", "there is no kernel '6.12' for a lab: .*Add it: `pvbench lab add 6.12`"),
        ("mime", "no kernel for a lab called 'mime'. Did you mean 'mine'.? `pvbench lab list`"),
        ("nosuch", "no kernel for a lab called 'nosuch'. `pvbench lab list` lists those in"),
        ("6.12-proposals", "no kernel '6.12-.*Build it: `pvbench lab build 6.12 --patches`"),
        ("6.12-mime", "no kernel for a lab called '6.12-mime'. Did you mean '6.12-mine'"),
        ("6.8.0-45-generic", "no kernel for a lab called .*[^?] `pvbench lab list` lists"),
        ("6.8.0-45-amd64", "no kernel '6.8.0-45-amd64' .*`pvbench lab add 6.8.0-45-amd64`"),
    ],
)
def test_an_unknown_name_has_advice_that_works(address: str, sentence: str) -> None:
    """A version of Debian can be downloaded; another name cannot, and may be misspelt."""
    for name in ("mine", "6.12-mine"):
        with kernel_store.adding(name) as place:
            (place / kernel_cache.IMAGE).write_bytes(b"image")
            kernel_store.finish(place, "6.1", "a file")
    with pytest.raises(UsageError, match=sentence):
        find(address)


def test_the_sources_of_a_kernel_are_built(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """But a kernel that was built in its tree is booted as it is, without a revision."""
    sources = FakeTree(tmp_path / "linux", tmp_path / "bin", monkeypatch)
    sources.commit("base", code="base")
    built = find(str(sources.folder)).image.read_text()
    (sources.folder / "vmlinux").write_bytes(vmlinux())

    assert built == "base"
    assert find(str(sources.folder)).image == sources.folder / "vmlinux"
    assert find(f"{sources.folder}@base").image.read_text() == "base"
