"""Mutants of the decoder are drawn from its code, and none is a mere name or a text."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import verify_mutants
from verify_mutants import Mutant, mutants_of

SOURCE = '''
LIMIT: int = 3

class Route(IntEnum):
    FIRST = 7

def served(a: int, b: int) -> int:
    """Text with 9."""
    if a < b and a:
        return a + 1
    return b if a else f"{a + 5}"

def _xen(a: int) -> int:
    return a + 8
'''


@pytest.fixture
def mutants(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Mutant]:
    """Those of SOURCE."""
    monkeypatch.setattr(verify_mutants, "ROOT", tmp_path)
    path = tmp_path / "source.py"
    path.write_text(SOURCE)
    return [*mutants_of(path)]


def test_each_kind_of_expression_is_changed(mutants: list[Mutant]) -> None:
    """A condition is negated, an operator replaced, a number is larger, a result is None."""
    changes = {str(mutant).partition(": ")[2] for mutant in mutants}

    assert {"`3` -> `4`", "`1` -> `2`", "`a + 1` -> `((a) - (1))`"} <= changes
    assert {"`a < b` -> `((a) <= (b))`", "`a < b and a` -> `((a < b) or (a))`"} <= changes
    assert "`a < b and a` -> `(not (a < b and a))`" in changes
    assert "`a + 1` -> `None`" in changes
    assert not {"`7` -> `8`", "`8` -> `9`", "`5` -> `6`"} & changes


def test_each_mutant_is_another_program(mutants: list[Mutant]) -> None:
    """It can be compiled and differs from the source."""
    texts = {mutant.text for mutant in mutants}

    assert len(texts) == len(mutants) > 8
    assert all(ast.dump(ast.parse(text)) != ast.dump(ast.parse(SOURCE)) for text in texts)
