"""What a claim does not show: cases that are not better, and what was not tested."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from pvbench.compare.pairs import Pair
from pvbench.compare.path_length import SHORTER
from pvbench.delivery import TARGET_STATES
from pvbench.document import Block, Notes
from pvbench.guest import APIC_MODES
from pvbench.report.claim.labels import Label, by_side
from pvbench.report.quantities import change_of_time
from pvbench.results.rows import Row
from pvbench.text import shortened_list

_BETTER: Final = ("faster", SHORTER)
_MOST_CASES: Final = 8
_OF_KIND: Final = {
    "modelled": "real hardware: all times follow from a cost profile",
    "emulated": "the times of real hardware: the processor is emulated",
}
_APPLICATION: Final = "whether an application is faster: only bursts of IPIs are timed"


def blocks(pairs: Sequence[Pair], rows: Sequence[Row], label: Label) -> Iterator[Block]:
    """The cases that are not better, then what no file tells."""
    yield Notes(
        title="Not better:",
        lines=tuple(_not_better(pairs, label)),
        name="not_better",
        bulleted=True,
    )
    yield Notes(
        title="Not tested:", lines=tuple(_not_tested(rows)), name="not_tested", bulleted=True
    )


def _not_better(pairs: Sequence[Pair], label: Label) -> Iterator[str]:
    """The cases of each side by verdict, with the change of those that are slower."""
    sides = by_side(pair for pair in pairs if pair.is_ranked)
    for (_, side), members in sides.items():
        verdicts: dict[str, list[str]] = {}
        for pair in members:
            if pair.verdict not in _BETTER:
                verdicts.setdefault(pair.verdict or "no verdict", []).append(_case(pair, label))
        for verdict, cases in verdicts.items():
            prefix = f"{side}, " if len(sides) > 1 else ""
            yield f"{prefix}{verdict}: {shortened_list(cases, _MOST_CASES)}"


def _case(pair: Pair, label: Label) -> str:
    is_slower = pair.verdict == "slower"
    return (
        f"{label(pair)} ({change_of_time(1 / pair.speed_ratio)})" if is_slower else label(pair)
    )


def _not_tested(rows: Sequence[Row]) -> Iterator[str]:
    """What a reviewer asks for and no row has."""
    for kind in dict.fromkeys(row.kind for row in rows):
        if kind in _OF_KIND:
            yield _OF_KIND[kind]
    for noun, fact, choices in (
        ("targets that are", "target_state", TARGET_STATES),
        ("APIC mode", "apic_mode", APIC_MODES),
    ):
        if missing := _missing(rows, fact, choices):
            yield f"{noun} {' or '.join(missing)}"
    for value, phrase in (("yes", "by shorthand"), ("no", "without the shorthand")):
        if _missing(rows, "shorthands", (value,)):
            yield f"full broadcasts {phrase}"
    if models := {
        str(row.fact("host_cpu_model")) for row in rows if row.fact("host_cpu_model")
    }:
        yield f"processors other than {shortened_list(sorted(models), 2)}"
        yield "other values of KVM's parameters"
    yield _APPLICATION


def _missing(rows: Sequence[Row], fact: str, choices: Sequence[str]) -> list[str]:
    """The choices that no row has; none if no row states the fact."""
    values = {row.fact(fact) for row in rows} - {None, "unknown"}
    return [choice for choice in choices if choice not in values] if values else []
