"""The ABI of a patched KVM is read, and written only as a site says."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from pvbench.guest import HYPERCALL_ABIS
from pvbench.host import pv_ipi_abi


@pytest.fixture
def parameter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file of the parameter on a host whose KVM is patched."""
    path = tmp_path / "pv_ipi_abi"
    path.write_text("merged\n")
    monkeypatch.setattr(pv_ipi_abi, "PARAMETER", path)
    return path


@pytest.fixture
def site(parameter: Path) -> Iterator[None]:
    """A site that allows writing the parameter."""
    pv_ipi_abi.write_with(lambda value: parameter.write_text(f"{value}\n"))
    yield
    pv_ipi_abi.write_with(None)


def test_the_parameter_is_read_without_its_newline(parameter: Path) -> None:
    """The kernel ends it with one."""
    assert pv_ipi_abi.read() == "merged"


@pytest.mark.parametrize("content", [None, b"", b"\xff\n"], ids=["none", "empty", "no-text"])
def test_a_kvm_without_the_parameter_has_an_empty_value(
    parameter: Path, content: bytes | None
) -> None:
    """A file that is no ASCII text is not that of a patched KVM."""
    parameter.unlink()
    if content is not None:
        parameter.write_bytes(content)

    assert pv_ipi_abi.read() == ""


@pytest.mark.usefixtures("site")
@pytest.mark.parametrize(
    ("hypercall_abi", "expected"),
    [
        ("kvm", "merged"),
        ("kvm-v3", "v3"),
        ("kvm-cluster128", "cluster128"),
        ("kvm-cluster192", "cluster192"),
        ("hyperv", "as before"),
        ("xen", "as before"),
    ],
)
def test_a_site_lets_its_host_serve_an_abi(
    parameter: Path, hypercall_abi: str, expected: str
) -> None:
    """The parameter has no value for the ABIs of other hypervisors."""
    parameter.write_text("as before")
    pv_ipi_abi.serve(hypercall_abi)

    assert pv_ipi_abi.read() == expected


def test_every_abi_with_a_value_is_one_of_guests() -> None:
    """Others could never be served."""
    assert pv_ipi_abi.VALUES.keys() < set(HYPERCALL_ABIS)


def test_a_host_of_others_is_never_written_to(parameter: Path) -> None:
    """The parameter concerns all guests, so a host is used as it is set."""
    parameter.write_text("v3\n")
    pv_ipi_abi.serve("kvm-cluster192")

    assert pv_ipi_abi.read() == "v3"


@pytest.mark.usefixtures("site")
def test_an_unpatched_kvm_is_not_written_to(parameter: Path) -> None:
    """It has no such file, and none is made."""
    parameter.unlink()
    pv_ipi_abi.serve("kvm-v3")

    assert not parameter.exists()
