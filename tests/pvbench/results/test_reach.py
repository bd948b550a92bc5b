"""The facts about functions that differ between two sides."""

from __future__ import annotations

import pytest

from pvbench.results.reach import facts_of
from pvbench.site import Reach

MANY = tuple(f"f{number}()" for number in range(10))


@pytest.mark.parametrize(
    ("reach", "kind", "note"),
    [
        pytest.param(
            Reach(ran=("a()", "b()"), idle=("c()",), unknown="d() is not shown"),
            "reached",
            "These functions with other code ran: a(), b(); these did not: c().",
            id="some-ran",
        ),
        pytest.param(
            Reach(ran=MANY),
            "reached",
            "These functions with other code ran: f0(), f1(), f2(), f3(), f4(), f5(), f6(), "
            "f7() and 2 more.",
            id="many-ran",
        ),
        pytest.param(
            Reach(idle=("c()", "d()")),
            "not reached",
            "Not exercised here: none of the functions with other code ran: c(), d().",
            id="none-ran",
        ),
        pytest.param(
            Reach(),
            "not reached",
            "Not exercised here: no function has other code.",
            id="same-code",
        ),
        pytest.param(
            Reach(idle=("c()",), unknown="the tracer does not show d()"),
            "unknown",
            "It is not known whether other code was executed: the tracer does not show d(); "
            "none of the functions with other code ran: c().",
            id="none-known",
        ),
    ],
)
def test_the_facts_are_a_kind_and_a_sentence(reach: Reach, kind: str, note: str) -> None:
    """One function that ran is enough; one that is not traced forbids a claim."""
    assert facts_of(reach) == {"reach": kind, "reach_note": note}
