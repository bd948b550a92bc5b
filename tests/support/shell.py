"""A small shell: it runs the commands that pages show, mostly in this process."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from contextlib import chdir
from pathlib import Path
from typing import Final

import attrs

from support.helpers import DEADLINE_S
from support.pages import ROOT
from support.runs import ONLY_BUNDLED, call

OWN_SCRIPTS: Final = ("benchmarks/", "suites/")
FILTERS: Final = ("cat", "grep", "head", "ls", "sed", "tail")
ECHO_STATUS: Final = "echo $?"
# Lines that CI runs in a fresh clone; here only the command at their end is run.
SET_UP: Final = re.compile(r"python3 -m venv .* && \.venv/bin/")
PIPE_WIDTH: Final = 72


class CommandError(Exception):
    """A command that a page shows as successful has failed."""


@attrs.define
class Shell:
    """
    Commands run one after the other, in *folder* and below it.

    Args:
        folder: where the next command runs.
        status: of the last command, for ``echo $?``.
        errors: what it wrote to standard error.
    """

    folder: Path
    status: int = 0
    errors: str = ""

    def run(self, command: str) -> str:
        """
        Return the standard output of *command*.

        Raises:
            ValueError: it is not a command that pages may show.
        """
        first, *filters = SET_UP.sub("", command).split(" | ")
        output = self._first(shlex.split(first))
        for words in map(shlex.split, filters):
            if words[0] not in FILTERS:
                raise ValueError(f"no filter: {words[0]}")
            output = self._process(words, output)
        return output

    def python(self, text: str) -> None:
        """
        Execute a piece of Python in the folder.

        Raises:
            CommandError: it fails.
        """
        self._process([sys.executable, "-c", text])
        self.check(text)

    def check(self, command: str) -> None:
        """
        Refuse a last command that has failed.

        Raises:
            CommandError: it has failed.
        """
        if self.status:
            raise CommandError(f"{command} gives exit status {self.status}: {self.errors}")

    def _first(self, words: list[str]) -> str:
        match words:
            case ["cd", folder]:
                self.folder = self.folder / folder
                return ""
            case ["echo", "$?"]:
                self.status, status = 0, self.status
                return f"{status}\n"
            case ["pvbench", *arguments]:
                with chdir(self.folder):
                    completed = call(*arguments, columns=PIPE_WIDTH)
                self.status, self.errors = completed.status, completed.err
                return completed.out
            case ["python", script, *arguments] if script.startswith(OWN_SCRIPTS):
                return self._process([sys.executable, str(ROOT / script), *arguments])
            case ["python", *arguments]:
                return self._process([sys.executable, *arguments])
            case [program, *_] if program in FILTERS:
                return self._process(words)
        raise ValueError(f"no command of a page: {shlex.join(words)}")

    def _process(self, words: list[str], text: str = "") -> str:
        completed = subprocess.run(
            words,
            cwd=self.folder,
            env=os.environ | dict([ONLY_BUNDLED, ("COLUMNS", str(PIPE_WIDTH))]),
            input=text,
            capture_output=True,
            text=True,
            timeout=DEADLINE_S,
            check=False,
        )
        self.status, self.errors = completed.returncode, completed.stderr
        return completed.stdout
