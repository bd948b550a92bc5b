"""The name of a host: CPU model and count, never the hostname."""

from __future__ import annotations

import platform
import socket
from pathlib import Path

import pytest

from pvbench.host import name as host_name

CPUINFO = """\
processor\t: 0
model name\t: {model}
flags\t\t: fpu vme {flags}
"""


@pytest.fixture
def cpuinfo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The path that replaces /proc/cpuinfo of a machine with 4 CPUs."""
    path = tmp_path / "cpuinfo"
    monkeypatch.setattr("pvbench.host.cpuinfo.CPUINFO", path)
    monkeypatch.setattr("os.cpu_count", lambda: 4)
    return path


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        pytest.param("AMD EPYC 7763 64-Core Processor", "amd-epyc-7763-64-core-processor-4cpu"),
        pytest.param(
            "Intel(R) Xeon(R) Platinum 8168 CPU @ 2.70GHz", "intel-xeon-platinum-8168-4cpu"
        ),
        pytest.param("../../etc", "etc-4cpu"),
        pytest.param("  ", "unknown-4cpu"),
    ],
    ids=["amd", "intel", "no-path", "blank"],
)
def test_a_host_is_named_after_its_cpu_model_and_count(
    cpuinfo: Path, model: str, expected: str
) -> None:
    """The name is lower case with dashes; equal machines share a folder."""
    cpuinfo.write_text(CPUINFO.format(model=model, flags=""))

    assert host_name.name() == expected


def test_a_host_without_cpuinfo_has_an_unknown_cpu(cpuinfo: Path) -> None:
    """Results still have a folder."""
    assert (host_name.cpu_model(), host_name.name()) == ("unknown", "unknown-4cpu")


def test_the_hostname_is_never_used(monkeypatch: pytest.MonkeyPatch) -> None:
    """Results are published; hostnames must not be."""
    monkeypatch.setattr(socket, "gethostname", lambda: "zanzibar")
    monkeypatch.setattr(platform, "node", lambda: "zanzibar")

    assert "zanzibar" not in host_name.name()
