"""Where a result file comes from."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from pvbench.errors import UsageError
from pvbench.results import journal, provenance


def test_the_hash_is_that_of_the_file(tmp_path: Path) -> None:
    """Anybody can compare it with sha256sum."""
    path = tmp_path / "a.json"
    path.write_bytes(b"{}")
    source = provenance.of(str(path))

    assert source.sha256 == hashlib.sha256(b"{}").hexdigest()
    assert (source.commands, source.seed) == ((), None)


def test_commands_and_seed_are_those_of_the_journal(tmp_path: Path) -> None:
    """A run that was resumed has the commands of both, each once."""
    path = tmp_path / "a.json"
    path.write_bytes(b"{}")
    first, second = ["run", "norov"], ["run", "norov", "--resume"]
    entries = [{"plan": {"format": 1, "seed": 3}}, *({"command": c} for c in (first, second))]
    lines = [json.dumps(entry) + "\n" for entry in [*entries, {"command": second}]]
    journal.beside(path).write_text("".join(lines))
    source = provenance.of(str(path))

    assert source.commands == (tuple(first), tuple(second))
    assert source.seed == 3


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    """Its absence is a sentence."""
    with pytest.raises(UsageError, match=r"a\.json cannot be read"):
        provenance.of(str(tmp_path / "a.json"))


@pytest.mark.parametrize("command", ['"run"', "[1]", "null"])
def test_a_command_is_a_list_of_words(tmp_path: Path, command: str) -> None:
    """A journal may come from anywhere."""
    path = tmp_path / "a.jsonl"
    path.write_text(f'{{"plan": {{"format": 1}}}}\n{{"command": {command}}}\n')

    with pytest.raises(UsageError, match="the command in line 2 is malformed"):
        journal.read(path)
