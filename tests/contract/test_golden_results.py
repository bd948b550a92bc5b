"""The golden results of the suites on the model."""

from __future__ import annotations

import pytest

from golden import FOLDER, QUESTIONS, Question, answer, compute, content
from pvbench.results.files import read
from pvbench.run.cases import Selection
from support.helpers import bundled


@pytest.mark.parametrize("name", QUESTIONS)
def test_the_model_gives_the_golden_results(name: str) -> None:
    """Equal as parsed content; `python tests/golden.py` writes them anew."""
    golden = content(read(str(FOLDER / f"{name}.json")))

    assert golden == content(compute(name))


def test_every_suite_has_golden_results() -> None:
    """A question is a suite and a selection of it; what is measured has no golden times."""
    suites = bundled().table("suite").values()
    modelled = {suite.name for suite in suites if suite.delivery == "model"}

    assert {question.suite for question in QUESTIONS.values()} == modelled


def test_every_golden_file_is_the_answer_to_a_question() -> None:
    """None is left behind when a question goes."""
    assert sorted(QUESTIONS) == sorted(path.stem for path in FOLDER.glob("*.json"))


def test_the_order_of_boots_changes_nothing() -> None:
    """A seed shuffles the guests of a replicate; on an exact clock no drift can follow."""
    question = Question("smoke", Selection(drivers=("x2apic-cluster",)))
    one, other = (content(answer(question, seed)) for seed in (1, 2))

    assert (list(one), one) == (list(other), other)


def test_golden_results_tell_nothing_of_a_host() -> None:
    """They are equal on every machine."""
    texts = [path.read_text() for path in FOLDER.glob("*.json")]

    words = ("hostname", "cpu_model", "platform", "date")
    told = [word for word in words for text in texts if word in text]
    assert told == []
