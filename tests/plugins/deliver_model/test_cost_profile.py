"""Cost profiles: every number with unit, source and confidence."""

from __future__ import annotations

import hashlib
import json
import tomllib
from pathlib import Path

import pytest

from pvbench.delivery import Costs, Options
from pvbench_deliver_model import Model
from pvbench_deliver_model.cost_file import bundled, read
from pvbench_deliver_model.cost_profile import CostProfile
from support.cost_profiles import COST_PROFILES, bundled_data, toml_of

BUNDLED = sorted(path.stem for path in COST_PROFILES.glob("*.toml"))


def test_units_become_picoseconds(tmp_path: Path) -> None:
    """A cycle lasts 400 ps at 2.5 GHz."""
    data = bundled_data()
    for name, unit in (("eoi", "ps"), ("fence", "ns"), ("kick", "us"), ("store", "cycles")):
        data["costs"][name] |= {"value": 3, "unit": unit}
    (tmp_path / "mine.toml").write_text(toml_of(data))
    cost_profile = read(str(tmp_path / "mine.toml"))

    values = [cost_profile.ps(name) for name in ("eoi", "fence", "kick", "store")]

    assert values == [3, 3_000, 3_000_000, 1_200]


def test_a_cost_profile_is_unchanged_by_json() -> None:
    """A job sends it to a worker, which may run on another machine."""
    cost_profile = read("skylake-2018")

    assert cost_profile == CostProfile.from_json(json.loads(json.dumps(cost_profile.to_json())))


def test_a_description_names_the_cost_profile_and_the_hash_of_its_file() -> None:
    """Results state the costs they depend on; the default is skylake-2018."""
    sha256 = hashlib.sha256((COST_PROFILES / "skylake-2018.toml").read_bytes()).hexdigest()

    assert Model().describe(Options()).costs == Costs("skylake-2018", sha256)


def test_every_bundled_cost_profile_is_listed_and_readable() -> None:
    """The list is the files in the folder."""
    assert BUNDLED == [read(name).name for name in bundled()] == list(Model().cost_profiles())


@pytest.mark.parametrize("name", BUNDLED)
def test_every_bundled_number_has_unit_source_and_confidence(name: str) -> None:
    """A number without a source is not accepted."""
    data = tomllib.loads((COST_PROFILES / f"{name}.toml").read_text())
    entries = [*data["costs"].items(), *data.get("ratios", {}).items()]

    bare = [
        key
        for key, entry in entries
        if not (entry["unit"] and len(entry["source"]) > 8 and entry["confidence"] in "ABC")
    ]

    assert bare == []


@pytest.mark.parametrize("name", BUNDLED)
def test_at_most_six_bundled_numbers_are_fitted(name: str) -> None:
    """A fitted number has confidence B and names its data; many constants fit any data."""
    costs = read(name).costs.values()

    fitted = [(c.confidence, c.source[:10]) for c in costs if c.fitted]

    assert [("B", "fitted to ")] * min(len(fitted), 6) == fitted
