"""The results of probes are kept, for one host and one guest."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from pvbench.host import facts as host_facts
from pvbench.host import lock as host_lock
from pvbench_deliver_kvm import build
from pvbench_deliver_kvm.measure.hypercall_abis import NOT_SERVED
from pvbench_deliver_kvm.probe import cache
from pvbench_deliver_kvm.probe.programs import PROBES, PROPOSALS
from support.probe_children import (
    ALL_WORK,
    BEGUN,
    HANGS,
    NMI,
    PHYSICAL,
    Child,
    born,
    lines_on,
    stored_files,
)


def test_results_of_working_probes_are_cached(tmp_path: Path, child: Child) -> None:
    """The second time nothing is started, and the same is said."""
    child(BEGUN + ALL_WORK)
    first, children = cache.probes(), born(tmp_path)

    assert (first, children) == (cache.probes(), born(tmp_path))
    assert set(first.values()) == {""}


def test_a_failure_is_final_when_it_is_seen_again(tmp_path: Path, child: Child) -> None:
    """Only what failed is tried again, once; then it is believed."""
    child(BEGUN + ALL_WORK.replace(lines_on(NMI), lines_on(NMI, why="#GP")))
    results = [(cache.probes()[NMI], len(born(tmp_path))) for _ in range(3)]

    assert results == [("#GP", len(PROBES)), ("#GP", len(PROBES) + 1), ("#GP", len(PROBES) + 1)]


def test_a_proposal_that_is_not_served_is_not_tried_again(tmp_path: Path, child: Child) -> None:
    """KVM answered, so load was not the cause."""
    proposals = lines_on(*PROBES["proposals"][2])
    child(BEGUN + ALL_WORK.replace(proposals, lines_on(*PROPOSALS, why=NOT_SERVED)))
    results = [cache.probes(), cache.probes()]

    assert [[each[name] for name in PROPOSALS] for each in results] == [[NOT_SERVED] * 3] * 2
    assert len(born(tmp_path)) == len(PROBES)


def test_a_mechanism_that_another_run_has_tried_meanwhile_is_not_tried_again(
    child: Child, tmp_path: Path
) -> None:
    """Of two runs at once the second waits for its turn, and uses the kept results."""

    @contextmanager
    def alone(say: object) -> Iterator[None]:
        child(BEGUN + ALL_WORK.replace(lines_on(NMI), lines_on(NMI, why="#GP")))
        cache.probes()
        yield

    child(BEGUN + ALL_WORK)
    results = cache.probes(alone=alone)

    assert results[NMI] == "#GP"
    assert [group for _, group in born(tmp_path)] == [*PROBES, "x2apic"]


def test_without_waiting_only_cached_results_are_returned(child: Child, tmp_path: Path) -> None:
    """Nothing starts while a timed run is under way."""
    child(lines_on(PHYSICAL))  # and no guest for the others
    cache.probes()
    before = born(tmp_path)
    with host_lock.alone(None):
        cached = cache.probes(wait=False)

    assert born(tmp_path) == before
    assert cached[PHYSICAL] == ""
    assert cached["kvm-hypercall"] == "it was not tried: another timed run is under way here"


@pytest.mark.parametrize(
    "last_command",
    [
        pytest.param(HANGS, id="a-stall"),
        pytest.param("kill -9 $$", id="a-kill"),
    ],
)
def test_a_bad_moment_is_not_for_ever(child: Child, last_command: str) -> None:
    """A busy machine, or one short of memory, may do better another time."""
    child(BEGUN, last_command)
    first = cache.probes()
    child(BEGUN + ALL_WORK)
    second = cache.probes()

    assert (first[PHYSICAL] != "", set(second.values())) == (True, {""})


@pytest.mark.parametrize(
    "broken",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b'{"x2apic-phys', id="half-written"),
        pytest.param(b"\xff\xfe", id="no-text"),
        pytest.param(b"[" * 100_000, id="endless-depth"),
        pytest.param(f'{{"{PHYSICAL}": ["", 1e999]}}'.encode(), id="infinite"),
        pytest.param(b"[]", id="another-shape"),
        pytest.param(b"{}", id="without-probe results"),
        pytest.param(b'{"x2apic-physical": "no", "x2apic-nmi": ""}', id="another-version"),
        pytest.param(b'{"x2apic-physical": ["", "often"]}', id="another-type"),
        pytest.param(b'{"x2apic-magic": ["", 1]}', id="another-probe"),
    ],
)
def test_a_broken_file_is_replaced(tmp_path: Path, child: Child, broken: bytes) -> None:
    """The new results replace its content."""
    child(BEGUN + ALL_WORK)
    before = cache.probes()
    (file,) = stored_files(tmp_path)
    file.write_bytes(broken)

    assert before == cache.probes()
    assert {name: [why, 1] for name, why in before.items()} == json.loads(file.read_text())
    assert len(born(tmp_path)) == 2 * len(PROBES)


@pytest.mark.parametrize(
    ("module", "name"), [(host_facts, "kvm_key"), (build, "key")], ids=["host", "guest"]
)
def test_probe_results_are_of_one_host_and_one_guest(
    tmp_path: Path,
    child: Child,
    monkeypatch: pytest.MonkeyPatch,
    module: object,
    name: str,
) -> None:
    """Another kernel, microcode, parameter of KVM, guest or compiler is tried anew."""
    child(BEGUN + lines_on(PHYSICAL))
    works = cache.probes()[PHYSICAL]
    monkeypatch.setattr(module, name, lambda: "another")
    child(BEGUN + lines_on(PHYSICAL, why="not here"))

    assert (works, cache.probes()[PHYSICAL]) == ("", "not here")
    assert len(stored_files(tmp_path)) == 2


def test_a_cache_that_cannot_be_written_costs_time_only(tmp_path: Path, child: Child) -> None:
    """A file stands where its folder would be."""
    child(BEGUN + lines_on(PHYSICAL))
    (tmp_path / "cache").write_text("")

    assert cache.probes()[PHYSICAL] == ""
    assert (tmp_path / "cache").read_text() == ""
