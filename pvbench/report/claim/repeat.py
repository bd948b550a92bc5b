"""How a claim was made and how to repeat it: sides, order, commands, seed, versions, hashes."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from typing import Final

from pvbench.compare.comparison import Comparison
from pvbench.compare.judging import log_ratios
from pvbench.document import Block, CommandLine, Notes, facts
from pvbench.report.comparison import difference_lines
from pvbench.results import schema
from pvbench.results.provenance import Provenance
from pvbench.results.rows import Row
from pvbench.text import counted, short_hashes

_EXACT: Final = "The clock is exact, so the order of the measurements cannot change a time."
_EMULATED: Final = "An emulator counts path lengths, so other load on the machine changes none."
_TURNS: Final = "The sides took turns: each pair of boots, or each boot, measured both."
_NO_TURNS: Final = (
    "The sides were not interleaved: load and temperature may differ between them."
)


def sides(comparison: Comparison) -> Iterator[Block]:
    """What differs between the sides, and whether they took turns."""
    lines = [*_differences(comparison), *_order(comparison)]
    yield Notes(title="The two sides:", lines=tuple(lines), name="sides", bulleted=True)


def _differences(comparison: Comparison) -> Iterator[str]:
    if comparison.question.by and comparison.pairs:
        yield f"The sides differ in the {comparison.question.by} only."
    if not (comparison.question.by or comparison.differences):
        yield "The files do not differ in software, host or cases, as far as they say."
    yield from difference_lines(comparison)


def _order(comparison: Comparison) -> Iterator[str]:
    if not comparison.pairs:
        return
    noisy = [pair for pair in comparison.pairs if pair.is_noisy]
    if not noisy:
        is_emulated = any(pair.is_near_exact for pair in comparison.pairs)
        yield (
            "An emulator counts path lengths, so other load changes nothing."
            if (is_emulated)
            else _EXACT
        )
        return
    alternating = sum(bool(log_ratios(pair)) for pair in noisy)
    if alternating == len(noisy):
        yield _TURNS
    elif alternating:
        yield f"{counted(alternating, 'pair')} of {len(noisy)} were interleaved."
    else:
        yield _NO_TURNS


def blocks(sources: Sequence[Provenance], rows: Sequence[Row]) -> Iterator[Block]:
    """The commands, and in JSON and as lines what identifies software and files."""
    yield facts({source.name: _record(source) for source in sources}, name="files", shown=False)
    yield Notes(title="To repeat it:", lines=tuple(_software(rows)), name="software")
    for source in sources:
        lines = [f"{source.name}: SHA-256 {source.sha256}"]
        if source.seed is not None:
            lines.append(f"seed: {source.seed}")
        if not source.commands:
            lines.append("No journal beside the file tells the command that wrote it.")
        yield Notes(lines=tuple(lines), in_json=False)
        for command in source.commands:
            yield CommandLine(("pvbench", *map(shlex.quote, command)))


def _record(source: Provenance) -> dict[str, object]:
    commands = [shlex.join(("pvbench", *command)) for command in source.commands]
    return {"sha256": source.sha256, "seed": source.seed, "commands": commands}


def _software(rows: Sequence[Row]) -> Iterator[str]:
    """The versions of the software, each in a line."""
    for fact in schema.software():
        values = dict.fromkeys(str(row.fact(fact)) for row in rows if row.fact(fact))
        if texts := [short_hashes(value) for value in values if value != "-"]:
            yield f"{fact.replace('_', ' ')}: {', '.join(texts)}"
