"""The two ways in which traces write a mask of CPUs."""

from __future__ import annotations

import re
from typing import Final

from pvbench.errors import UsageError
from pvbench.recording.sets import MOST_CPUS

_HEX: Final = re.compile(r"[0-9a-f]{1,8}(?:,[0-9a-f]{8})*")
_SURELY_HEX: Final = re.compile(r"[0-9a-f]{8}(?:,[0-9a-f]{8})*")
_LIST: Final = re.compile(r"[0-9]{1,10}(?:-[0-9]{1,10})?(?:,[0-9]{1,10}(?:-[0-9]{1,10})?)*")
_DATA_LOC: Final = 1 << 16  # the length is above bit 16, the offset below
_WORDS: Final = {"list": "a list of CPUs", "hex": "hex"}


def mask_of(text: str, masks: str) -> int:
    """
    The mask as a number with a bit for each CPU.

    Args:
        text: the mask as the trace has it.
        masks: ``list``, ``hex``, or empty if the trace does not show which it is.

    Raises:
        UsageError: the text is no mask, or it can be read both ways.
    """
    is_hex = _SURELY_HEX.fullmatch(text) is not None
    if not masks:
        masks = _decided(text, is_hex=is_hex)
    if masks == "hex" and _HEX.fullmatch(text):
        return _checked(int(text.replace(",", ""), 16), text)
    if masks == "list" and not is_hex:
        return _of_list(text)
    raise UsageError(
        f"the mask {text[:80]!r} is not {_WORDS[masks]}",
        why="the trace mixes the texts of two producers, or its producer is another one",
        fix="Import the text of each producer alone, or give --reader or --masks.",
    )


def _decided(text: str, *, is_hex: bool) -> str:
    """How a mask of an unknown producer is written, if it can only be read in one way."""
    if is_hex:
        return "hex"
    if "-" in text:
        return "list"
    raise UsageError(
        f"the mask {text[:80]!r} can be a list of CPUs or hex",
        why="the text does not show which program wrote it",
        fix="Give --masks list (trace-cmd, perf) or --masks hex (tracefs).",
    )


def _of_list(text: str) -> int:
    if not _LIST.fullmatch(text):
        raise _no_list(text)
    if text.isdigit() and int(text) >= _DATA_LOC:
        raise UsageError(
            f"cpumask={text} is not a mask but the word that locates one (data_loc)",
            why="the text was printed raw",
            fix="Print the trace without -R or the option raw.",
        )
    mask = 0
    for part in text.split(","):
        start, dash, end = part.partition("-")
        first, last = int(start), int(end if dash else start)
        if last >= MOST_CPUS:
            check_cpu(last)
        if last < first:
            raise _no_list(text)
        mask |= (2 << last) - (1 << first)
    return mask


def _no_list(text: str) -> UsageError:
    return UsageError(f"{text[:80]!r} is not a list of CPUs")


def _checked(mask: int, text: str) -> int:
    if not mask:
        raise UsageError(f"the mask {text[:80]!r} has no CPU")
    check_cpu(mask.bit_length() - 1)
    return mask


def check_cpu(cpu: int) -> None:
    """
    Refuse the number of a CPU that Linux cannot have.

    Raises:
        UsageError: it is too high.
    """
    if cpu >= MOST_CPUS:
        raise UsageError(f"the trace has a CPU {cpu}, and x86 Linux has at most {MOST_CPUS}")
