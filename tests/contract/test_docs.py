"""README and docs/: a reader gets what they show, and every word of a command exists."""

from __future__ import annotations

import argparse
import re
import shlex
import tomllib
from configparser import ConfigParser
from pathlib import Path
from typing import Any

import pytest

import docs
from pvbench.cli import main
from pvbench.cli.parsers import parse
from pvbench.results import schema
from support.pages import PAGES, ROOT, Block, blocks, matches, prose, renewed
from support.runs import call
from support.shell import CommandError, Shell

README = ROOT / "README.md"
BLOCKS = [block for page in PAGES for block in blocks(page)]
SHOWN = [
    block for block in BLOCKS if block.language == "console" and block.info != docs.NOT_RUN
]
LANGUAGES = {"", "console", "ini", "python", "sh", "text", "toml", "yaml"}
PATH = re.compile(r"(?:pvbench|plugins|suites|tests|results|benchmarks|docs|\.ci)/[\w./*-]*")
COMMAND = re.compile(r"^(?:\S*/)?pvbench (.*)")


def block_ids(blocks: list[Block]) -> list[object]:
    """Parameters, the blocks of a page in one process, since they share a session."""
    return [
        pytest.param(block, id=block.name, marks=pytest.mark.xdist_group(str(block.page)))
        for block in blocks
    ]


def spans(page: Path) -> list[str]:
    """The inline code of a page, a line break in it being a blank."""
    return [" ".join(span.split()) for span in re.findall(r"`([^`]+)`", prose(page))]


def command_lines() -> list[object]:
    """Every command line of pvbench in a page, run or not."""
    return [
        pytest.param(match[1], id=f"{page.name}: {text}")
        for page in PAGES
        for text in dict.fromkeys([*spans(page), *shown_commands(page)])
        if (match := COMMAND.match(text.split(" | ")[0]))
    ]


def shown_commands(page: Path) -> list[str]:
    """The commands of the console blocks of a page."""
    consoles = [block for block in blocks(page) if block.language == "console"]
    steps = [step for block in consoles for step in block.steps()]
    return [command for step in steps for command in step.command.split(" && ")]


def slug(heading: str) -> str:
    """The anchor of a heading."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


@pytest.mark.parametrize("block", block_ids(SHOWN))
def test_a_page_shows_the_outputs_of_its_commands(block: Block) -> None:
    """`python tests/docs.py` rewrites them."""
    printed = docs.session(block.page)[block.line]

    for step, lines in zip(block.steps(), printed, strict=True):
        assert matches(step.output, lines), "\n".join(lines)


@pytest.mark.parametrize("block", block_ids([b for b in BLOCKS if b.language == "python"]))
def test_the_python_of_a_page_runs(block: Block) -> None:
    """A session executes it; a file that a command wrote is shown as it is."""
    printed = docs.session(block.page)[block.line]

    assert printed in [(), (tuple(block.text.splitlines()),)]


@pytest.mark.parametrize("block", block_ids([b for b in BLOCKS if b.language == "toml"]))
def test_the_toml_of_a_page_is_valid(block: Block) -> None:
    """A file that a command wrote is shown as it is."""
    printed = docs.session(block.page)[block.line]

    assert tomllib.loads(block.text)
    assert printed in [(), (tuple(block.text.splitlines()),)]


@pytest.mark.parametrize("block", block_ids([b for b in BLOCKS if b.language == "ini"]))
def test_the_ini_of_a_page_is_valid(block: Block) -> None:
    """tests/test_tox.py reads it as tox does."""
    parser = ConfigParser(interpolation=None)

    parser.read_string(block.text)

    assert parser.sections()


def test_every_block_is_of_a_language_that_is_tested() -> None:
    """A block of another language would be checked by no test."""
    assert {block.language for block in BLOCKS} <= LANGUAGES


def parsed(*arguments: Any) -> argparse.Namespace:
    """The options of a command line that is not executed."""
    options = parse(*arguments)
    options.execute = lambda options: 0
    vars(options).pop("render", None)  # a file that would be its format is not there
    return options


@pytest.mark.parametrize("arguments", command_lines())
def test_the_parser_accepts_every_command_of_a_page(
    arguments: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """
    Commands in sentences, and those that need a device, are parsed and not executed.

    A sentence may name a command without its arguments; then the command must exist.
    """
    words = shlex.split(arguments)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(main, "parse", parsed)

    output = call(*words, *(["--help"] if words[1:] in ([], ["new"]) else []))

    assert (output.status, output.err) == (0, "")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_of_a_page_leads_somewhere(page: Path) -> None:
    """It leads to a file of this repository and a heading in it, or to the web."""
    targets = re.findall(r"\]\(([^)\s]+)\)", prose(page))

    broken_links = []
    for target in targets:
        path, _, anchor = target.partition("#")
        file = (page.parent / path) if path else page
        if target.startswith("https://"):
            continue
        headings = re.findall(r"^#+ (.*)$", file.read_text(), re.M) if file.is_file() else []
        if not file.exists() or (anchor and anchor not in map(slug, headings)):
            broken_links.append(target)
    assert broken_links == []


def test_the_file_format_has_every_fact_of_the_schema() -> None:
    """A row of the schema without a word to readers, or the reverse, is a mistake."""
    text = (ROOT / "docs" / "file-format.md").read_text()
    tables = text[text.index("### What was run") : text.index("A delivery that measures adds")]
    cells = re.findall(r"^\| (`.*?) \|", tables, re.MULTILINE)

    documented = [name for cell in cells for name in re.findall(r"`(\w+)`", cell)]

    assert sorted(documented) == sorted(fact.name for fact in schema.TABLE)


def test_the_file_format_has_every_exit_status() -> None:
    """In the order in which they apply, which `--help` has too."""
    text = (ROOT / "docs" / "file-format.md").read_text()
    help_text = call("--help").out

    documented = re.findall(r"^\| (\d+) \|", text[text.index("## Exit status") :], re.MULTILINE)

    assert documented == re.findall(r"^ +(\d+)  ", help_text, re.MULTILINE)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_path_in_a_sentence_exists(page: Path) -> None:
    """Such as those in CONTRIBUTING's table of where a line lives."""
    paths = [span for span in spans(page) if PATH.fullmatch(span)]

    assert [path for path in paths if not [*ROOT.glob(path.rstrip("/"))]] == []


def test_the_readme_has_at_most_150_lines() -> None:
    """The rest is in docs/."""
    assert len(README.read_text().splitlines()) <= 150


def test_every_page_is_listed_in_the_index_of_the_docs() -> None:
    """The navigation of the docs site follows from these lists."""
    index = ROOT / "docs" / "index.md"
    lists = re.findall(r"^- \[[^]]*\]\(([^)#]*)", index.read_text(), re.MULTILINE)

    listed = {(index.parent / link).resolve() for link in lists}

    assert {page for page in PAGES if page != index} <= listed


def test_the_readme_leads_to_the_index_of_the_docs() -> None:
    """A page without a link is never found."""
    assert "](docs/index.md)" in README.read_text()


@pytest.mark.parametrize(
    ("shown", "printed", "expected"),
    [
        pytest.param(("a", "b"), ("a", "b"), True, id="equal"),
        pytest.param(("a",), ("a", "b"), False, id="a-line-more"),
        pytest.param(("a", "..."), ("a", "b", "c"), True, id="elided-end"),
        pytest.param(("...", "c"), ("a", "b", "c"), True, id="elided-start"),
        pytest.param(("...", "c"), ("a", "bc"), False, id="only-whole-lines"),
        pytest.param(("a", "...", "c"), ("a", "c"), True, id="elided-nothing"),
        pytest.param(("...", "a", "..."), ("b",), False, id="missing-line"),
        pytest.param((), ("a",), False, id="nothing-shown"),
    ],
)
def test_an_elision_stands_for_any_lines(
    shown: tuple[str, ...], printed: tuple[str, ...], *, expected: bool
) -> None:
    """Everything else must be equal."""
    assert matches(shown, printed) is expected


def test_lines_between_elisions_are_renewed_by_their_words() -> None:
    """A change of the layout needs no person."""
    shown = ("...", "a  b", "---  --", "...")

    assert renewed(shown, ("x", "a b", "-- ---", "y")) == ("...", "a b", "-- ---", "...")


def test_a_line_without_a_successor_is_not_renewed() -> None:
    """A person must decide what to show instead."""
    with pytest.raises(LookupError, match="like 'a'"):
        renewed(("...", "a"), ("b",))


PAGE = """\
# Title

```console
$ echo $?
old
$ python -c \\
      'print("first"); print("a line")'
...
a  line
```
"""


def test_rewriting_replaces_outputs_and_nothing_else(tmp_path: Path) -> None:
    """Commands, text and elisions stay."""
    page = tmp_path / "page.md"
    page.write_text(PAGE)

    docs.rewrite(page)

    assert page.read_text() == PAGE.replace("old", "0").replace("a  line", "a line")


@pytest.mark.parametrize(
    ("command", "reason"),
    [
        pytest.param("pvbench explain no-such-sender --targets 1", "exit status 2", id="usage"),
        pytest.param("python -c 1/0", "ZeroDivisionError", id="python"),
    ],
)
def test_a_command_that_fails_is_refused(tmp_path: Path, command: str, reason: str) -> None:
    """Unless the page shows its exit status."""
    page = tmp_path / "page.md"
    page.write_text(f"```console\n$ {command}\n```\n")

    with pytest.raises(CommandError, match=reason):
        docs.session(page)


def test_a_page_may_show_an_exit_status(tmp_path: Path) -> None:
    """``echo $?`` follows the command."""
    page = tmp_path / "page.md"
    page.write_text(
        "```console\n$ pvbench explain no-such-sender --targets 1\n$ echo $?\n2\n```\n"
    )

    assert docs.session(page) == {1: ((), ("2",))}


@pytest.mark.parametrize(
    "command",
    [
        pytest.param("rm -r x", id="program"),
        pytest.param("pvbench list senders | sh", id="filter"),
    ],
)
def test_a_page_shows_no_other_programs(tmp_path: Path, command: str) -> None:
    """Neither a test nor the tool runs a block that only resembles an example."""
    with pytest.raises(ValueError, match=r"no (command|filter)"):
        Shell(tmp_path).run(command)
