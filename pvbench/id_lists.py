"""Lists of APIC IDs and of other numbers, as a user writes them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from pvbench.errors import UsageError
from pvbench.guest import MAX_VCPUS

# Longer numbers are no APIC IDs, and take time to convert.
_NUMBER: Final = "(?:0x[0-9a-fA-F]{1,10}|[0-9]{1,12})"
_PART: Final = re.compile(f"({_NUMBER})(?:-({_NUMBER})(?:/({_NUMBER}))?)?")
_SHORTEST_RUN: Final = 3  # of numbers with a step; two of them are not shorter as a range


def parsed(text: str, noun: str = "APIC ID") -> tuple[int, ...]:
    """
    The numbers of ``1,128,0``, ``0-79,0x80-0xff`` or ``0-64/2``, in that order.

    Raises:
        UsageError: a part is neither a number nor a range, or there are too many numbers.
    """
    numbers: list[int] = []
    for part in text.split(","):
        run = _run(part.strip(" "), noun)
        if len(numbers) + len(run) > MAX_VCPUS:
            raise UsageError(f"a list of {noun}s has more than {MAX_VCPUS} of them")
        numbers.extend(run)
    return tuple(numbers)


def _run(part: str, noun: str) -> range:
    """The numbers of one part; the last one of a range is included if a step meets it."""
    match = _PART.fullmatch(part)
    if match is None:
        article = "an" if noun[0] in "AEIOU" else "a"
        raise UsageError(
            f"{part!r} is not {article} {noun}",
            fix="Use numbers and ranges, such as 0-79,128 or 0-64/2,0x80.",
        )
    first, last = _number(match[1]), _number(match[2] or match[1])
    step = _number(match[3] or "1")
    if not step:
        raise UsageError(f"{part!r} has a step of 0", fix="Use a step of 1 or more.")
    return range(first, last + 1, step) if last >= first else range(first, last - 1, -step)


def _number(text: str) -> int:
    return int(text, 16 if text.startswith("0x") else 10)


def written(numbers: tuple[int, ...]) -> str:
    """*numbers* in their order as the shortest text that `parsed` reads."""
    return ",".join(_parts(numbers))


def _parts(numbers: tuple[int, ...]) -> Iterator[str]:
    start = 0
    while start < len(numbers):
        end = _end_of_run(numbers, start)
        step = abs(numbers[start + 1] - numbers[start]) if end - start > 1 else 1
        if end - start < _SHORTEST_RUN and step != 1:
            end = start + 1
        text = str(numbers[start])
        if end - start > 1:
            text += f"-{numbers[end - 1]}" + (f"/{step}" if step > 1 else "")
        yield text
        start = end


def _end_of_run(numbers: tuple[int, ...], start: int) -> int:
    """The end of the run of equal steps from *start* on, at least the next number."""
    end = start + 2
    if end > len(numbers) or numbers[start] == numbers[start + 1]:
        return start + 1
    step = numbers[start + 1] - numbers[start]
    while end < len(numbers) and numbers[end] - numbers[end - 1] == step:
        end += 1
    return end
