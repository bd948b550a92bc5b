"""Sentences about the verdicts on noisy clocks, and the command that would decide more."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Final

from pvbench.compare.ab_line import Command, deciding_command
from pvbench.compare.comparison import Comparison
from pvbench.compare.path_length import BAND, CLEAR, CLEAR_OF_MANY, MANY
from pvbench.compare.statistics import ALPHA, NOT_INTERLEAVED
from pvbench.document import Block, CommandLine
from pvbench.text import percent

_RATIOS: Final = (
    "Times are medians over the boots, but speed ratios are geometric means: they may differ "
    "a little from the ratios of the times."
)

_PATHS: Final = (
    "Times are path lengths, and boots of the same number are compared with each other.  "
    f"A path is equivalent if all of them are within {100 * BAND:g} %, and longer or shorter "
    f"if all differ by more than {100 * CLEAR:g} % in that direction, or by more than "
    f"{100 * CLEAR_OF_MANY:g} % if there are {MANY} boots."
)

_EXPLANATION: Final = {
    NOT_INTERLEAVED: "  One run was made after the other, so load and temperature may differ."
}

_SCATTER: Final = (
    "Their intervals cover only the scatter of the boots within each run; equal runs may "
    "differ by more."
)


def sentences(comparison: Comparison, statistic: str) -> Iterator[str]:
    """The method behind verdicts on a noisy clock."""
    if comparison.question.beside or comparison.question.is_count:
        return
    if single := sum(pair.is_single for pair in comparison.pairs):
        are = "1 pair has" if single == 1 else f"{single} pairs have"
        yield f"{are} no verdict: the noise of a single value is unknown."
    yield from _path_lengths(comparison)
    if not comparison.noisy:
        return
    pairs = len(comparison.noisy)
    correction = f", with a correction for {pairs} pairs" if pairs > 1 else ""
    yield (
        f"The clock is noisy, so verdicts compare the {statistic} of each boot"
        f"{correction}; equivalent means within {comparison.question.margins.text}."
    )
    yield _RATIOS
    if comparison.looks:
        yield _looks(comparison)
    verdicts = [pair.judged for pair in comparison.noisy if pair.judged]
    for reason, pairs_of_it in Counter(filter(None, (v.reason for v in verdicts))).items():
        are = "1 pair is" if pairs_of_it == 1 else f"{pairs_of_it} pairs are"
        yield f"{are} inconclusive: {reason}.{_EXPLANATION.get(reason, '')}"
    if any(verdict.low and not verdict.is_decided_by_it for verdict in verdicts):
        yield _SCATTER
    undecided = [p for p in comparison.noisy if p.verdict == "inconclusive"]
    if other := sum(pair.has_other_counts for pair in undecided):
        yield f"The counts of {other} of them differ, and counts are exact on every clock."
    needed = [(v.boots_needed, v.finds) for v in verdicts if v.boots_needed and v.finds]
    if needed:
        boots, finds = max(needed)
        yield (
            f"A difference of {100 * finds:.1f} % takes {boots} boots to be detected in nine "
            "of ten comparisons."
        )


def _path_lengths(comparison: Comparison) -> Iterator[str]:
    """The rule for path lengths, and the pairs that it does not apply to."""
    pairs = [pair for pair in comparison.pairs if pair.is_near_exact]
    if any(pair.is_ranked for pair in pairs):
        yield _PATHS
    if unranked := sum(not pair.is_ranked for pair in comparison.pairs):
        are = "1 pair is" if unranked == 1 else f"{unranked} pairs are"
        yield (
            f"{are} compared by counts only: an emulator's times say nothing about which "
            "sender is faster."
        )
    unclear = [pair.length_ratios for pair in pairs if pair.verdict == "inconclusive"]
    if unclear:
        are = "1 pair is" if len(unclear) == 1 else f"{len(unclear)} pairs are"
        most = max(abs(ratio - 1) for ratios in unclear for ratio in ratios)
        yield f"{are} inconclusive: boots differ by up to {100 * most:.2f} %."


def _looks(comparison: Comparison) -> str:
    """The looks at a run that went on until it was settled, and how many boots it has."""
    boots = max(len(pair.before.boots_s) for pair in comparison.noisy)
    looks = ", ".join(map(str, comparison.looks))
    return (
        f"With --until settled, verdicts are formed after {looks} boots, and share the "
        f"{percent(ALPHA)} of false verdicts equally; the run ended after {boots}."
    )


def deciding(comparison: Comparison) -> Command | None:
    """The command that would decide about pairs that were not interleaved."""
    if comparison.question.beside:
        return None
    return deciding_command(comparison.pairs, comparison.question.axis)


def introduction(command: Command | None) -> Iterator[str]:
    """The sentence before the command, with what the user has to add to it."""
    if command:
        yield " ".join(["A run of both sides in pairs of boots would decide.", *command.lacks])


def command_line(command: Command | None) -> Iterator[Block]:
    """The command in a form that can be copied."""
    if command:
        yield CommandLine(command.words)
