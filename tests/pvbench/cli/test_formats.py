"""Formats of pvbench itself, of plugins and of files."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.runs import Cli

SHOUT = """
from pvbench import Format, hookimpl

pvbench_api = 1


def render(document, width):
    {body}


@hookimpl
def pvbench_formats():
    return [Format(name="shout", summary="in capitals", render=render)]
"""


@pytest.mark.parametrize(
    ("words", "beginning"),
    [
        pytest.param(("--markdown",), "### norov on", id="markdown"),
        pytest.param(("--format", "ktap"), "KTAP version 1\n1..", id="ktap"),
        pytest.param(("--layout", "norov"), "# x2apic-physical on", id="of-a-plugin"),
        pytest.param(("--json",), "{", id="json"),
    ],
)
def test_the_format_of_an_output_is_chosen(
    cli: Cli, native_file: Path, words: tuple[str, ...], beginning: str
) -> None:
    """An option chooses a format of pvbench itself or of a plugin."""
    output = cli("show", str(native_file), *words)

    assert (output.status, output.err) == (0, "")
    assert output.out.startswith(beginning)


def test_a_file_is_a_format(cli: Cli, native_file: Path, tmp_path: Path) -> None:
    """No installation is needed to try one."""
    (tmp_path / "shout.py").write_text(SHOUT.format(body="return 'LOUD'"))

    assert cli("show", str(native_file), "--format", "./shout.py").out == "LOUD\n"


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        pytest.param(
            SHOUT.format(body="1 / 0"), "format shout raises ZeroDivisionError", id="raises"
        ),
        pytest.param("pvbench_api = 1", "it has no hook", id="no-hook"),
        pytest.param(
            SHOUT.format(body="return ''").replace("[Format(", "() and [Format("),
            "the plugin offers nothing",
            id="no-format",
        ),
    ],
)
def test_a_broken_format_is_a_sentence(
    cli: Cli, native_file: Path, tmp_path: Path, content: str, sentence: str
) -> None:
    """It names what is wrong."""
    (tmp_path / "shout.py").write_text(content)
    output = cli("show", str(native_file), "--format", "./shout.py")

    assert output.status == 5
    assert sentence in output.err


def test_an_unknown_format_is_refused_before_anything_is_measured(cli: Cli) -> None:
    """A long run must not end with it."""
    output = cli("run", "norov", "--fast", "--format", "ktab")

    assert output.status == 2
    assert "there is no format called 'ktab'. Did you mean 'ktap'?" in output.err
    assert not Path("results").exists()
