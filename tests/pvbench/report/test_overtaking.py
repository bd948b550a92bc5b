"""The sentences about the crossovers of a run."""

from __future__ import annotations

import json
from typing import Any

import attrs
import pytest

from pvbench.compare.crossover import Crossover
from pvbench.document import Document
from pvbench.report import json as json_renderer
from pvbench.report import markdown, text
from pvbench.report.overtaking import blocks

PHYSICAL = "x2apic-physical"
ONE = Crossover(
    family="fanout packed",
    stack=PHYSICAL,
    guest="dense:80",
    conditions="",
    series="wall",
    baseline=PHYSICAL,
    side=f"kvm-pv/{PHYSICAL}",
    parameter="targets",
    stretches=(("equal", 1, 2), ("faster", 4, 79)),
    values=(1, 2, 4, 79),
    kind="modelled",
    intervals=(),
    assumed=0.584,
)


def changed(**fields: Any) -> Crossover:
    """The crossover with other fields."""
    return attrs.evolve(ONE, **fields)


def printed(*crossovers: Crossover) -> list[str]:
    """The lines of the sentences."""
    lines = text.render(Document(blocks(crossovers)), 1000).splitlines()
    return [line for line in lines if line]


def test_a_sentence_says_from_which_value_on_a_sender_is_faster() -> None:
    """The title has the values that were run, and the last line says how it is known."""
    assert printed(ONE) == [
        "Crossovers on dense:80, with 1, 2, 4 and 79 targets:",
        f"- fanout packed: from 4 targets on kvm-pv/{PHYSICAL} is faster than {PHYSICAL}; "
        "from 1 to 2 targets it is equal.",
        "These crossovers are modelled, not measured; up to 58 % of a time rests on assumed "
        "costs.",
    ]


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        pytest.param(
            {"stretches": (("slower", 1, 79),)},
            f"from 1 to 79 targets kvm-pv/{PHYSICAL} is slower than {PHYSICAL}",
            id="no-change",
        ),
        pytest.param(
            {"stretches": (("faster", 1, 1), ("equal", 2, 4))},
            f"from 2 to 4 targets kvm-pv/{PHYSICAL} is equal to {PHYSICAL}; "
            "at 1 target it is faster",
            id="not-to-the-last-value",
        ),
        pytest.param(
            {"stretches": (("loses", 1, 1), ("loses", 2, 79))},
            f"from 2 targets on kvm-pv/{PHYSICAL} loses IPIs; at 1 target it loses IPIs",
            id="losses",
        ),
        pytest.param(
            {
                "stretches": (("inconclusive", 1, 2), ("faster", 4, 79)),
                "intervals": ((1, 0.98, 1.02), (4, 1.1, 1.25)),
            },
            f"from 4 targets on kvm-pv/{PHYSICAL} is faster than {PHYSICAL}; "
            "from 1 to 2 targets it is inconclusive (95 % interval of the speed ratio: "
            "0.980 to 1.020 at 1 target and 1.100 to 1.250 at 4 targets)",
            id="intervals",
        ),
    ],
)
def test_each_kind_of_stretch_has_its_words(fields: dict[str, Any], sentence: str) -> None:
    """A value that was run alone is named alone."""
    assert printed(changed(**fields))[1] == f"- fanout packed: {sentence}."


def test_families_and_senders_with_the_same_verdicts_share_a_sentence() -> None:
    """Both in the plural."""
    others = [
        changed(family=family, side=f"{overlay}/{PHYSICAL}", stretches=(("loses", 1, 79),))
        for family in ("fanout packed", "fanout spread")
        for overlay in ("a", "b")
    ]

    assert printed(*others)[1] == (
        f"- fanout packed and fanout spread: from 1 to 79 targets a/{PHYSICAL} and "
        f"b/{PHYSICAL} lose IPIs."
    )


def test_guests_and_conditions_have_lists_of_their_own() -> None:
    """The title names them."""
    titles = printed(ONE, changed(guest="dense:8", conditions="32-bit"))

    assert "Crossovers on dense:8, 32-bit, with 1, 2, 4 and 79 targets:" in titles


def test_measured_crossovers_are_called_measured() -> None:
    """Their intervals are in the sentences."""
    assert printed(changed(kind="measured", assumed=None))[-1] == (
        "These crossovers are measured; the intervals of all overlays hold at once, and so do "
        "those of the drivers."
    )


def test_modelled_crossovers_of_an_old_file_name_no_part() -> None:
    """The file does not say how much is assumed."""
    assert printed(changed(assumed=None))[-1] == (
        "These crossovers are modelled, not measured."
    )


def test_json_has_a_table_and_markdown_the_sentences() -> None:
    """JSON does not repeat the sentences."""
    document = Document(blocks([ONE]))
    value = json.loads(json_renderer.render(document))

    assert [one["stretches"] for one in value["crossovers"]] == [
        [["equal", 1, 2], ["faster", 4, 79]]
    ]
    assert list(value) == ["crossovers"]
    assert "- fanout packed: from 4 targets on" in markdown.render(document)
