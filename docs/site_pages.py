"""
What the docs site adds to its pages, which are plain Markdown for a forge.

The navigation follows from the lists of links in docs/index.md.  A comment such as
``<!-- generated: costs -->`` is replaced by Markdown that is made from code.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Final

import hatch_build
from pvbench_deliver_model import cost_file
from pvbench_deliver_model.cost_profile import COSTS, RATIOS, Cost, CostProfile

INDEX: Final = "docs/index"
_SECTION: Final = re.compile(r"^## (.*)\n((?:(?!## ).*\n?)*)", re.MULTILINE)
_LINK: Final = re.compile(r"^- \[([^]]*)\]\(([^)#]*)\.md\)", re.MULTILINE)
_MARK: Final = re.compile(r"^<!-- generated: (\w+) -->$", re.MULTILINE)
_SCHEMAS: Final = Path(__file__).parent / "schema"


def complete(page: str, text: str) -> str:
    """*text* of *page* with its navigation, or with the parts that are made from code."""
    if page == INDEX:
        return text + navigation(text)
    return _MARK.sub(lambda mark: GENERATED[mark[1]](), text)


def navigation(text: str) -> str:
    """A hidden table of contents for each section that lists pages."""
    return "".join(
        _toctree(title, _LINK.findall(body)) for title, body in _SECTION.findall(text)
    )


def _toctree(title: str, links: Iterable[tuple[str, str]]) -> str:
    entries = "\n".join(f"{name} <{page}>" for name, page in links)
    return f"\n```{{toctree}}\n:hidden:\n:caption: {title}\n\n{entries}\n```\n"


def hooks() -> str:
    """The hooks with their docstrings."""
    return _rst(".. automodule:: pvbench.hookspecs", "members:", "member-order: bysource")


def commands() -> str:
    """All commands with their options."""
    return _rst(".. argparse::", "module: site_pages", "func: parser", "noepilog:")


def parser() -> argparse.ArgumentParser:
    """The parser of all commands, whose help is reStructuredText."""
    whole = hatch_build.parser()
    for command in _with_below(whole):
        command.description = _escaped(command.description or "")
        for action in command._actions:
            action.help = _escaped(action.help or "")
    return whole


def _with_below(parser: argparse.ArgumentParser) -> Iterator[argparse.ArgumentParser]:
    yield parser
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for command in action.choices.values():
                yield from _with_below(command)


def _escaped(text: str) -> str:
    """*text* as reStructuredText; what is between backquotes is code."""
    plain_and_code = text.split("`")
    plain_and_code[::2] = [re.sub(r"[*|_\\]", r"\\\g<0>", part) for part in plain_and_code[::2]]
    return "``".join(plain_and_code)


def costs() -> str:
    """What the costs are, and each cost profile as a table."""
    meanings = _table(("cost", "what it is"), [(f"`{name}`", COSTS[name]) for name in COSTS])
    ratios = _table(("ratio", "what it is"), [(f"`{name}`", RATIOS[name]) for name in RATIOS])
    profiles = (_profile(cost_file.read(name)) for name in cost_file.bundled())
    return "\n".join(["## The costs\n", meanings, ratios, "## The cost profiles\n", *profiles])


def schemas() -> str:
    """The JSON Schema of each command."""
    parts = (
        f"## {path.name}\n\n```json\n{path.read_text(encoding='utf-8')}```\n"
        for path in sorted(_SCHEMAS.glob("*.json"))
    )
    return "\n".join(parts)


GENERATED: Final[dict[str, Callable[[], str]]] = {
    function.__name__: function for function in (hooks, commands, costs, schemas)
}


def _rst(directive: str, *options: str) -> str:
    lines = (directive, *(f"   :{option}" for option in options))
    return "```{eval-rst}\n" + "\n".join(lines) + "\n```"


def _profile(profile: CostProfile) -> str:
    facts = (
        f"Local APIC `{profile.local_apic}`, host with Linux {profile.host_linux}, processor"
        f" {profile.cpu_family}, PV EOI {'yes' if profile.pv_eoi else 'no'}."
    )
    rows = [
        _row(name, f"{cost.ps / 1000:,.6g} ns", cost) for name, cost in profile.costs.items()
    ]
    rows += [_row(name, f"{ratio.ps:g}", ratio) for name, ratio in profile.ratios.items()]
    table = _table(("cost", "value", "confidence", "source"), rows)
    return f"### {profile.name}\n\n{profile.title}.  {facts}\n\n{table}"


def _row(name: str, value: str, cost: Cost) -> tuple[str, ...]:
    return (f"`{name}`", value, cost.confidence, cost.source)


def _table(titles: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = (titles, ["---"] * len(titles), *rows)
    return "".join(f"| {' | '.join(map(_cell, line))} |\n" for line in lines)


def _cell(text: str) -> str:
    return text.replace("|", r"\|").replace("<", r"\<").replace("*", r"\*")
