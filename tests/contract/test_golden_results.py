"""The golden results of the suites on the model."""

from __future__ import annotations

import pytest

from golden import FOLDER, QUESTIONS, Question, answer, compute, content
from pvbench.results.files import read
from pvbench.run.cases import Selection
from support.helpers import bundled


@pytest.mark.parametrize("name", QUESTIONS)
def test_the_model_gives_the_golden_results(name: str) -> None:
    """The parsed content is equal; `python tests/golden.py` writes the files again."""
    golden = content(read(str(FOLDER / f"{name}.json")))

    assert golden == content(compute(name))


def test_every_suite_has_golden_results() -> None:
    """Suites whose times are measured have no golden results."""
    suites = bundled().table("suite").values()
    modelled = {suite.name for suite in suites if suite.delivery == "model"}

    assert {question.suite for question in QUESTIONS.values()} == modelled


def test_every_golden_file_belongs_to_a_suite() -> None:
    """The file of a removed suite must be removed."""
    assert sorted(QUESTIONS) == sorted(path.stem for path in FOLDER.glob("*.json"))


def test_the_order_of_boots_does_not_change_results() -> None:
    """The seed shuffles the order of the guests, which matters only if a clock drifts."""
    question = Question("smoke", Selection(drivers=("x2apic-cluster",)))
    one, other = (content(answer(question, seed)) for seed in (1, 2))

    assert (list(one), one) == (list(other), other)


def test_golden_results_have_no_facts_of_a_host() -> None:
    """They are equal on every machine."""
    texts = [path.read_text() for path in FOLDER.glob("*.json")]

    words = ("hostname", "cpu_model", "platform", "date")
    values = [word for word in words for text in texts if word in text]
    assert values == []
