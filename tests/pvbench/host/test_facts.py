"""The host's fingerprint: facts of made-up trees, their advice, and KVM's key."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pvbench.host import facts as host_facts
from pvbench.host import files as host_files

CPU = "sys/devices/system/cpu"
CPUINFO = "proc/cpuinfo"
CLOCK = "sys/devices/system/clocksource/clocksource0/current_clocksource"
HUGEPAGES = "sys/kernel/mm/transparent_hugepage/enabled"
ASLR = "proc/sys/kernel/randomize_va_space"
RELEASE, VERSION = "proc/sys/kernel/osrelease", "proc/sys/kernel/version"
GOVERNORS = tuple(f"{CPU}/cpu{number}/cpufreq/scaling_governor" for number in range(2))
NO_TURBO, BOOST = f"{CPU}/intel_pstate/no_turbo", f"{CPU}/cpufreq/boost"
BUGS = f"{CPU}/vulnerabilities"
POLL = "sys/module/kvm/parameters/halt_poll_ns"
AVIC = "sys/module/kvm_amd/parameters/avic"

Files = Mapping[str, str | bytes | None]
FakeHost = Callable[[Files], Path]


def cpuinfo(
    flags: str = "fpu svm constant_tsc nonstop_tsc",
    model: str = "AMD EPYC 7763",
    microcode: str = "0xa0011d1",
) -> str:
    """One CPU of /proc/cpuinfo."""
    return (
        f"processor\t: 0\nmodel\t\t: 1\nmodel name\t: {model}\nmicrocode\t: {microcode}\n"
        f"vmx flags\t: hypervisor\nflags\t\t: {flags}\nbogomips\t: 4900.00\n\n"
    )


# A host that there is nothing to say against.
STEADY = {
    CPUINFO: 2 * cpuinfo(),
    RELEASE: "6.8.0-31-generic\n",
    VERSION: "#31-Ubuntu SMP Sat Apr 20 00:40:06 UTC 2024\n",
    ASLR: "2\n",
    POLL: "0\n",
    "sys/module/kvm/parameters/tdp_mmu": "Y\n",
    AVIC: "N\n",
    "sys/module/kvm_amd/parameters/nested": "1\n",
    "sys/module/ext4/parameters/other": "1\n",
    CLOCK: "tsc\n",
    f"{CPU}/smt/active": "0\n",
    GOVERNORS[0]: "performance\n",
    GOVERNORS[1]: "performance\n",
    BOOST: "0\n",
    f"{CPU}/isolated": "2-3\n",
    f"{CPU}/nohz_full": "3\n",
    f"{BUGS}/meltdown": "Not affected\n",
    f"{BUGS}/spectre_v1": "Mitigation: usercopy/swapgs barriers\n",
    f"{BUGS}/tsa": "Vulnerable: No microcode\n",
    HUGEPAGES: "always [madvise] never\n",
}
ITS_FACTS = [
    ("cpu_model", "AMD EPYC 7763"),
    ("microcode", "0xa0011d1"),
    ("kernel_release", "6.8.0-31-generic"),
    ("kernel_version", "#31-Ubuntu SMP Sat Apr 20 00:40:06 UTC 2024"),
    ("kvm_modules", "kvm, kvm_amd"),
    ("kvm.halt_poll_ns", "0"),
    ("kvm.tdp_mmu", "Y"),
    ("kvm_amd.avic", "N"),
    ("kvm_amd.nested", "1"),
    ("nested", "no"),
    ("virtualization", "svm"),
    ("constant_tsc", "yes"),
    ("nonstop_tsc", "yes"),
    ("clocksource", "tsc"),
    ("smt", "off"),
    ("governor", "performance"),
    ("turbo", "off"),
    ("isolated_cpus", "2-3"),
    ("nohz_full", "3"),
    ("vulnerabilities", "spectre_v1, tsa"),
    ("vulnerability.spectre_v1", "Mitigation: usercopy/swapgs barriers"),
    ("vulnerability.tsa", "Vulnerable: No microcode"),
    ("transparent_hugepages", "madvise"),
    ("aslr", "full"),
]


def write_files(root: Path, files: Files) -> Path:
    """*root* with these files; None leaves one out."""
    for name, content in files.items():
        if content is not None:
            path = root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content.encode() if isinstance(content, str) else content)
    return root


@pytest.fixture
def fake_host(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> FakeHost:
    """A steady host with some files changed, on which this process may use four CPUs."""
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: {3, 0, 2, 1})
    return lambda files: write_files(tmp_path_factory.mktemp("root"), {**STEADY, **files})


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


INGREDIENTS: list[tuple[str, Files]] = [
    ("release", {RELEASE: "6.8.0-32-generic\n"}),
    ("version", {VERSION: "#32-Ubuntu SMP\n"}),
    ("microcode", {CPUINFO: 2 * cpuinfo(microcode="0xa0011d2")}),
    ("model", {CPUINFO: 2 * cpuinfo(model="AMD EPYC 7763P")}),
    ("parameter-of-kvm", {POLL: "200000\n"}),
    ("parameter-of-amd", {AVIC: "Y\n"}),
    ("parameter-gone", {AVIC: None}),
    ("parameter-new", {"sys/module/kvm_amd/parameters/vnmi": "Y\n"}),
    ("module-new", {"sys/module/kvm_pvm/refcnt": "0\n"}),
]
OTHERS: list[tuple[str, Files]] = [
    ("flags", {CPUINFO: 2 * cpuinfo("fpu vmx hypervisor")}),
    ("cpus", {CPUINFO: cpuinfo()}),
    ("module-of-others", {"sys/module/ext4/parameters/other": "2\n"}),
    ("use-of-kvm", {"sys/module/kvm/refcnt": "7\n"}),
    ("clocksource", {CLOCK: "hpet\n"}),
    ("smt", {f"{CPU}/smt/active": "1\n"}),
    ("governor", {GOVERNORS[0]: "powersave\n"}),
    ("turbo", {BOOST: "1\n"}),
    ("isolated", {f"{CPU}/isolated": "\n"}),
    ("nohz", {f"{CPU}/nohz_full": "\n"}),
    ("vulnerabilities", {f"{BUGS}/tsa": "Not affected\n"}),
    ("hugepages", {HUGEPAGES: "[always] madvise never\n"}),
    ("aslr", {ASLR: "0\n"}),
]


@pytest.mark.parametrize("files", [pytest.param(files, id=name) for name, files in INGREDIENTS])
def test_the_key_changes_with_facts_that_affect_mechanisms(
    fake_host: FakeHost, files: Files
) -> None:
    """These are CPU, microcode, kernel, and KVM's modules and parameters."""
    assert host_facts.kvm_key(fake_host(files)) != host_facts.kvm_key(fake_host({}))


@pytest.mark.parametrize("files", [pytest.param(files, id=name) for name, files in OTHERS])
def test_the_key_does_not_change_with_other_facts(fake_host: FakeHost, files: Files) -> None:
    """Tuning a host for timing does not discard its probe results."""
    assert host_facts.kvm_key(fake_host(files)) == host_facts.kvm_key(fake_host({}))


def test_the_key_does_not_change_between_releases(fake_host: FakeHost) -> None:
    """Other releases read the cache too; the expected key was computed by `sha256sum`."""
    expected = "1b6754e61320cbb95c4a78babe21bf4438c1bdd54cda1db52d63f13189652fd3"

    assert host_facts.kvm_key(fake_host({})) == expected


PARAMETERS = st.dictionaries(
    st.from_regex(r"[a-z_]{1,3}", fullmatch=True), st.sampled_from(["Y", "N", "1", "-1", "a,b"])
)


def key_of(parameters: Mapping[str, str]) -> str:
    """The key of a host that has these parameters of kvm."""
    with tempfile.TemporaryDirectory() as folder:
        files = {f"sys/module/kvm/parameters/{name}": v for name, v in parameters.items()}
        return host_facts.kvm_key(
            write_files(Path(folder), {"sys/module/kvm/refcnt": "0"} | files)
        )


@given(PARAMETERS, PARAMETERS)
def test_different_parameters_have_different_keys(
    one: dict[str, str], other: dict[str, str]
) -> None:
    """The hashed text separates names and values."""
    assert (key_of(one) == key_of(other)) == (one == other)


@given(PARAMETERS)
def test_the_order_of_a_folder_does_not_matter(parameters: dict[str, str]) -> None:
    """File systems list names in any order."""
    assert key_of(parameters) == key_of(dict(reversed(parameters.items())))


UNSTEADY: dict[str, tuple[Files, str]] = {
    "hypervisor": ({CPUINFO: cpuinfo("svm hypervisor")}, "runs inside a hypervisor"),
    "governor": (
        {GOVERNORS[1]: "powersave\n"},
        "governor is performance, powersave: `python -m pyperf system tune` sets",
    ),
    "turbo": ({NO_TURBO: "0\n"}, "`python -m pyperf system tune` turns it off on Intel"),
    "boost": ({BOOST: "1\n"}, "write 0 to /sys/devices/system/cpu/cpufreq/boost"),
    "clock": ({CLOCK: "hpet\n"}, "The clock source is hpet"),
    "polling": ({POLL: "200000\n"}, "KVM polls up to 200000 ns"),
    "aslr-off": ({ASLR: "0\n"}, "ASLR is off"),
    "aslr-partial": ({ASLR: "1\n"}, "`python -m pyperf system tune` makes it full"),
    "siblings": ({f"{CPU}/smt/active": "1\n", f"{CPU}/isolated": "\n"}, "SMT is on"),
}


@pytest.mark.parametrize(("files", "words"), UNSTEADY.values(), ids=UNSTEADY)
def test_each_unsteady_setting_has_one_sentence_of_advice(
    fake_host: FakeHost, files: Files, words: str
) -> None:
    """The sentence says what it is, why it matters and what to do."""
    (sentence,) = host_facts.advice(fake_host(files))

    assert words in sentence
    assert sentence.endswith(".")
    assert "{" not in sentence


@pytest.mark.parametrize(
    "files",
    [
        pytest.param({}, id="steady"),
        pytest.param({CPUINFO: None}, id="hypervisor-unknown"),
        pytest.param(dict.fromkeys(GOVERNORS), id="governor-unknown"),
        pytest.param({BOOST: None}, id="turbo-unknown"),
        pytest.param({NO_TURBO: "1\n", BOOST: "1\n"}, id="turbo-off-by-intel-s-driver"),
        pytest.param({CLOCK: None}, id="clocksource-unknown"),
        pytest.param({POLL: None}, id="no-halt-polling"),
        pytest.param({POLL: ""}, id="halt-polling-unknown"),
        pytest.param({ASLR: None}, id="aslr-unknown"),
        pytest.param({f"{CPU}/smt/active": "1\n"}, id="smt-with-isolated-cpus"),
        pytest.param({f"{CPU}/isolated": "\n"}, id="no-smt"),
        pytest.param({f"{CPU}/smt/active": None, f"{CPU}/isolated": "\n"}, id="smt-unknown"),
        pytest.param({f"{CPU}/smt/active": "1\n", f"{CPU}/isolated": None}, id="isolation"),
    ],
)
def test_steady_and_unknown_settings_have_no_advice(fake_host: FakeHost, files: Files) -> None:
    """Advice must apply to this host."""
    assert host_facts.advice(fake_host(files)) == []


@pytest.mark.parametrize(
    ("cpus", "has_advice"),
    [pytest.param({5}, True, id="one"), pytest.param({5, 7}, False, id="two")],
)
def test_a_single_usable_cpu_has_advice(
    fake_host: FakeHost, monkeypatch: pytest.MonkeyPatch, cpus: set[int], has_advice: bool
) -> None:
    """A sender and its target need one CPU each."""
    root = fake_host({})
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: cpus)

    assert any("fewer than 2 CPUs" in line for line in host_facts.advice(root)) == has_advice


def test_advice_has_a_fixed_order(fake_host: FakeHost, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each setting has one sentence, the environment first."""
    all_files = [files for files, _ in UNSTEADY.values()]
    root = fake_host({path: text for files in all_files for path, text in files.items()})
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: {0})
    words = ("hypervisor", "governor", "Turbo", "clock", "polls", "ASLR", "SMT", "fewer")
    sentences = host_facts.advice(root)

    assert [word in line for word, line in zip(words, sentences, strict=True)] == [True] * 8


def test_usable_cpus_are_those_of_this_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """taskset and cpusets limit the CPUs of a process."""
    monkeypatch.setattr(os, "sched_getaffinity", {0: {9, 64, 2}}.__getitem__)

    assert host_facts.usable_cpus() == (2, 9, 64)
