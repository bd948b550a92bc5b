"""Whether a run has all of its boots, according to its journal."""

from __future__ import annotations

from typing import Any

import pytest

from pvbench.results.incomplete import incomplete

PLAN = {"plan": {"format": 1, "boots": 2}}
BOOT = {"boot": 1, "outcome": "ok"}


@pytest.mark.parametrize(
    ("entries", "sentence"),
    [
        pytest.param([], "", id="no-journal"),
        pytest.param([PLAN, BOOT, {"boot": 2, "outcome": "failed"}], "", id="all-boots"),
        pytest.param([PLAN, BOOT, {"end": 0, "settled": True}], "", id="settled"),
        pytest.param(
            [PLAN, BOOT],
            "incomplete: 1 of 2 boots, the run did not end; --resume continues it",
            id="killed",
        ),
        pytest.param(
            [PLAN, BOOT, {"end": 130, "signal": 2}],
            "incomplete: 1 of 2 boots, the run ended by signal 2; --resume continues it",
            id="signal",
        ),
    ],
)
def test_a_run_is_incomplete_without_a_boot_that_it_needs(
    entries: list[dict[str, Any]], sentence: str
) -> None:
    """The sentence says how it ended and what to do."""
    assert incomplete(entries) == sentence
