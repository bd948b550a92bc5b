"""The pages for readers: their fenced blocks, and the commands and outputs in them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import attrs

ROOT: Final = Path(__file__).parents[2]
NAMES: Final = ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")
PAGES: Final = (*(ROOT / name for name in NAMES), *sorted((ROOT / "docs").glob("*.md")))
ELISION: Final = "..."
_STEP: Final = re.compile(r"^\$ ((?:.*\\\n)*.*)\n((?:(?!\$ ).*\n)*)", re.MULTILINE)
_FENCE: Final = re.compile(r"^```(\w*) *(.*)\n((?:.*\n)*?)```$", re.MULTILINE)


@attrs.frozen
class Step:
    """
    A command of a console block, and the output that is shown below it.

    Args:
        height: how many lines the command has; a backslash continues a line.
    """

    command: str
    height: int
    output: tuple[str, ...]


@attrs.frozen
class Block:
    """
    A fenced block.

    Args:
        page: the file it is in.
        line: of its opening fence.
        language: the first word after the fence.
        info: the rest of that line: the name of a file, or what a console block needs.
        text: its lines.
    """

    page: Path
    line: int
    language: str
    info: str
    text: str

    @property
    def name(self) -> str:
        """How tests call it."""
        return f"{self.page.name}:{self.line}"

    def steps(self) -> list[Step]:
        """The commands of a console block."""
        return [
            Step(
                command=re.sub(r"\\\n *", "", match[1]),
                height=match[1].count("\n") + 1,
                output=tuple(match[2].splitlines()),
            )
            for match in _STEP.finditer(self.text)
        ]


def blocks(page: Path) -> list[Block]:
    """All fenced blocks of *page*."""
    text = page.read_text(encoding="utf-8")
    return [
        Block(page, text.count("\n", 0, match.start()) + 1, *match.groups())
        for match in _FENCE.finditer(text)
    ]


def prose(page: Path) -> str:
    """*page* without its fenced blocks."""
    return _FENCE.sub("", page.read_text(encoding="utf-8"))


def matches(shown: tuple[str, ...], printed: tuple[str, ...]) -> bool:
    """Whether *printed* is what is shown; a line ``...`` stands for any lines."""
    lines = (r"(?:.*\n)*?" if line == ELISION else re.escape(f"{line}\n") for line in shown)
    return bool(re.fullmatch("".join(lines), "".join(f"{line}\n" for line in printed)))


def renewed(shown: tuple[str, ...], printed: tuple[str, ...]) -> tuple[str, ...]:
    """
    What should be shown of *printed*: all of it, or the lines that are shown now.

    Raises:
        LookupError: a line that is shown has no successor in *printed*.
    """
    if ELISION not in shown:
        return printed
    printed_lines = iter(printed)
    return tuple(line if line == ELISION else _successor(line, printed_lines) for line in shown)


def _successor(line: str, printed_lines: Iterator[str]) -> str:
    for printed in printed_lines:
        if _words(line) == _words(printed):
            return printed
    raise LookupError(f"no line of the output is like {line!r}")


def _words(line: str) -> list[str]:
    """A line without its layout."""
    return re.sub(r"-{2,}", "-", line).split()
