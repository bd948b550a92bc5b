"""The machine: a folder's name and facts, never the host's name."""

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
    """A /proc/cpuinfo to be written, of a machine with 4 CPUs."""
    path = tmp_path / "cpuinfo"
    monkeypatch.setattr(host_name, "_CPUINFO", path)
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
def test_a_machine_s_folder_is_named_by_cpu_model_and_count(
    cpuinfo: Path, model: str, expected: str
) -> None:
    """Lower case and dashes: equal machines share a folder, hosts stay unnamed."""
    cpuinfo.write_text(CPUINFO.format(model=model, flags=""))

    assert host_name.name() == expected


def test_a_kernel_that_tells_nothing_gives_an_unknown_cpu(cpuinfo: Path) -> None:
    """Results still have a place to go."""
    assert (host_name.cpu_model(), host_name.name()) == ("unknown", "unknown-4cpu")


def test_nothing_names_the_host(monkeypatch: pytest.MonkeyPatch) -> None:
    """Results are shared; the names of machines are not."""
    monkeypatch.setattr(socket, "gethostname", lambda: "zanzibar")
    monkeypatch.setattr(platform, "node", lambda: "zanzibar")

    assert "zanzibar" not in host_name.name()
