"""The JSON of commands is that of the published schemas."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from support.require import skip_without
from support.runs import Cli

SCHEMAS = Path(__file__).parents[2] / "docs/schema"
COMMANDS = {
    "show": ("show", "{file}"),
    "show-published": ("show", "published:proposals-6.12"),
    "compare": ("compare", "{file}", "--by", "sender"),
    "compare-files": ("compare", "published:lab-6.1", "published:lab-6.12"),
    "report": ("report", "{file}"),
    "replay": ("replay", "recorded:membarrier-60"),
    "history": ("history", "{file}", "published:norov-2018", "published:proposals-6.12"),
    "report-files": ("report", "published:lab-6.1", "published:lab-6.12"),
}


def validator(name: str) -> Any:
    """The validator of a published schema, which is checked itself."""
    try:
        import jsonschema
    except ImportError:
        skip_without("schema", "jsonschema is not installed", means=True)
    schema = json.loads((SCHEMAS / f"{name}.schema.json").read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


@pytest.mark.parametrize("command", COMMANDS)
def test_the_json_of_a_command_has_its_schema(
    cli: Cli, overlay_file: Path, command: str
) -> None:
    """Programs of other people rely on it."""
    words = [word.format(file=overlay_file) for word in COMMANDS[command]]
    value = json.loads(cli(*words, "--json").out)

    errors = [error.message for error in validator(words[0]).iter_errors(value)]
    assert errors == []


@pytest.mark.parametrize("name", ["show", "compare", "report", "replay", "history"])
def test_a_schema_refuses_what_lacks_its_keys(name: str) -> None:
    """A schema that accepts everything would prove nothing."""
    assert not validator(name).is_valid({})


def test_a_schema_refuses_a_time_that_is_text(cli: Cli, overlay_file: Path) -> None:
    """Times are numbers in seconds."""
    value = json.loads(cli("report", str(overlay_file), "--json").out)
    value["cases"][0]["base_s"] = "200 us"

    assert not validator("report").is_valid(value)
