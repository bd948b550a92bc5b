"""The golden results of norov on the model."""

from __future__ import annotations

import pytest

from golden import FOLDER, QUESTIONS, compute, content
from pvbench.results import read


@pytest.mark.parametrize("name", QUESTIONS)
def test_the_model_gives_the_golden_results(name: str) -> None:
    """Equal as parsed content; `python tests/golden.py` writes them anew."""
    golden = content(read(str(FOLDER / f"{name}.json")))

    assert golden == content(compute(name))


def test_golden_results_tell_nothing_of_a_host() -> None:
    """They are equal on every machine."""
    texts = [path.read_text() for path in FOLDER.glob("*.json")]

    words = ("hostname", "cpu_model", "platform", "date")
    told = [word for word in words for text in texts if word in text]
    assert told == []
