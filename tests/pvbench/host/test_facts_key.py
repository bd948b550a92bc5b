"""The key of a host's KVM, by which the results of probes are kept."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pvbench.host import facts as host_facts
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
    POLL,
    RELEASE,
    VERSION,
    FakeHost,
    Files,
    cpuinfo,
    write_files,
)

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
