"""Texts of other benchmarks as suites."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import pytest

from pvbench.benchmark_text import BenchmarkText, Measured, TestTime
from pvbench.errors import DamagedError, PluginError, UsageError
from pvbench.results import files, foreign
from pvbench.results.rows import Row, rows
from support.benchmark_texts import TEXTS, path_of, text_of

NOROV = "norov.dmesg"


def rows_of(name: str) -> dict[tuple[str, str], Row]:
    """The rows of a file by workload and series."""
    return {(row.fact("workload"), row.fact("series")): row for row in rows(files.read(name))}


@pytest.mark.parametrize("file", TEXTS)
def test_a_text_is_recognised_by_its_content(file: str) -> None:
    """Its rows have the times that the text has, and the name of the benchmark."""
    name, times = TEXTS[file]
    read = rows_of(path_of(file))

    assert {test: row.value_s for test, row in read.items()} == pytest.approx(times)
    assert {row.fact("suite") for row in read.values()} == {name}
    assert {row.kind.partition(" by ")[0] for row in read.values()} == {"measured"}


@pytest.mark.parametrize("name", ["a.json", "a.json.gz", "a"])
def test_the_name_of_the_file_does_not_matter(tmp_path: Path, name: str) -> None:
    """A compressed text is read too."""
    content = text_of(NOROV).encode()
    path = tmp_path / name
    path.write_bytes(gzip.compress(content) if name.endswith(".gz") else content)

    assert len(rows_of(str(path))) == 7


def test_what_the_text_does_not_tell_is_unknown() -> None:
    """Neither the sender nor the guest, and no counts."""
    row = rows_of(path_of(NOROV))["broadcast", "wall"]

    assert {row.fact(name) for name in ("stack", "guest", "linux", "site")} == {"unknown"}
    assert row.fact("icr_writes") is None
    assert row.is_noisy
    assert row.is_single_value


def test_repeated_results_are_runs(tmp_path: Path) -> None:
    """Their median counts."""
    path = tmp_path / "twice.dmesg"
    path.write_text(text_of(NOROV) + text_of(NOROV).replace("2569000000", "2769000000"))
    row = rows_of(str(path))["broadcast", "wall"]

    assert row.boots_s == pytest.approx((25.69e-6, 27.69e-6))
    assert not row.is_single_value


def test_a_text_of_two_benchmarks_is_refused(tmp_path: Path) -> None:
    """Each number must have one origin."""
    path = tmp_path / "both.dmesg"
    path.write_text(text_of(NOROV) + text_of("kvm-utils.dmesg"))

    with pytest.raises(UsageError, match=r"lines of ipi_bench of kvm-utils and of Norov"):
        files.read(str(path))


def test_a_text_without_a_time_is_refused(tmp_path: Path) -> None:
    """0 is unknown, and nothing would be left."""
    path = tmp_path / "zero.dmesg"
    path.write_text("Dry-run: 0, 0 ns\n")

    with pytest.raises(UsageError, match=r"zero\.dmesg has no time of Norov's ipi_benchmark"):
        files.read(str(path))


def test_a_text_with_very_many_runs_is_refused(tmp_path: Path) -> None:
    """A hostile text must not fill memory."""
    path = tmp_path / "many.dmesg"
    path.write_text("Dry-run: 0, 1 ns\n" * 10_001)

    with pytest.raises(UsageError, match="more than 10000 runs of one test"):
        files.read(str(path))


def test_a_text_that_is_larger_than_a_kernel_log_is_not_searched(tmp_path: Path) -> None:
    """It is no result file either."""
    path = tmp_path / "large.dmesg"
    path.write_text("Dry-run: 0, 1 ns\n" + " " * (1 << 22))

    with pytest.raises(DamagedError, match="is not JSON"):
        files.read(str(path))


def test_a_refusal_of_a_reader_names_the_file(tmp_path: Path) -> None:
    """The reader sees the text only."""
    path = tmp_path / "mail.txt"
    path.write_text(f"vanilla\n{text_of(NOROV)}pv-ipi\n{text_of(NOROV)}")

    with pytest.raises(UsageError, match=r"mail\.txt: a test has several results"):
        files.read(str(path))


def test_other_text_is_still_no_json(tmp_path: Path) -> None:
    """No benchmark prints it."""
    path = tmp_path / "notes.txt"
    path.write_text("dear diary\n")

    with pytest.raises(DamagedError, match="is not JSON"):
        files.read(str(path))


def broken(text: str) -> Measured:
    """A reader with a fault."""
    raise KeyError("x")


@pytest.mark.parametrize("call", ["lines", "read"])
def test_a_fault_of_a_plugin_is_a_sentence(call: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """It names the benchmark."""
    calls: dict[str, Any] = {"lines": len, "read": len} | {call: broken}
    mine = BenchmarkText(name="mine", title="mine", summary="mine", **calls)
    monkeypatch.setattr(foreign, "load_benchmark_texts", lambda: {"mine": mine})

    with pytest.raises(PluginError, match="benchmark mine raises KeyError"):
        foreign.suite_from("a.txt", "text")


def test_a_text_without_caveats_has_no_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    """A plugin may know everything."""
    measured = Measured(times=[TestTime(workload="self", values=[1.0])])
    mine = BenchmarkText(
        name="mine", title="mine", summary="mine", lines=len, read=lambda text: measured
    )
    monkeypatch.setattr(foreign, "load_benchmark_texts", lambda: {"mine": mine})
    suite = foreign.suite_from("a.txt", "text")

    assert suite is not None
    assert rows(suite)[0].fact("caveat") is None


def test_long_caveats_are_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    """A text may be hostile, and a plugin may quote it."""
    measured = Measured(
        times=[TestTime(workload="self", values=[1.0])], caveats=["\x1b[2J" + "x" * 1_000_000]
    )
    mine = BenchmarkText(
        name="mine", title="mine", summary="mine", lines=len, read=lambda text: measured
    )
    monkeypatch.setattr(foreign, "load_benchmark_texts", lambda: {"mine": mine})
    suite = foreign.suite_from("a.txt", "text")
    assert suite is not None
    caveat = rows(suite)[0].fact("caveat")

    assert len(caveat) < 1000
    assert caveat.isprintable()
