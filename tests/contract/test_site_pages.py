"""What the docs site adds to the pages follows from the pages and the code."""

from __future__ import annotations

import re

import pytest

import site_pages
from pvbench import hookspecs
from pvbench.cli.main import COMMANDS
from pvbench_deliver_model import cost_file
from pvbench_deliver_model.cost_profile import COSTS, RATIOS
from support.pages import PAGES, ROOT

INDEX = """\
# Title

- [not in a section](x.md)

## First

- [One](one.md)
- [Two, with a text](../TWO.md): more words
- no link

## Second

- [A place in a page](three.md#place)
"""


def test_each_section_of_the_index_is_a_part_of_the_navigation() -> None:
    """A link to a place in a page is none to a page."""
    assert site_pages.complete("docs/index", INDEX).removeprefix(INDEX) == (
        "\n```{toctree}\n:hidden:\n:caption: First\n\n"
        "One <one>\nTwo, with a text <../TWO>\n```\n"
        "\n```{toctree}\n:hidden:\n:caption: Second\n\n\n```\n"
    )


def test_a_page_without_a_mark_stays_as_it_is() -> None:
    """So does a sentence that mentions a mark."""
    text = "# Title\n\nThe mark `<!-- generated: costs -->`.\n"

    assert site_pages.complete("docs/page", text) == text


def test_each_generated_part_has_one_page() -> None:
    """A mark with a misspelt name would generate nothing."""
    marks = [
        mark
        for page in PAGES
        for mark in re.findall(r"^<!-- generated: (.*) -->$", page.read_text(), re.MULTILINE)
    ]

    assert sorted(marks) == sorted(site_pages.GENERATED)


@pytest.mark.parametrize("name", cost_file.bundled())
def test_each_cost_of_a_profile_is_in_a_table_with_its_source(name: str) -> None:
    """Costs first, then ratios, in the order of the code."""
    profile = cost_file.read(name)
    text = site_pages.costs()
    section = text[text.index(f"### {name}\n") :].removeprefix("#").partition("\n### ")[0]

    rows = re.findall(r"^\| `(\w+)` \| (.*) \| ([ABC]) \| (.*) \|$", section, re.MULTILINE)

    numbers = profile.costs | profile.ratios
    assert [row[0] for row in rows] == [*COSTS, *RATIOS]
    assert [row[2] for row in rows] == [number.confidence for number in numbers.values()]
    assert [row[3] for row in rows] == [_plain(number.source) for number in numbers.values()]


def _plain(source: str) -> str:
    return re.sub(r"[|<*]", r"\\\g<0>", source)


def test_a_cost_is_in_nanoseconds() -> None:
    """The file has cycles: 3867 of 2.5 GHz."""
    text = site_pages.costs()

    assert "| `icr_write` | 1,546.8 ns | B | fitted to" in text


def test_the_reference_has_every_json_schema() -> None:
    """As the files are."""
    text = site_pages.schemas()

    for path in (ROOT / "docs" / "schema").glob("*.json"):
        assert f"## {path.name}\n\n```json\n{path.read_text()}```" in text


def test_the_reference_has_every_command() -> None:
    """Those of a command that has its own too."""
    names = [command.prog for command in site_pages._with_below(site_pages.parser())]

    assert {f"pvbench {name}" for name in (*COMMANDS, "plugins new", "lab add")} < {*names}


@pytest.mark.parametrize(
    ("text", "rest"),
    [
        pytest.param("names: 'x2apic-*'", r"names: 'x2apic-\*'", id="asterisk"),
        pytest.param("see `list *_x`", "see ``list *_x``", id="code"),
        pytest.param(r"a|b_ \c", r"a\|b\_ \\c", id="others"),
    ],
)
def test_a_help_is_escaped(text: str, rest: str) -> None:
    """What is between backquotes is code."""
    assert site_pages._escaped(text) == rest


def test_the_reference_of_hooks_is_that_of_the_module() -> None:
    """Sphinx reads the docstrings."""
    assert f".. automodule:: {hookspecs.__name__}\n" in site_pages.hooks()
