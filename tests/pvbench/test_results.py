"""Result files: plain pyperf suites, written at one stroke, read with suspicion."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

import pytest

from golden import content
from pvbench import machine, results
from pvbench.boot import Measured
from pvbench.errors import UnavailableError, UsageError
from pvbench.plan import Outcome
from pvbench.results import Collector
from pvbench.trace import Distribution
from run_helpers import prepared_of, row_of, suite_of, trace_of

NAME = "norov.broadcast x2apic-physical a test's"
OK = Outcome("ok")


def collector() -> Collector:
    """For two cases, in the order A, B."""
    metadata = {name: results.case_metadata(prepared_of()) for name in ("A", "B")}
    return Collector({"pvbench_clock": "model"}, metadata)


def measured(name: str, *values: float, series: str = "wall") -> Measured:
    """One boot of a case, one value for each slice."""
    trace = trace_of(distributions={series: Distribution(p50=1_999, p99=2_050, maximum=2_100)})
    return Measured(name=name, outcome=OK, values={series: list(values)}, trace=trace)


def test_one_benchmark_for_each_series_and_one_run_for_each_boot() -> None:
    """The boot is the unit of replication."""
    found = collector()
    for values in ((2e-9, 3e-9), (4e-9, 5e-9)):
        found.add(measured("A", *values), loops=10, warmup=5)
    suite = found.suite()

    assert suite is not None
    assert suite.get_benchmark_names() == ["A wall"]
    runs = suite.get_benchmark("A wall").get_runs()
    assert [run.values for run in runs] == [(2e-9, 3e-9), (4e-9, 5e-9)]


def test_benchmarks_come_in_the_order_of_the_plan() -> None:
    """Boots come in any order; files of one plan can be laid side by side."""
    found = collector()
    for name in ("B", "A"):
        found.add(measured(name, 2e-9), loops=10, warmup=5)

    assert [b.get_name() for b in found.suite() or ()] == ["A wall", "B wall"]


def test_a_run_carries_facts_counts_and_spread() -> None:
    """pyperf refuses values <= 0, so counts are metadata, of one iteration."""
    found = collector()
    found.add(measured("A", 2e-9), loops=10, warmup=5)
    suite = found.suite()
    assert suite is not None
    metadata = suite.get_benchmark("A wall").get_metadata()

    assert {
        "loops": 10,
        "unit": "second",
        "pvbench_clock": "model",
        "pvbench_series": "wall",
        "pvbench_warmup_loops": 5,
        "pvbench_sources": 1,
        "pvbench_targets": 3,
        "pvbench_lost": 0,
        "pvbench_icr_writes": 3.0,
        "pvbench_hypercalls": 0.0,
        "pvbench_handlers": 3.0,
        "pvbench_p50_ticks": 1_999,
        "pvbench_p99_ticks": 2_050,
        "pvbench_maximum_ticks": 2_100,
        "pvbench_target_state_proved": "halted",
    }.items() <= metadata.items()


def test_what_a_host_cannot_show_is_left_out() -> None:
    """Unknown is neither 0 nor a made-up number."""
    counts = trace_of(icr_writes=None).counts

    assert "pvbench_icr_writes" not in results.counted(counts, loops=10)


def test_pyperf_collects_nothing_about_the_host() -> None:
    """pyperf's own metadata would name the machine and the time."""
    found = collector()
    found.add(measured("A", 2e-9), loops=10, warmup=5)
    suite = found.suite()
    assert suite is not None

    assert not {"hostname", "date", "boot_time"} & set(suite.get_metadata())


@pytest.mark.parametrize("kind", ["void", "failed"])
def test_a_case_without_proof_adds_no_run(kind: str) -> None:
    """A void sample is never a data point, and a failed boot has none."""
    found = collector()
    trace = trace_of() if kind == "void" else None
    found.add(Measured(name="A", outcome=Outcome(kind, "why"), trace=trace), 10, 5)

    assert found.suite() is None


def test_a_file_is_replaced_at_one_stroke(tmp_path: Path) -> None:
    """Nothing else is left in the directory, and pyperf reads it."""
    path = tmp_path / "a.json"
    path.write_text("old")
    results.write(suite_of(row_of("broadcast", "x2apic-physical", 2e-9)), path)

    assert os.listdir(tmp_path) == ["a.json"]
    assert len(results.read(str(path))) == 1


def test_a_file_has_the_permissions_of_any_other(tmp_path: Path) -> None:
    """Results are there to be shared."""
    (tmp_path / "plain").touch()
    results.write(suite_of(row_of("broadcast", "x2apic-physical", 2e-9)), tmp_path / "a.json")
    plain, written = (stat.S_IMODE((tmp_path / n).stat().st_mode) for n in ("plain", "a.json"))

    assert plain == written


def test_a_full_disk_leaves_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was measured before is worth more than half of what is measured now."""
    path = tmp_path / "a.json"
    path.write_text("old")

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(UnavailableError, match=r"a\.json cannot be written: No space left"):
        results.write(suite_of(row_of("broadcast", "x2apic-physical", 2e-9)), path)

    assert (os.listdir(tmp_path), path.read_text()) == (["a.json"], "old")


def test_a_run_without_a_name_goes_to_the_machine_s_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """./results/MACHINE/TIME-SUITE-LABEL.json, never over another run."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(machine, "name", lambda: "some-cpu-4cpu")
    names = [results.claim(None, "norov", "before").name for _ in range(3)]

    assert len(set(names)) == 3
    assert all(n[8] == "T" and "Z-norov-before" in n and n.endswith(".json") for n in names)
    assert len(os.listdir("results/some-cpu-4cpu")) == 3


def test_the_last_runs_are_those_that_measured_something(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An empty file belongs to a run under way; times in names sort."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(machine, "name", lambda: "some-cpu-4cpu")
    folder = Path("results/some-cpu-4cpu")
    folder.mkdir(parents=True)
    for day in (1, 2, 3):
        (folder / f"2026010{day}T000000Z-norov.json").write_text("{}")
    (folder / "20260104T000000Z-norov.json").touch()

    assert [path.name[:8] for path in results.latest(2)] == ["20260102", "20260103"]


def test_two_runs_of_one_second_are_in_the_order_they_were_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`compare` takes the later one as what changed."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(machine, "name", lambda: "some-cpu-4cpu")
    folder = Path("results/some-cpu-4cpu")
    folder.mkdir(parents=True)
    names = ["20260101T000000Z-norov.json", "20260101T000000Z-norov-2.json"]
    for name in names:
        (folder / name).write_text("{}")

    assert [path.name for path in results.latest(2)] == names


def test_a_published_file_is_found_by_its_name() -> None:
    """In a checkout and in a wheel alike."""
    assert results.locate("published:norov-2018").name == "norov-2018.json"


def test_an_unknown_published_file_is_refused_with_the_nearest() -> None:
    """The list of what there is is short enough to be shown."""
    with pytest.raises(UsageError, match=r"Did you mean 'norov-2018'\? Published: norov-2018"):
        results.locate("published:norov")


def test_only_software_counts_as_fingerprint() -> None:
    """What was measured is compared as values; what made the file is told first."""
    old = suite_of(row_of("broadcast", "x2apic-physical", 2e-9))
    new = suite_of(row_of("broadcast", "x2apic-physical", 3e-9, version="0.2.0"))

    assert results.differing([old, new]) == {"pvbench_version": ["0.1.0", "0.2.0"]}
    assert results.differing([old, old]) == {}


def test_a_side_that_does_not_tell_does_not_differ() -> None:
    """Published files know no plugin versions."""
    old = suite_of(row_of("broadcast", "x2apic-physical", 2e-9))
    published = suite_of(row_of("broadcast", "x2apic-physical", 2e-9, sender_plugin=None))

    assert results.differing([published, old]) == {}


def test_content_leaves_out_what_made_the_file() -> None:
    """Two versions of pvbench may make the same results."""
    old, new = (
        content(suite_of(row_of("broadcast", "x2apic-physical", 2e-9, version=version)))
        for version in ("0.1.0", "0.2.0")
    )

    assert old == new
