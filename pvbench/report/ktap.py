"""
A document as KTAP, which the kernel's test tools read.

Source: Linux, Documentation/dev-tools/ktap.rst.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from typing import Final

from pvbench.checks import Check, Checks, Result
from pvbench.document import Document
from pvbench.errors import UsageError

_VERSION: Final = "KTAP version 1"
_DIRECTIVES: Final = {Result.SKIPPED: "SKIP", Result.EXPECTED_FAILURE: "XFAIL"}


def render(document: Document, width: int = 0) -> str:
    """
    Render the outcomes of the document's cases, each in a line.

    Raises:
        UsageError: the document is about no cases.
    """
    blocks = [block for block in document.blocks if isinstance(block, Checks)]
    if not blocks:
        raise UsageError(
            "this output has no outcomes of cases, which is all that KTAP can express",
            fix="Use it with run, show, compare, ab or report.",
        )
    checks = [*chain.from_iterable(block.checks for block in blocks)]
    return "\n".join([_VERSION, f"1..{len(checks)}", *_lines(checks)])


def _lines(checks: list[Check]) -> Iterator[str]:
    for number, check in enumerate(checks, 1):
        result = "not ok" if check.result is Result.FAILED else "ok"
        yield f"{result} {number} {_name(check.name)}{_comment(check)}"


def _name(text: str) -> str:
    """A description: a number sign would begin the directive."""
    return text.replace("#", "_")


def _comment(check: Check) -> str:
    words = (_DIRECTIVES.get(check.result, ""), check.reason)
    text = " ".join(filter(None, words))
    return f" # {text}" if text else ""
