"""
The man page and the shell completions of `pvbench`, made from its parsers at build time.

hatchling calls the hook for a wheel and an sdist.  Parsers need attrs and pluggy only, which
`[build-system]` of pyproject.toml names.
"""

from __future__ import annotations

import argparse
import os
import re
import sys
import tempfile
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any, Final

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

ROOT: Final = Path(__file__).parent
MAN_PAGE: Final = "share/man/man1/pvbench.1"
COMPLETIONS: Final = {
    "bash": "share/bash-completion/completions/pvbench",
    "zsh": "share/zsh/site-functions/_pvbench",
}
_REQUESTS: Final = re.compile(r"\.(TH|SH|SS|TP|RS|RE|B|nf|fi)\b")


def parser() -> argparse.ArgumentParser:
    """The parser of all commands, with those of the bundled plugins."""
    for folder in (ROOT, ROOT / "plugins"):
        if str(folder) not in sys.path:
            sys.path.insert(0, str(folder))
    from pvbench.cli.main import whole_parser

    points = _project()["entry-points"]["pvbench"]
    modules = [import_module(points[name]) for name in points if name.startswith("command-")]
    return whole_parser(command for module in modules for command in module.pvbench_commands())


def man_page(command: argparse.ArgumentParser) -> str:
    """The man page of *command* in the form of groff."""
    from argparse_manpage.manpage import Manpage

    project = _project()
    statuses = (command.epilog or "").partition("\n")[2].replace("-", r"\-")
    command.epilog = None
    command._manpage = [  # type: ignore[attr-defined] # the name that argparse-manpage reads
        {"heading": "exit status", "content": f"The first that applies:\n.nf\n{statuses}\n.fi"}
    ]
    page = Manpage(command, format="single-commands-section")
    page.description = project["description"].lower()
    page.source, page.manual = f"pvbench {project['version']}", "User Commands"
    page.date = ""  # two builds of one revision are equal
    heading, *lines = str(page).splitlines(keepends=True)
    return "".join([heading, ".nh\n.ad l\n", *map(_as_text, lines)])  # split no name


def completion(command: argparse.ArgumentParser, shell: str) -> str:
    """The script with which *shell* completes words of *command*."""
    import shtab

    return str(shtab.complete(command, shell=shell))


def write(folder: Path) -> dict[str, str]:
    """Write all files into *folder*; return where each belongs, by its path."""
    with _in_a_terminal_of("72"):
        command = parser()
        contents = {place: completion(command, shell) for shell, place in COMPLETIONS.items()}
        contents[MAN_PAGE] = man_page(command)  # the last one, which changes the parser
    for place, content in contents.items():
        path = folder / place
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, encoding="utf-8")
    return {str(folder / place): place for place in contents}


class CommandFiles(BuildHookInterface[Any]):
    """What hatchling calls before and after it builds."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Add the files to a package; an editable installation goes without."""
        if version == "editable":
            return
        self._folder = tempfile.TemporaryDirectory()
        kind = "force_include" if self.target_name == "sdist" else "shared_data"
        build_data[kind].update(write(Path(self._folder.name)))


@contextmanager
def _in_a_terminal_of(columns: str) -> Iterator[None]:
    """Wrap help at the same width wherever the package is built."""
    before = os.environ.get("COLUMNS")
    os.environ["COLUMNS"] = columns
    try:
        yield
    finally:
        os.environ.pop("COLUMNS")
        if before is not None:
            os.environ["COLUMNS"] = before


def _project() -> dict[str, Any]:
    project: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    return project


def _as_text(line: str) -> str:
    """A *line* of the page; groff would drop a line of text that begins with a dot."""
    is_text = line.startswith((".", "'")) and not _REQUESTS.match(line)
    return rf"\&{line}" if is_text else line
