"""Numbers of a cost profile that the user sets for one run."""

from __future__ import annotations

import attrs
import pytest

from pvbench.delivery import Options
from pvbench.errors import UsageError
from pvbench_deliver_model import Model
from pvbench_deliver_model.cost_file import read

WRITE = {"costs.icr_write": 1000.0}


def test_a_value_has_the_unit_of_the_cost_profile_and_says_who_set_it() -> None:
    """A thousand cycles of 0.4 ns; it is no longer fitted, and not assumed."""
    cost = read("skylake-2018", None, WRITE).costs["icr_write"]

    assert attrs.asdict(cost) == {
        "ps": 400_000,
        "confidence": "set by the user",
        "source": "set by the user (--sweep), in cycles",
        "fitted": False,
    }


def test_other_numbers_stay_as_they_are() -> None:
    """So do the name and the features."""
    before, after = (
        read("epyc-rome-avic"),
        read("epyc-rome-avic", None, {"ratios.exit_entry_share": 0.25}),
    )

    assert after.ratios["exit_entry_share"].ps == 0.25
    assert attrs.evolve(after, ratios=before.ratios, sha256=before.sha256) == before
    assert after.ratios | {"exit_entry_share": 0} == before.ratios | {"exit_entry_share": 0}


def test_each_value_has_a_hash_of_its_own() -> None:
    """Two cost profiles are equal if their hashes are."""
    values: tuple[dict[str, float], ...] = (
        {},
        WRITE,
        {"costs.icr_write": 1001.0},
        {"costs.eoi": 1000.0},
    )
    hashes = [read("skylake-2018", None, value).sha256 for value in values]

    assert len(set(hashes)) == 4
    assert hashes[1] == read("skylake-2018", None, dict(WRITE)).sha256


def test_a_description_names_the_numbers_that_the_user_set() -> None:
    """Reports show its sentences."""
    described = Model().describe(
        Options(cost_values={"ratios.halt_poll_grow": 3.0, "costs.eoi": 7.0})
    )

    assert described.notes == (
        "costs.eoi is set by the user (--sweep), in cycles.",
        "ratios.halt_poll_grow is set by the user (--sweep).",
    )
    assert Model().describe(Options()).notes == ()


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        pytest.param(
            "costs.icr_writ",
            1,
            "there is no number of a cost profile called 'costs.icr_writ'. "
            "Did you mean 'costs.icr_write'? ",
            id="misspelt",
        ),
        pytest.param("icr_write", 1, "Did you mean 'costs.icr_write'?", id="without-table"),
        pytest.param("features.local_apic", 1, "there is no number", id="no-number"),
        pytest.param(
            "costs.loop_overhead",
            0,
            "cost profile skylake-2018.toml, loop_overhead.value is 0, not at least 1 ps",
            id="too-small",
        ),
        pytest.param(
            "ratios.exit_entry_share", 1.5, "exit_entry_share.value is 1.5", id="not-a-part"
        ),
    ],
)
def test_a_value_that_no_cost_profile_can_have_is_refused(
    name: str, value: float, sentence: str
) -> None:
    """As in a file."""
    with pytest.raises(UsageError) as error:
        read("skylake-2018", None, {name: value})

    assert sentence in str(error.value)
