"""How a comparison is printed."""

from __future__ import annotations

import json

import attrs
import pytest

from pvbench.compare.comparison import compare
from pvbench.compare.question import Question
from pvbench.report import comparison, text
from pvbench.report import json as json_form
from support.runs import row_of

PHYSICAL = "x2apic-physical"
OVERLAID = f"kvm-pv/{PHYSICAL}"
BEFORE = row_of("broadcast", PHYSICAL, 200e-6)
AFTER = row_of("broadcast", OVERLAID, 80e-6, icr_writes=0.0, hypercalls=1.0)


# The counts that the files do not have.
UNKNOWN = dict.fromkeys(("exits", "wakeups_polled", "wakeups_blocked"))


def test_json_gives_numbers_in_seconds() -> None:
    """Scripts do their own rounding."""
    unmatched = row_of("dry-run", PHYSICAL, 1e-9)
    files = {"a.json": [BEFORE, AFTER, unmatched], "b.json": [unmatched]}
    result = compare(files, Question(by="sender"))
    output = json.loads(json_form.render(comparison.document(result)))

    assert output["unpaired"] == [
        {
            "name": unmatched.name,
            "file": "",
            "verdict": "",
            "reason": "in two files, so left out",
            "detail": "",
            "regression": False,
        }
    ]
    assert output["pairs"] == [
        {
            "workload": "broadcast",
            "guest": "dense:80",
            "series": "wall",
            "stack": PHYSICAL,
            "baseline": PHYSICAL,
            "side": OVERLAID,
            "before_s": 0.0002,
            "after_s": 8e-05,
            "speed_ratio": 2.5,
            "time_reduction": 0.6,
            "verdict": "faster",
            "judged": None,
            "counts": {
                "before": {"icr_writes": 79.0, "hypercalls": 0.0, "lost": 0, **UNKNOWN},
                "after": {"icr_writes": 0.0, "hypercalls": 1.0, "lost": 0, **UNKNOWN},
            },
            "exits": {"before": None, "after": None},
            "wake_ups": {"before": None, "after": None},
            "assumed": {"before": None, "after": None},
            "ratio_95": None,
        }
    ]


@pytest.mark.parametrize(
    ("other", "named"),
    [
        pytest.param("p99", "p99", id="one"),
        pytest.param("mean", "p99 and mean", id="a-published-table-has-its-own"),
    ],
)
def test_a_comparison_names_the_statistic(other: str, named: str) -> None:
    """It does so in the heading and in JSON."""
    files = {
        name: [attrs.evolve(BEFORE, statistic=statistic)]
        for name, statistic in (("a.json", "p99"), ("b.json", other))
    }
    document = comparison.document(compare(files, Question()))

    assert f"\nstatistic: {named}\n" in text.render(document, 100)
    assert json_form.value(document)["statistic"] == named


def test_a_comparison_without_pairs_names_no_statistic() -> None:
    """There is no time to which a statistic could apply."""
    document = comparison.document(compare({"a.json": [], "b.json": []}, Question()))

    assert "statistic: " not in text.render(document, 100)


def test_json_has_data_and_no_sentences_of_the_layout() -> None:
    """The names of the files are names, and a crossover is a row of its table."""
    remark = row_of("broadcast", PHYSICAL, 1e-6, caveat="emulated")
    result = compare({"a.json": [remark], "b.json": [BEFORE]}, Question(), ["b is stale"])
    value = json_form.value(comparison.document(result))

    assert value["files"] == ["a.json", "b.json"]
    assert value["stale"] == ["b is stale"]
    assert value["remarks"] == [{"text": "emulated", "files": ("a.json",)}]
    assert (value["margin_percent"], value["margins"]) == (2, {})
    assert value["fail_above_percent"] is None
    assert value.keys().isdisjoint({"verdicts", "notes"})


@pytest.mark.parametrize("sockets", [None, 2])
def test_a_comparison_on_several_sockets_says_that_distance_costs_nothing(
    sockets: int | None,
) -> None:
    """Without the sentence, a reader could take two equal layouts for equally fast."""
    rows = [
        attrs.evolve(row, facts=dict(row.facts) | {"sockets": sockets})
        for row in (BEFORE, AFTER)
    ]
    result = compare({"a.json": rows}, Question(by="sender"))

    printed = " ".join(text.render(comparison.document(result)).split())
    assert ("The model has no cost of distance" in printed) is (sockets is not None)
