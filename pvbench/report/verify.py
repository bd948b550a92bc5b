"""The judgement of outcomes: a row for each file, and the smallest disagreement."""

from __future__ import annotations

import json
import shlex
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from pvbench.document import (
    Block,
    Cell,
    Column,
    Document,
    Field,
    Notes,
    Role,
    facts,
    table_of,
)
from pvbench.ops import to_rows
from pvbench.text import counted
from pvbench.trials import outcome_data
from pvbench.verify.judge import PROPERTIES, Disagreement, Judgement
from pvbench.verify.trials import Trial

Named = tuple[str, Judgement]
_NONE: Final[Mapping[str, int]] = MappingProxyType({})

_FIELDS = [
    Field[Named](Column("kernel", "kernel", Role.CONDITION), lambda n: Cell(n[1].kernel)),
    Field[Named](Column("programs", "programs", Role.VALUE), lambda n: Cell(n[1].programs)),
    Field[Named](Column("agree", "agree", Role.VALUE), lambda n: Cell(n[1].agreements)),
    Field[Named](
        Column("excluded", "excluded", Role.VALUE), lambda n: Cell(sum(n[1].excluded.values()))
    ),
    Field[Named](
        Column("disagree", "disagree", Role.VALUE), lambda n: Cell(len(n[1].disagreements))
    ),
    Field[Named](Column("not_run", "not run", Role.DATA), lambda n: Cell(n[1].not_run)),
    Field[Named](Column("era", "era", Role.DATA), lambda n: Cell(_era(n[1]))),
]


def document(
    judgements: Sequence[Named],
    where: str = "",
    refused: Mapping[str, int] = _NONE,
    lost_once: Mapping[str, int] = _NONE,
) -> Document:
    """
    The judgements by name of their file.

    Args:
        judgements: names and judgements.
        where: options of the command that replays a disagreement.
        refused: how many of the programs drawn were not executed, by reason.
        lost_once: how many guests were lost and not again with the same programs, by reason.
    """
    labels = _labels([name for name, _ in judgements])
    excluded: Counter[str] = Counter()
    for _, judgement in judgements:
        excluded.update(judgement.excluded)
    smallest = [
        (name, judgement.smallest) for name, judgement in judgements if judgement.smallest
    ]
    values: dict[str, Any] = {
        "programs": sum(judgement.programs for _, judgement in judgements),
        "disagreements": sum(len(j.disagreements) for _, j in judgements),
        "excluded": dict(excluded),
        "not_executed": dict(refused),
        "lost_once": dict(lost_once),
        "examples": [_example(name, one, where) for name, one in smallest if one],
    }
    return Document(
        [
            facts(values, shown=False),
            table_of([_file(labels), *_FIELDS], judgements, name="files"),
            _counts(excluded, "excluded"),
            _counts(refused, "drawn and not executed"),
            _lost_once(lost_once),
            Notes(lines=tuple(_of_eras(judgements, labels)), in_json=False),
            *_first(smallest, where),
        ]
    )


def _labels(paths: Sequence[str]) -> dict[str, str]:
    """How each file is called: by its name without folders if no other has the same."""
    amounts = Counter(Path(path).name for path in dict.fromkeys(paths))
    return {p: Path(p).name if amounts[Path(p).name] == 1 else p for p in paths}


def _file(labels: Mapping[str, str]) -> Field[Named]:
    return Field(Column("file", "outcomes"), lambda n: Cell(n[0], labels[n[0]]))


def _counts(counts: Mapping[str, int], what: str) -> Notes:
    """How many programs are *what*, by reason."""
    lines = tuple(
        f"{counted(count, 'program')} {what}: {reason}" for reason, count in counts.items()
    )
    return Notes(lines=lines, in_json=False)


def _lost_once(counts: Mapping[str, int]) -> Notes:
    lines = tuple(
        f"{counted(count, 'guest')} lost: {reason}.  The same programs, executed again in a"
        " new guest, did not lose it."
        for reason, count in counts.items()
    )
    return Notes(lines=lines, in_json=False)


def _era(judgement: Judgement) -> dict[str, bool]:
    return {name: getattr(judgement.era, name) for name in judgement.probed}


def _of_eras(judgements: Sequence[Named], labels: Mapping[str, str]) -> Iterator[str]:
    """What differs from a current kernel, as the outcomes show it."""
    for path, judgement in judgements:
        name = labels[path]
        for key in judgement.probed:
            if not getattr(judgement.era, key):
                yield f"{name} is of an era in which it is not true that {PROPERTIES[key]}."
        if judgement.not_run:
            yield f"{name} has no outcome of {counted(judgement.not_run, 'program')}."


def _first(smallest: Sequence[tuple[str, Disagreement | None]], where: str) -> Iterator[Block]:
    for name, one in smallest[:1]:
        if one is not None:
            lines = (
                f"{name}, program {one.number}: {'; '.join(one.differences)}",
                *_ops(one.trial),
                f"Replay: {command(one.alone, where)}",
            )
            yield Notes(lines=lines, title="The smallest disagreement:", in_json=False)


def _ops(trial: Trial) -> Iterator[str]:
    """The ops with hexadecimal numbers, as people know the registers."""
    for source, program in trial.programs:
        ops = "; ".join(
            f"{name}({', '.join(map(_hex, args))})" for name, *args in to_rows(program)
        )
        yield f"{trial.scene}, CPU {source}: {ops}"


def _hex(value: object) -> str:
    if isinstance(value, tuple):
        return f"({', '.join(map(_hex, value))})"
    return hex(value) if isinstance(value, int) else str(value)


def command(trial: Trial, where: str) -> str:
    """The command line that runs *trial* again."""
    row = json.dumps(trial.row(), separators=(",", ":"))
    return f"pvbench verify {where}--program {shlex.quote(row)}"


def _example(name: str, one: Disagreement, where: str) -> dict[str, Any]:
    return {
        "file": name,
        "program": one.number,
        "trial": one.alone.row(),
        "outcome": outcome_data(one.outcome),
        "differences": list(one.differences),
        "command": command(one.alone, where),
    }
