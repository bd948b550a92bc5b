"""
The commands that README and docs/ show: run them, and show what they print.

    python tests/docs.py        after a change of what commands print

A page is one session in an empty folder, read from top to bottom.  What a fence says
after its language decides what becomes of the block:

    console             run; the output must be what is shown
    console not-run     parsed only: it needs a device, an installation or tox
    python              executed
    LANGUAGE NAME       written to the file NAME, or the file NAME that a command wrote
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator
from functools import cache
from itertools import islice
from pathlib import Path
from typing import Final

from support.pages import ELISION, PAGES, Block, blocks, renewed
from support.shell import ECHO_STATUS, Shell

NOT_RUN: Final = "not-run"
Outputs = tuple[tuple[str, ...], ...]


@cache
def session(page: Path) -> dict[int, Outputs]:
    """The output of each command of each console block, by the line of the block."""
    with tempfile.TemporaryDirectory() as folder:
        return {block.line: play(block, Path(folder)) for block in blocks(page)}


def play(block: Block, folder: Path) -> Outputs:
    """
    Do what a reader would do with *block*; return what should be shown.

    Raises:
        CommandError: a command fails and no ``echo $?`` follows.
    """
    shell = Shell(folder)
    if block.language == "console":
        return () if block.info == NOT_RUN else _printed(block, shell)
    path = folder / block.info
    if block.info and path.exists():  # a command of the page wrote it
        return (tuple(path.read_text().splitlines()),)
    if block.info:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(block.text)
    if block.language == "python":
        shell.python(block.text)
    return ()


def _printed(block: Block, shell: Shell) -> Outputs:
    commands = [step.command for step in block.steps()]
    printed = []
    for command, following in zip(commands, [*commands[1:], ""], strict=True):
        output = shell.run(command)
        if following != ECHO_STATUS:
            shell.check(f"{block.name}: {command}")
        printed.append(tuple(output.splitlines()))
    return tuple(printed)


def rewrite(page: Path) -> None:
    """Show what the commands of *page* print today."""
    lines = page.read_text().splitlines()
    outputs = session(page)
    for block in reversed(blocks(page)):
        if outputs[block.line]:
            end = block.line + len(block.text.splitlines())
            lines[block.line : end] = _shown(block, outputs[block.line])
    page.write_text("\n".join(lines) + "\n")


def _shown(block: Block, outputs: Outputs) -> Iterator[str]:
    if block.language != "console":
        yield from outputs[0]
        return
    lines = iter(block.text.splitlines())
    for step, printed in zip(block.steps(), outputs, strict=True):
        yield from islice(lines, step.height)
        yield from renewed(step.output, printed)
        next(islice(lines, len(step.output), len(step.output)), None)


def main() -> None:
    """Rewrite every page."""
    for page in PAGES:
        try:
            rewrite(page)
        except LookupError as error:
            print(f"{page.name}: {error}; its lines {ELISION!r} need a person", file=sys.stderr)


if __name__ == "__main__":
    main()
