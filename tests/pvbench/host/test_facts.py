"""The host's fingerprint: facts of made-up trees."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pvbench.host import facts as host_facts
from pvbench.host import files as host_files
from support.hosts import (
    ASLR,
    AVIC,
    BOOST,
    BUGS,
    CLOCK,
    CPU,
    CPUINFO,
    GOVERNORS,
    HUGEPAGES,
    ITS_FACTS,
    NO_TURBO,
    RELEASE,
    STEADY,
    VERSION,
    FakeHost,
    Files,
    cpuinfo,
    write_files,
)


def test_a_host_s_facts_come_in_one_order(fake_host: FakeHost) -> None:
    """Processor, kernel, KVM with its parameters by name, then what may be tuned."""
    assert list(host_facts.facts(fake_host({})).items()) == ITS_FACTS


SOFTWARE = "software (no vmx or svm flag)"


@pytest.mark.parametrize(
    ("flags", "expected"),
    [
        pytest.param("svm", ["no", "svm", "no", "no"], id="amd"),
        pytest.param("vmx constant_tsc", ["no", "vmx", "yes", "no"], id="intel"),
        pytest.param("vmx hypervisor nonstop_tsc", ["yes", "vmx", "no", "yes"], id="nested"),
        pytest.param("fpu hypervisor", ["yes", SOFTWARE, "no", "no"], id="software"),
        pytest.param("vmxoff xsvm", ["no", SOFTWARE, "no", "no"], id="only-whole-words"),
        pytest.param("", ["unknown"] * 4, id="no-flags"),
    ],
)
def test_cpu_flags_give_hypervisor_hardware_and_tsc(
    fake_host: FakeHost, flags: str, expected: list[str]
) -> None:
    """A missing flag means no, but without any flags the facts are unknown."""
    facts = host_facts.facts(fake_host({CPUINFO: cpuinfo(flags)}))
    names = ("nested", "virtualization", "constant_tsc", "nonstop_tsc")

    assert [facts[name] for name in names] == expected


@pytest.mark.parametrize(
    ("name", "files", "expected"),
    [
        pytest.param(
            "microcode",
            {CPUINFO: cpuinfo(microcode="0x2") + cpuinfo(microcode="0x1")},
            "0x1, 0x2",
            id="microcode-differs-between-cpus",
        ),
        pytest.param("cpu_model", {CPUINFO: cpuinfo(model=" ")}, "unknown", id="model-blank"),
        pytest.param(
            "kvm_modules",
            {"sys/module/kvm_pvm/refcnt": "1"},
            "kvm, kvm_amd, kvm_pvm",
            id="module-without-parameters",
        ),
        pytest.param("smt", {f"{CPU}/smt/active": "1\n"}, "on", id="smt-on"),
        pytest.param("smt", {f"{CPU}/smt/active": "2\n"}, "unknown", id="smt-odd"),
        pytest.param(
            "governor",
            {GOVERNORS[0]: "schedutil\n"},
            "performance, schedutil",
            id="governors-differ",
        ),
        pytest.param(
            "governor",
            {GOVERNORS[1]: None, f"{CPU}/cpu1/online": "0\n"},
            "performance",
            id="cpu-offline",
        ),
        pytest.param(
            "governor",
            {f"{CPU}/cpuidle/cpufreq/scaling_governor": "x"},
            "performance",
            id="governor-of-no-cpu",
        ),
        pytest.param("turbo", {BOOST: "1\n"}, "on", id="boost-on"),
        pytest.param("turbo", {NO_TURBO: "0\n"}, "on", id="intel-turbo-on-comes-first"),
        pytest.param("turbo", {NO_TURBO: "1\n", BOOST: "1\n"}, "off", id="intel-turbo-off"),
        pytest.param("isolated_cpus", {f"{CPU}/isolated": "\n"}, "none", id="none-isolated"),
        pytest.param("nohz_full", {f"{CPU}/nohz_full": "\n"}, "none", id="no-nohz"),
        pytest.param(
            "nohz_full", {f"{CPU}/nohz_full": "  (null)\n"}, "none", id="no-nohz-older-kernel"
        ),
        pytest.param(
            "vulnerabilities",
            {f"{BUGS}/spectre_v1": "Not affected\n", f"{BUGS}/tsa": "Not affected\n"},
            "none",
            id="not-affected",
        ),
        pytest.param(
            "vulnerability.tsa",
            {f"{BUGS}/tsa": b"\xff"},
            "unknown",
            id="vulnerability-unreadable",
        ),
        pytest.param(
            "transparent_hugepages", {HUGEPAGES: "[always] madvise never"}, "always", id="huge"
        ),
        pytest.param("transparent_hugepages", {HUGEPAGES: "always"}, "unknown", id="no-choice"),
        pytest.param("aslr", {ASLR: "0\n"}, "off", id="aslr-off"),
        pytest.param("aslr", {ASLR: "1\n"}, "partial", id="aslr-partial"),
        pytest.param("kvm_amd.avic", {AVIC: " 1\n2 \n"}, "1 2", id="one-line"),
    ],
)
def test_a_fact_is_a_word_for_the_kernel_s_number(
    fake_host: FakeHost, name: str, files: Files, expected: str
) -> None:
    """Text that is not a known number is kept."""
    facts = host_facts.facts(fake_host(files))

    assert facts[name] == expected
    assert {k: v for k, v in facts.items() if k != name}.items() <= dict(ITS_FACTS).items()


@pytest.mark.parametrize(
    ("modules", "expected"),
    [
        pytest.param(["kvaser_usb", "xkvm"], "none", id="none-of-them-is-kvm"),
        pytest.param(["irqbypass", "kvm_intel", "kvm"], "kvm, kvm_intel", id="two"),
        pytest.param([], "unknown", id="no-module-at-all"),
    ],
)
def test_kvm_s_modules_are_those_that_start_with_kvm(
    tmp_path: Path, modules: list[str], expected: str
) -> None:
    """A kernel always has modules with parameters, so an empty folder means unknown."""
    for name in modules:
        (tmp_path / "sys/module" / name).mkdir(parents=True)

    assert host_facts.facts(tmp_path)["kvm_modules"] == expected


# Which facts a file bears.
SOURCES = {
    CPUINFO: (
        *("cpu_model", "microcode", "nested", "virtualization"),
        *("constant_tsc", "nonstop_tsc"),
    ),
    RELEASE: ("kernel_release",),
    VERSION: ("kernel_version",),
    AVIC: ("kvm_amd.avic",),
    CLOCK: ("clocksource",),
    f"{CPU}/smt/active": ("smt",),
    BOOST: ("turbo",),
    f"{CPU}/isolated": ("isolated_cpus",),
    f"{CPU}/nohz_full": ("nohz_full",),
    HUGEPAGES: ("transparent_hugepages",),
    ASLR: ("aslr",),
}
MEANS_NONE = {f"{CPU}/isolated", f"{CPU}/nohz_full"}


def missing(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Remove the file, as in an older kernel or one without the option."""
    path.unlink()


def empty(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make the file empty."""
    path.write_bytes(b"\n")


def not_utf_8(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Fill the file with bytes that are not text."""
    path.write_bytes(b"\xff\xfe")


def a_folder(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Replace the file by a folder."""
    path.unlink()
    path.mkdir()


def forbidden(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Refuse to read *path*; root may read it in any mode."""
    open_regular = host_files.open_regular

    def refuse(other: Path) -> int:
        if other == path:
            raise PermissionError(13, "Permission denied")
        return open_regular(other)

    monkeypatch.setattr(host_files, "open_regular", refuse)


@pytest.mark.parametrize("path", [pytest.param(path, id=SOURCES[path][0]) for path in SOURCES])
@pytest.mark.parametrize("spoil", [missing, empty, not_utf_8, a_folder, forbidden])
def test_a_file_that_cannot_be_read_makes_its_facts_unknown(
    fake_host: FakeHost,
    monkeypatch: pytest.MonkeyPatch,
    path: str,
    spoil: Callable[[Path, pytest.MonkeyPatch], None],
) -> None:
    """The other facts are still known; an empty list of CPUs means none."""
    root = fake_host({})
    spoil(root / path, monkeypatch)
    text = "none" if spoil is empty and path in MEANS_NONE else "unknown"
    expected = dict(ITS_FACTS) | dict.fromkeys(SOURCES[path], text)
    if spoil is missing and path == AVIC:  # no such parameter
        del expected["kvm_amd.avic"]

    assert host_facts.facts(root) == expected


@pytest.mark.parametrize(
    ("folder", "name"),
    [
        pytest.param("sys/module", "kvm_modules", id="modules"),
        pytest.param(BUGS, "vulnerabilities", id="vulnerabilities"),
        pytest.param(CPU, "governor", id="governor"),
    ],
)
def test_a_folder_that_cannot_be_listed_is_unknown(
    fake_host: FakeHost, monkeypatch: pytest.MonkeyPatch, folder: str, name: str
) -> None:
    """A container may hide part of /sys."""
    root, listdir = fake_host({}), os.listdir

    def refuse(path: Path) -> list[str]:
        if path == root / folder:
            raise PermissionError(13, "Permission denied")
        return listdir(path)

    monkeypatch.setattr(os, "listdir", refuse)

    assert host_facts.facts(root)[name] == "unknown"


def test_a_machine_without_files_has_only_unknown_facts_and_no_advice(
    fake_host: FakeHost, tmp_path: Path
) -> None:
    """No file of /proc or /sys exists."""
    assert set(host_facts.facts(tmp_path).values()) == {"unknown"}
    assert list(host_facts.facts(tmp_path)) == [
        name for name, _ in ITS_FACTS if "." not in name
    ]
    assert host_facts.advice(tmp_path) == []


@given(st.dictionaries(st.sampled_from(sorted(STEADY)), st.binary(max_size=40)))
def test_any_bytes_make_one_line_of_text_each(files: dict[str, bytes]) -> None:
    """A fact is a row of a table."""
    with tempfile.TemporaryDirectory() as folder:
        root = write_files(Path(folder), {**STEADY, **files})
        facts = host_facts.facts(root)
        host_facts.advice(root)
        host_facts.kvm_key(root)

    assert [name for name in facts if "vulnerability." not in name] == [
        name for name, _ in ITS_FACTS if "vulnerability." not in name
    ]
    assert [name for name, text in facts.items() if not text.strip() or "\n" in text] == []


def test_this_machine_has_every_fact() -> None:
    """The real /proc and /sys give the same names in the same order."""
    facts = host_facts.facts()

    assert [name for name in facts if "." not in name] == [
        name for name, _ in ITS_FACTS if "." not in name
    ]
    assert facts["kernel_release"] == os.uname().release
    assert facts["kernel_version"] == os.uname().version


def test_usable_cpus_are_those_of_this_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """taskset and cpusets limit the CPUs of a process."""
    monkeypatch.setattr(os, "sched_getaffinity", {0: {9, 64, 2}}.__getitem__)

    assert host_facts.usable_cpus() == (2, 9, 64)
