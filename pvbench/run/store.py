"""Store a run: its journal, its result file, and the results of each boot."""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import attrs
import pyperf

from pvbench import notices
from pvbench.errors import DamagedError, Status
from pvbench.host import tags
from pvbench.host.files import remove_temporaries
from pvbench.results import journal, resume
from pvbench.results.entry import Entry
from pvbench.results.files import claim, read, write
from pvbench.results.journal import Journal
from pvbench.run.boot import BootResult
from pvbench.run.collector import Collector
from pvbench.run.outcome import Outcome
from pvbench.run.plan import Boot
from pvbench.run.request import PreparedRun, plan_entry


@attrs.define
class RunStore:
    """
    Stores boots in any order, each completely before `add` returns.

    `resume` begins the run or takes over what an earlier process has stored, `add` stores
    one more boot, `finish` says how the run ended.

    Args:
        path: the result file.
    """

    path: Path
    _prepared: PreparedRun
    _planned: dict[str, Any]
    _journal: Journal
    _collector: Collector
    _cases: dict[int, dict[str, Entry]] = attrs.field(factory=dict)

    @classmethod
    @contextmanager
    def opened(cls, prepared: PreparedRun) -> Iterator[RunStore]:
        """
        Open the store of a new run or of the run to resume, and lock it.

        A file that is still empty at the end is removed.

        Raises:
            UsageError, UnavailableError: the files cannot be created, or they belong to
                another run.
        """
        planned = plan_entry(prepared)
        path, is_new = _place(prepared, planned)
        with ExitStack() as stack:
            book = _locked(stack, path, is_new)
            stack.callback(_remove_if_empty, path)
            stack.callback(_remove_if_empty, book.path)
            remove_temporaries(path)
            yield cls(path, prepared, planned, book, Collector.of(prepared))

    def resume(self) -> Container[int]:
        """Store the plan and return the numbers of the boots that are stored already."""
        entries = self._journal.entries
        if journal.plan_of(entries) != self._planned:
            self._journal.write(plan=self._planned)
            if command := self._prepared.request.command:
                self._journal.write(command=list(command))
        stored = {entry["case"] for entry in entries if "case" in entry}
        for name, outcome in self._prepared.plan.refused.items():
            if name not in stored:
                self._journal.write(case=name, **outcome.entry)
        self._restore(journal.boots_done(entries))
        return self._cases.keys()

    def add(
        self,
        number: int,
        boot: Boot,
        result: BootResult,
        facts: Mapping[str, str] | None = None,
    ) -> None:
        """
        Store a boot: first its values with *facts*, then its line in the journal.

        Raises:
            UnavailableError: a file cannot be written.
        """
        warmup_of, places = self._prepared.plan.effort.warmup_of, boot.places
        for case in result.cases:
            self._collector.add(
                case,
                boot=boot.number_in_guest,
                turn=places[case.name],
                warmup_of=warmup_of,
                facts=facts,
            )
        if suite := self._collector.suite():
            write(suite, self.path)
        entry = _boot_entry(result)
        order = [case + 1 for case in boot.order]
        self._journal.write(boot=number, guest=boot.guest.name, order=order, **entry)
        self._cases[number] = entry["cases"]

    def finish(self, status: Status, signal: int, *, settled: bool = False) -> None:
        """
        Store how the run ended, unless that is stored already.

        A run is *settled* if it may end before all of its boots, and no signal ended it.
        """
        end: dict[str, Any] = {
            "end": 128 + signal if signal else int(status),
            "signal": signal,
        }
        if settled and not signal:
            end["settled"] = True
        if self._journal.entries[-1] != end:
            self._journal.write(**end)

    def session_of(self, number: int) -> str | None:
        """The session of `pvbench ab` in which boot *number* was stored; None without one."""
        boot = self._prepared.boots[number]
        names = self._cases.get(number, {})
        return self._collector.session_of(names, boot.number_in_guest)

    @property
    def measured(self) -> bool:
        """Whether the result file has a value."""
        return bool(self._collector.runs)

    @property
    def outcomes(self) -> list[Outcome]:
        """The outcomes of refused cases, then those of the cases in each boot."""
        booted = [case for cases in self._cases.values() for case in cases.values()]
        return [*self._prepared.plan.refused.values(), *map(Outcome.of_entry, booted)]

    def _restore(self, finished: dict[int, Entry]) -> None:
        """Take over the boots in *finished* whose values are in the result file."""
        boots = {n: boot for n, boot in self._prepared.boots.items() if n in finished}
        if suite := self._stored() if boots else None:
            names = {(c.name, b.number_in_guest) for b in boots.values() for c in b.cases}
            self._collector.restore(suite, names)
        for number, boot in boots.items():
            cases = finished[number].get("cases", {})
            if self._holds(boot, cases):
                self._cases[number] = cases

    def _stored(self) -> pyperf.BenchmarkSuite | None:
        """The content of the result file; None if it is empty or damaged."""
        if not self.path.stat().st_size:
            return None
        try:
            return read(str(self.path), complete=True)
        except DamagedError as error:
            notices.say(f"{error.what}, so its boots are repeated")
            return None

    def _holds(self, boot: Boot, cases: dict[str, Any]) -> bool:
        """Whether each case of *boot* that ended well has a value."""
        return all(
            self._collector.holds(name, boot.number_in_guest)
            for name, case in cases.items()
            if case["outcome"] == "ok"
        )


def _place(prepared: PreparedRun, planned: dict[str, Any]) -> tuple[Path, bool]:
    """The result file, and whether this process created it."""
    request = prepared.request
    if request.resume:
        if path := resume.find(request.output, planned):
            return path, False
        if request.output is None:
            notices.say(resume.why_anew(planned))
    return claim(request.output, request.suite.name, request.label or tags.tox_env()), True


def _locked(stack: ExitStack, path: Path, is_new: bool) -> Journal:
    """Lock the journal of *path*; if that fails, remove a file that this process created."""
    try:
        return stack.enter_context(Journal.opened(journal.beside(path), anew=is_new))
    except BaseException:
        if is_new:
            _remove_if_empty(path)
        raise


def _remove_if_empty(path: Path) -> None:
    if path.exists() and not path.stat().st_size:
        path.unlink()


def _boot_entry(result: BootResult) -> dict[str, Any]:
    return {
        **result.outcome.entry,
        "cases": {case.name: case.outcome.entry for case in result.cases},
    }
