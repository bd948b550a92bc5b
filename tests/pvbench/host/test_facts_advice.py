"""Advice about a host whose times are not steady."""

from __future__ import annotations

import os

import pytest

from pvbench.host import facts as host_facts
from support.hosts import (
    ASLR,
    BOOST,
    CLOCK,
    CPU,
    CPUINFO,
    GOVERNORS,
    NO_TURBO,
    POLL,
    FakeHost,
    Files,
    cpuinfo,
)

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
