"""The document of a history: a line for each case, its steps, and the runs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any, Final

import attrs

from pvbench.compare import differences
from pvbench.compare.pairs import COUNTS
from pvbench.compare.steps import OTHER_COUNTS, Step, Track
from pvbench.document import (
    Block,
    Cell,
    Column,
    Document,
    Field,
    Heading,
    Notes,
    Paragraph,
    Role,
    Table,
    table_of,
)
from pvbench.report.claim.answer import origin
from pvbench.report.quantities import change_of_length, change_of_time, seconds_of, time_of
from pvbench.results import schema
from pvbench.results.history import Run
from pvbench.results.rows import Row
from pvbench.text import counted, short_hashes, shortened_list

_MOST_DIFFERENCES: Final = 6  # facts that changed together with a step
_INSIDE: Final = ("workload", "sender", "driver", "apic_mode", "apic_ids", "series")
_UNJUDGED: Final = (
    "Steps of the time are not looked for in {cases}: `pvbench noise` has measured no "
    "allowance for whole runs of that host and effort."
)
_RULE: Final = (
    "On a noisy clock a run is a step if it and the next one differ from the level before by "
    "more than equal runs of the host do; of cases that never change, at most one in twenty "
    "has a step."
)


@attrs.frozen(kw_only=True)
class History:
    """
    The runs of a machine, and what became of each case in one series.

    Args:
        runs: oldest first.
        tracks: the cases.
        last: how many of the last runs are shown.
    """

    runs: Sequence[Run]
    tracks: Sequence[Track]
    series: str
    last: int

    @cached_property
    def numbers(self) -> Mapping[str, int]:
        """The number of each run, from 1, by its file."""
        return {run.file: number for number, run in enumerate(self.runs, 1)}

    @cached_property
    def varying(self) -> tuple[str, ...]:
        """The axes in which the cases differ beside the workload and the stack."""
        axes = (axis for axis in schema.axes() if axis not in _INSIDE)
        lasts = [track.rows[-1] for track in self.tracks]
        return tuple(axis for axis in axes if len({row.fact(axis) for row in lasts}) > 1)

    def label(self, track: Track) -> str:
        """The words that tell a case from the others."""
        row = track.rows[-1]
        facts = ("workload", "stack", *self.varying)
        return " ".join(str(row.fact(fact)) for fact in facts if row.fact(fact) is not None)


def document(history: History) -> Document:
    """Build the document of *history*."""
    return Document(_blocks(history))


def _blocks(history: History) -> Iterator[Block]:
    first, last = history.runs[0], history.runs[-1]
    yield Heading(f"{counted(len(history.runs), 'run')}, {first.date} to {last.date} UTC")
    rows = [track.rows[-1] for track in history.tracks]
    yield Paragraph(f"{origin(rows)}: {history.series} time of one burst, of each run")
    yield _cases(history)
    steps = [(track, step) for track in history.tracks for step in track.steps]
    yield _steps(history, steps)
    yield from _steps_by_run(history, steps)
    yield Notes(lines=tuple(_notes(history)))
    yield from _runs(history)


def _cases(history: History) -> Table:
    fields: list[Field[Track]] = [
        _fact("workload", Role.NAME),
        _fact("stack", Role.NAME),
        *(_fact(axis, Role.CONDITION) for axis in history.varying),
        Field(Column("runs", "runs", Role.VALUE), lambda track: Cell(len(track.rows))),
        Field(Column("last", "last runs", Role.VALUE), lambda track: _last(history, track)),
        Field(Column("change", "since the first", Role.VALUE), _change),
        Field(Column("steps", "steps", Role.VALUE), lambda track: _step_cell(history, track)),
        Field(Column("values", "", Role.DATA), lambda track: Cell(_values(history, track))),
    ]
    return table_of(fields, history.tracks, name="cases")


def _fact(name: str, role: Role) -> Field[Track]:
    column = Column(name, name.replace("_", " "), role)
    return Field(column, lambda track: Cell(track.rows[-1].fact(name)))


def _last(history: History, track: Track) -> Cell:
    rows = track.rows[-history.last :]
    return Cell([seconds_of(row) for row in rows], ", ".join(map(time_of, rows)))


def _change(track: Track) -> Cell:
    ratio = track.rows[-1].value_s / track.rows[0].value_s
    return Cell(ratio, _in_words(track.rows[-1], ratio))


def _in_words(row: Row, ratio: float) -> str:
    return change_of_length(ratio) if row.is_near_exact else change_of_time(ratio)


def _step_cell(history: History, track: Track) -> Cell:
    """The verdict and the run of the last step, and how many others there are."""
    if not track.steps:
        return Cell(0, "-" if track.is_judged else "?")
    last = track.steps[-1]
    others = len(track.steps) - 1
    more = f" and {others} before" if others else ""
    return Cell(len(track.steps), f"{last.verdict} at {history.numbers[last.after.file]}{more}")


def _values(history: History, track: Track) -> list[dict[str, Any]]:
    """The time of each run, for JSON."""
    numbers = history.numbers
    return [{"run": numbers[row.file], "value_s": seconds_of(row)} for row in track.rows]


def _steps(history: History, steps: Sequence[tuple[Track, Step]]) -> Table:
    """A row for each step, for JSON and CSV."""
    numbers = history.numbers
    fields: list[Field[tuple[Track, Step]]] = [
        Field(Column("case", "case"), lambda item: Cell(history.label(item[0]))),
        Field(Column("verdict", "verdict"), lambda item: Cell(item[1].verdict)),
        Field(Column("ratio", "ratio", Role.VALUE), lambda item: Cell(item[1].ratio)),
        Field(Column("run", "run"), lambda item: Cell(numbers[item[1].after.file])),
        Field(Column("confirmed", "confirmed"), lambda item: Cell(item[1].is_confirmed)),
        Field(Column("file", "file"), lambda item: Cell(item[1].after.file)),
        Field(Column("revision", "revision"), lambda item: Cell(item[1].after.fact("git"))),
    ]
    return table_of(fields, steps, name="steps", shown=False)


def _steps_by_run(history: History, steps: Sequence[tuple[Track, Step]]) -> Iterator[Block]:
    """The steps of each run in lines, the newest first, with what else changed there."""
    by_run: dict[int, list[tuple[Track, Step]]] = {}
    for track, step in steps:
        by_run.setdefault(history.numbers[step.after.file], []).append((track, step))
    for number, members in sorted(by_run.items(), reverse=True):
        lines = [f"{history.label(track)}: {_sentence(step)}" for track, step in members]
        yield Notes(
            title=f"Steps at run {number}, {', '.join(_identity(history.runs[number - 1]))}:",
            lines=(*lines, *_changed_with(members[0][1])),
            bulleted=True,
            in_json=False,
        )


def _sentence(step: Step) -> str:
    """What changed at a step, and whether it is sure."""
    amount = _in_words(step.after, step.ratio)
    is_of_time = step.verdict != OTHER_COUNTS or amount.strip("0. %")
    parts = [*[amount][: bool(is_of_time)], *_count_changes(step)]
    doubt = "" if step.is_confirmed else "; the next run has to confirm it"
    return f"{step.verdict} ({', '.join(parts)}){doubt}"


def _changed_with(step: Step) -> Iterator[str]:
    """Facts of the software and the host that changed with a step."""
    others = list(differences.of_origin([[step.before], [step.after]]))
    shown = [f"{one.fact} {' to '.join(one.values)}" for one in others]
    if shown:
        text = shortened_list(map(short_hashes, shown), _MOST_DIFFERENCES, "fact")
        yield f"changed with it: {text}"


def _count_changes(step: Step) -> Iterator[str]:
    for name in COUNTS:
        before, after = (row.fact(name) for row in (step.before, step.after))
        if before != after:
            texts = ["unknown" if count is None else f"{count:g}" for count in (before, after)]
            yield f"{name.replace('_', ' ')} {' to '.join(texts)}"


def _notes(history: History) -> Iterator[str]:
    unjudged = [history.label(track) for track in history.tracks if not track.is_judged]
    if unjudged:
        yield _UNJUDGED.format(cases=counted(len(unjudged), "case"))
    if any(track.rows[-1].is_noisy and track.is_judged for track in history.tracks):
        yield _RULE


def _runs(history: History) -> Iterator[Block]:
    """All runs for programs, and the last ones for people."""
    numbers = history.numbers
    fields: list[Field[Run]] = [
        Field(Column("run", "run"), lambda run: Cell(numbers[run.file])),
        Field(Column("date", "date"), lambda run: Cell(run.date)),
        Field(Column("revision", "revision"), lambda run: Cell(run.fact("git"))),
        Field(Column("label", "label"), lambda run: Cell(run.fact("label"))),
        Field(Column("environment", "environment"), lambda run: Cell(run.fact("tox_env"))),
        Field(Column("file", "file"), lambda run: Cell(run.file)),
    ]
    yield table_of(fields, history.runs, name="runs", shown=False)
    lines = [
        f"{numbers[run.file]}: {', '.join(_identity(run))}"
        for run in history.runs[-history.last :]
    ]
    yield Notes(title="The last runs:", lines=tuple(lines), in_json=False)


def _identity(run: Run) -> Iterator[str]:
    """The date of a run, and the other names that it has."""
    yield run.date
    for words, fact in (("revision {}", "git"), ("label {}", "label"), ("tox {}", "tox_env")):
        if value := run.fact(fact):
            yield words.format(value)
    yield run.file
