"""The delivery itself: what it needs, what its guests are made of, how QEMU starts."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import attrs
import pytest

from pvbench.cli import doctor
from pvbench.delivery import Options
from pvbench.errors import UnavailableError, UsageError
from pvbench.host import compiled
from pvbench.host import facts as host_facts
from pvbench.linux_era import LinuxEra
from pvbench_deliver_linux import files, needs, tracing
from pvbench_deliver_linux.delivery import Linux
from pvbench_deliver_linux.machine import Channels, Machine
from pvbench_deliver_linux.settings import Files, settings_of
from pvbench_deliver_linux.support import why_unsupported
from support.helpers import guest_of
from support.kernels import PVH_NOTE, bz_image, vmlinux
from support.linux_tasks import GUEST, task_of

FILES = Files(command=("qemu",), kernels={})


def machine_of(**changes: Any) -> Machine:
    """A guest of eight CPUs."""
    machine = Machine(
        files=FILES,
        initramfs=Path("i"),
        kernel=Path("k"),
        linux=LinuxEra(),
        guest=guest_of(range(8)),
        has_pv_ipi=True,
        idle="halted",
    )
    return attrs.evolve(machine, **changes)


def add_kernel(cache: Path, name: str, release: str, image: bytes) -> None:
    place = cache / "pvbench/kernels" / name
    place.mkdir(parents=True)
    (place / "vmlinuz").write_bytes(image)
    facts = {"release": release, "origin": "a test", "facts": {}, "sha256": {}}
    (place / "kernel.json").write_text(json.dumps(facts))


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache, and programs that are not compiled."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(compiled, "image", lambda recipe: b"programs")
    monkeypatch.setattr(compiled, "key", lambda recipe: "key")
    monkeypatch.setattr(Linux, "why_unavailable", lambda self: None)
    return tmp_path / "cache"


def test_a_software_kvm_is_refused_before_anything_starts(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A Linux guest can hang such a machine."""
    monkeypatch.setattr(
        host_facts, "facts", lambda: {"virtualization": "software (no vmx or svm flag)"}
    )

    assert "QEMU is not started" in str(Linux().why_unavailable())
    with pytest.raises(UnavailableError, match="QEMU is not started"):
        Linux().describe(Options())


def test_a_plan_shows_what_the_host_lacks_for_each_case(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """`--dry-run` prints the suite on any machine, with no boot; `doctor` says no."""
    lacking = {"virtualization": "software (none)", "kvm_modules": "", "kernel_release": "6"}
    monkeypatch.setattr(host_facts, "facts", lambda: lacking)
    description = Linux().describe(Options(probe=False))
    reason = why_unsupported(GUEST, task_of("futex", "9", has_pv_ipi=True), description)

    assert "QEMU is not started" in str(reason)
    assert doctor._abilities("linux", description)["delivery linux"] == f"no: {reason}"


def test_each_missing_piece_has_its_command(
    cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They are named one after another."""
    monkeypatch.setattr(host_facts, "facts", lambda: {"virtualization": "svm"})
    monkeypatch.setattr(needs, "DEVICE", tmp_path / "kvm")
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(tracing, "why_unusable", lambda: "it is not mounted")
    reasons = list(needs._reasons())

    assert [reason.split(":")[0] for reason in reasons] == [
        f"{tmp_path}/kvm cannot be opened",
        "there is no qemu-system-x86_64",
        "hypercalls cannot be counted",
        "there is no kernel for the guest",
    ]


def test_the_newest_kernel_of_each_version_boots(cache: Path) -> None:
    """`--linux` chooses a version."""
    assert files.kernels() == {}
    add_kernel(cache, "new", "6.12.118-amd64", vmlinux(PVH_NOTE))
    add_kernel(cache, "old", "6.12.9-amd64", b"older")
    add_kernel(cache, "other", "6.9.7-amd64", b"other")
    add_kernel(cache, "odd", "unknown", b"odd")
    prepared = files.prepared()
    folder = cache / "pvbench/kernels"

    assert prepared.kernels == {
        "6.9": str(folder / "other/vmlinuz"),
        "6.12": str(folder / "new/vmlinuz"),
    }
    assert b"programs" in files.initramfs().read_bytes()


def test_a_kernel_is_unpacked_once(cache: Path) -> None:
    """It need not be decompressed in the guest."""
    add_kernel(cache, "new", "6.12", bz_image(vmlinux(PVH_NOTE)))
    image = cache / "pvbench/kernels/new/vmlinuz"
    path = files.boot_file(image)

    assert path.read_bytes() == vmlinux(PVH_NOTE)
    assert files.boot_file(image) == path


@pytest.mark.parametrize("image", [bz_image(b"x" * 8), vmlinux(b"")])
def test_a_kernel_that_cannot_be_unpacked_boots_as_it_is(cache: Path, image: bytes) -> None:
    """QEMU boots a bzImage too."""
    add_kernel(cache, "odd", "6.12", image)
    path = cache / "pvbench/kernels/odd/vmlinuz"

    assert files.boot_file(path) == path


def test_a_kernel_that_is_gone_is_one_sentence(cache: Path) -> None:
    """Somebody has removed it."""
    with pytest.raises(UnavailableError, match="cannot be read: No such file"):
        files.boot_file(cache / "vmlinuz")


def test_two_guests_of_a_pair_differ_in_pv_ipis_only() -> None:
    """Everything else is QEMU's default."""
    channels = Channels(console=3, control=4, monitor=5)
    on, off = machine_of(), machine_of(has_pv_ipi=False)
    commands = zip(on.command(channels), off.command(channels), strict=True)
    differ = [words for words in commands if len({*words}) > 1]

    assert differ == [("host,kvm-pv-ipi=on", "host,kvm-pv-ipi=off")]


def test_a_guest_in_xapic_mode_has_no_x2apic_and_polling_vcpus_do_not_exit() -> None:
    """Idle vCPUs wait by MWAIT then."""
    machine = machine_of(guest=guest_of(range(8), apic_mode="xapic"), idle="polling")
    words = machine.command(Channels(console=3, control=4, monitor=5))

    assert "host,kvm-pv-ipi=on,x2apic=off" in words
    assert words[words.index("-overcommit") + 1] == "cpu-pm=on"


def test_the_era_gives_the_kernel_its_parameter() -> None:
    """Without shorthands a full broadcast goes to a mask."""
    machine = machine_of(linux=LinuxEra(no_ipi_broadcast=True))
    words = machine.command(Channels(console=3, control=4, monitor=5))

    assert "no_ipi_broadcast=1" in words[words.index("-append") + 1]


def test_a_description_without_probing_prepares_nothing(cache: Path) -> None:
    """A dry run writes nothing."""
    description = Linux().describe(Options(probe=False))

    assert description.runs_programs
    assert settings_of(description.worker_data).files is None
    assert not cache.exists()


def test_a_description_names_what_boots(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """AVIC hides ICR writes, and a note says so."""
    add_kernel(cache, "new", "6.12", vmlinux(PVH_NOTE))
    facts = host_facts.facts() | {"kvm_amd.avic": "Y"}
    monkeypatch.setattr(host_facts, "facts", lambda: facts)
    description = Linux().describe(Options())
    settings = settings_of(description.worker_data)

    assert settings.files is not None
    assert list(settings.files.kernels) == ["6.12"]
    assert settings.hides_icr_writes
    assert "the number of ICR writes is unknown" in description.notes[1]


@pytest.mark.parametrize("options", [Options(costs="x"), Options(execution="ops")])
def test_options_of_other_deliveries_are_refused(options: Options) -> None:
    """It measures programs."""
    with pytest.raises(UsageError, match="Drop"):
        Linux().describe(options)
