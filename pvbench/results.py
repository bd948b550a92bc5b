"""
Result files: plain pyperf suites; where they go, how they are written and read.

One pyperf Benchmark for each series of each case, one Run for each boot.  What
tells cases apart and what was counted is metadata, keys ``pvbench_*``.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
from collections.abc import Iterable
from datetime import UTC, datetime
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

import attrs
import pyperf

from pvbench import journal, machine
from pvbench.boot import Measured
from pvbench.check import Prepared
from pvbench.errors import UnavailableError, UsageError, unknown
from pvbench.trace import Counts, Trace

FORMAT: Final = 1
_STAMP: Final = "%Y%m%dT%H%M%SZ"
_STAMP_LENGTH: Final = 16
PUBLISHED: Final = "published:"
# Metadata about the software that made a file, not about what was measured.
FINGERPRINT: Final = (
    "pvbench_version",
    "pvbench_sender_plugin",
    "pvbench_delivery_plugin",
    "pvbench_profile_sha256",
)

Metadata = dict[str, str | int | float]


def case_metadata(prepared: Prepared) -> Metadata:
    """What a case is and what its ops must do, for one iteration."""
    bursts = prepared.bursts
    return prepared.case.metadata() | {
        "pvbench_format": FORMAT,
        "pvbench_sources": len(bursts),
        "pvbench_targets": sum(len(e.cpus) + len(e.lost) for e in bursts),
        "pvbench_lost": sum(len(e.lost) for e in bursts),
        "pvbench_overlaid": "yes" if all(e.overlaid for e in bursts) else "no",
    }


def counted(counts: Counts, loops: int) -> Metadata:
    """Counts of one iteration; what a host cannot show is left out."""
    sums = {
        "icr_writes": counts.icr_writes,
        "hypercalls": counts.hypercalls,
        "exits": counts.exits,
        "handlers": sum(counts.handlers),
        "coalesced": sum(counts.coalesced),
        "wakeups_blocked": counts.wakeups_blocked,
    }
    return {
        f"pvbench_{name}": round(total / loops, 6)
        for name, total in sums.items()
        if total is not None
    }


def assumed(trace: Trace, series: str) -> Metadata:
    """The part of a modelled time that rests on assumed numbers; nothing if measured."""
    part = trace.assumed.get(series)
    return {} if part is None else {"pvbench_assumed": round(part, 3)}


@attrs.define
class Collector:
    """
    Runs by case and series; boots come in any order, cases are kept in the plan's.

    Args:
        metadata: of each case, in the order of the plan.
    """

    facts: Metadata
    metadata: dict[str, Metadata]
    runs: dict[str, dict[str, list[pyperf.Run]]] = attrs.field(factory=dict)

    def add(self, case: Measured, loops: int, warmup: int) -> None:
        """One boot of one case."""
        if case.trace is None:
            return
        common = self.metadata[case.name] | counted(case.trace.counts, case.trace.loops)
        common |= {"pvbench_target_state_proved": case.trace.target_state}
        for series, values in case.values.items():
            spread = attrs.asdict(case.trace.distributions[series])
            metadata = self.facts | common
            run = pyperf.Run(
                values,
                metadata=metadata
                | {f"pvbench_{name}_ticks": ticks for name, ticks in spread.items()}
                | assumed(case.trace, series)
                | {
                    "name": f"{case.name} {series}",
                    "pvbench_series": series,
                    "pvbench_warmup_loops": warmup,
                    "loops": loops,
                    "unit": "second",
                },
                collect_metadata=False,
            )
            self.runs.setdefault(case.name, {}).setdefault(series, []).append(run)

    def suite(self) -> pyperf.BenchmarkSuite | None:
        """Everything so far; None if nothing was measured."""
        if not self.runs:
            return None
        in_order = (self.runs.get(name, {}) for name in self.metadata)
        return pyperf.BenchmarkSuite(
            [pyperf.Benchmark(runs) for case in in_order for runs in case.values()]
        )


def write(suite: pyperf.BenchmarkSuite, path: Path) -> None:
    """
    Replace *path* at one stroke; what it held before stays if that fails.

    Raises:
        UnavailableError: no permission, no space, no such directory.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with temporary.open("w", encoding="utf-8") as file:
            suite.dump(file)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError as error:
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise _not_writable(path, error) from None


def claim(output: str | None, suite: str, label: str | None) -> Path:
    """
    A result file that did not exist, created empty so that nobody else takes it.

    Without *output* it is ./results/MACHINE/TIME-SUITE[-LABEL].json.

    Raises:
        UsageError: *output* exists already.
        UnavailableError: it cannot be created.
    """
    if output is not None:
        return _create(Path(output))
    folder = Path("results") / machine.name()
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _not_writable(folder, error) from None
    stamp = datetime.now(UTC).strftime(_STAMP)
    words = (re.sub(r"[^A-Za-z0-9._]+", "-", word) for word in (suite, label) if word)
    stem = "-".join((stamp, *words))
    for number in range(1, 1000):
        suffix = f"-{number}" if number > 1 else ""
        with contextlib.suppress(UsageError):
            return _create(folder / f"{stem}{suffix}.json")
    raise UnavailableError(f"{folder} holds a thousand runs of this second")


def _create(path: Path) -> Path:
    if path.suffix != ".json":
        raise UsageError(f"{path} does not end in .json", fix="pyperf files do.")
    try:
        with path.open("x"):
            journal.beside(path).unlink(missing_ok=True)  # of a run that measured nothing
            return path
    except FileExistsError:
        raise UsageError(
            f"{path} exists", fix="Give another -o FILE, or remove it first."
        ) from None
    except OSError as error:
        raise _not_writable(path, error) from None


def _not_writable(path: Path, error: OSError) -> UnavailableError:
    return UnavailableError(
        f"{path} cannot be written",
        why=str(error.strerror),
        fix="Give another place with -o FILE.",
    )


def latest(count: int) -> list[Path]:
    """The last *count* result files of this machine, oldest first."""
    folder = Path("results") / machine.name()
    found = [path for path in folder.glob("*.json") if path.stat().st_size]
    return sorted(found, key=lambda path: (path.name[:_STAMP_LENGTH], len(path.name), path))[
        -count:
    ]


def locate(name: str) -> Path:
    """
    The path of a result file or of a published one (``published:NAME``).

    Raises:
        UsageError: there is no such file.
    """
    if not name.startswith(PUBLISHED):
        return Path(name)
    stem = name.removeprefix(PUBLISHED)
    known = {path.stem: path for path in _published().glob("*.json")}
    if stem not in known:
        listing = f"Published: {', '.join(sorted(known))}."
        raise unknown("published result", stem, known, listing)
    return known[stem]


def _published() -> Path:
    """In a wheel beside the code, in a checkout under results/."""
    packaged = Path(str(files("pvbench"))) / "published"
    return packaged if packaged.is_dir() else packaged.parents[1] / "results/published"


def read(name: str) -> pyperf.BenchmarkSuite:
    """
    Load a result file.

    Raises:
        UsageError: it is not there, not JSON, not pyperf's, or of another format.
    """
    path = locate(name)
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise UsageError(f"{name} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise UsageError(f"{name} is not a text file", fix=_EXPECTED) from None
    suite = _parse(name, text)
    for benchmark in suite:
        version = benchmark.get_metadata().get("pvbench_format")
        if version is None or "pvbench_clock" not in benchmark.get_metadata():
            raise UsageError(f"{name} is a pyperf file, but not of pvbench", fix=_EXPECTED)
        if version != FORMAT:
            raise UsageError(
                f"{name} is of pvbench's format {version!r}, this one reads {FORMAT}",
                fix="Use the pvbench that wrote it.",
            )
    clocks = {benchmark.get_metadata()["pvbench_clock"] for benchmark in suite}
    if len(clocks) > 1:
        raise UsageError(
            f"{name} mixes clocks: {', '.join(sorted(map(str, clocks)))}",
            why="times of different clocks are never compared",
            fix="Keep each clock in a file of its own.",
        )
    return suite


_EXPECTED: Final = "Give a file written by `pvbench run`."


def _parse(name: str, text: str) -> pyperf.BenchmarkSuite:
    if not text.strip():
        raise UsageError(f"{name} is empty", why="its run measured nothing", fix=_EXPECTED)
    try:
        data: Any = json.loads(text)
    except json.JSONDecodeError as error:
        cut = text.startswith("{") and not text.rstrip().endswith("}")
        what = "is cut off" if cut else "is not JSON"
        raise UsageError(f"{name} {what}", why=str(error), fix=_EXPECTED) from None
    if not isinstance(data, dict) or "benchmarks" not in data:
        raise UsageError(f"{name} is not a pyperf file", fix=_EXPECTED)
    try:
        return pyperf.BenchmarkSuite.loads(text)
    except Exception as error:
        raise UsageError(
            f"{name} is not a pyperf file this pyperf reads",
            why=str(error),
            fix=_EXPECTED,
        ) from None


def differing(suites: Iterable[pyperf.BenchmarkSuite]) -> dict[str, list[str]]:
    """Fingerprint keys whose values differ, where both sides tell: values by suite."""
    found: dict[str, list[str]] = {}
    facts = [[benchmark.get_metadata() for benchmark in suite] for suite in suites]
    for key in FINGERPRINT:
        values = [
            ", ".join(sorted({str(f[key]) for f in suite if key in f})) for suite in facts
        ]
        if len(set(filter(None, values))) > 1:
            found[key] = values
    return found
