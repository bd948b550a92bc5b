"""A program in the place of QEMU, and labs that need none."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from pvbench.qemu.kernels import Kernel
from pvbench.site import SiteOptions
from pvbench_site_lab import session as session_module
from pvbench_site_lab.address import parsed
from pvbench_site_lab.image import Image
from pvbench_site_lab.session import LabSession
from pvbench_site_lab.store import Store
from support import fake_qemu
from support.fake_apt import FakeApt
from support.helpers import DEADLINE_S
from support.kernel_package import FILES, PACKAGE
from support.kernels import PVH_NOTE, vmlinux

Fault = Callable[[str], None]


@pytest.fixture
def qemu(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Fault:
    """A fake QEMU on PATH; the call sets what goes wrong."""
    folder = tmp_path / "bin"
    folder.mkdir()
    program = folder / "qemu-system-x86_64"
    tests = Path(fake_qemu.__file__).parents[1]
    program.write_text(
        f"#!{sys.executable}\nimport sys\nsys.path.insert(0, {str(tests)!r})\n"
        "from support.fake_qemu import main\nmain(sys.argv[1:])\n"
    )
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(folder), prepend=":")
    data = tmp_path / "data"
    data.mkdir()
    for name in ("bios-256k.bin", "pvh.bin"):
        (data / name).touch()
    monkeypatch.setenv("FAKE_QEMU_DATA", str(data))

    def set_fault(fault: str) -> None:
        monkeypatch.setenv("FAKE_QEMU", fault)

    return set_fault


@pytest.fixture
def lab(tmp_path: Path, qemu: Fault, monkeypatch: pytest.MonkeyPatch) -> LabSession:
    """A session with a lab whose QEMU is the fake one, and whose image is empty."""
    path = tmp_path / "vmlinux"
    path.write_bytes(vmlinux(PVH_NOTE))
    image = Image("image-key", tmp_path / "initramfs", (tmp_path / "initramfs").touch)
    monkeypatch.setattr(session_module, "image_of", lambda *_: image)
    return LabSession(
        parsed("here"),
        Kernel(name="here", release="9.9.9", image=path, facts={"lab_package": "linux 9.9"}),
        SiteOptions(timeout_s=DEADLINE_S),
        Store(tmp_path / "store"),
    )


@pytest.fixture
def mirror(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeApt:
    """A mirror with one package, and an empty cache."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    fake = FakeApt(tmp_path / "mirror", monkeypatch)
    fake.add(PACKAGE, FILES)
    return fake
