"""Invalid cost profiles with a base are refused with one sentence."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from pvbench.errors import UsageError
from pvbench_deliver_model.cost_file import read
from pvbench_deliver_model.cost_profile import CostProfile
from support.cost_profiles import GONE, bundled_data, laid_over, number, toml_of

Read = Callable[..., CostProfile]


@pytest.fixture
def over(tmp_path: Path) -> Read:
    """Read a file whose base is ``skylake-2018``."""
    return partial(laid_over, tmp_path)


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        pytest.param(
            {"base": "skylake-2081"},
            r"no cost profile called 'skylake-2081'.*Did you mean 'skylake-2018'",
            id="misspelt-base",
        ),
        pytest.param(
            {"base": "zzz"},
            r"no cost profile called 'zzz'.*Use one of bare-metal, ",
            id="alien-base",
        ),
        pytest.param({"base": 7}, "no cost profile called '7'", id="base-a-number"),
        pytest.param({"base": ["skylake-2018"]}, "no cost profile called", id="base-a-list"),
        pytest.param({"base": True}, "no cost profile called 'True'", id="base-a-flag"),
        pytest.param(
            {"base": "mine.toml"}, r"no cost profile called 'mine\.toml'", id="base-a-file"
        ),
        pytest.param({"base": ""}, "no cost profile called ''", id="base-empty"),
        pytest.param(
            {"base": GONE},
            r"cost profile mine\.toml lacks base\. Give base and base_machine, or neither\.$",
            id="no-base",
        ),
        pytest.param(
            {"base_machine": GONE},
            r"mine\.toml lacks base_machine\. Give base and base_machine, or neither\.$",
            id="no-machine",
        ),
        pytest.param(
            {"base_machine": "mine"},
            r"mine\.toml, base_machine is 'mine', not same or other$",
            id="machine-unknown",
        ),
        pytest.param({"base_machine": "Same"}, "base_machine is 'Same'", id="machine-capital"),
        pytest.param({"base_machine": True}, "base_machine is True", id="machine-flag"),
        pytest.param({"base_machine": ["same"]}, "base_machine is", id="machine-list"),
        pytest.param({"costs": 5}, r"costs is 5, not a table \[costs\]", id="costs-number"),
        pytest.param({"costs": [1]}, r"costs is \[1\], not a table", id="costs-list"),
        pytest.param({"ratios": "2"}, r"ratios is '2', not a table \[ratios\]", id="ratios"),
        pytest.param(
            {"features": "avic"}, r"features is 'avic', not a table \[features\]", id="features"
        ),
        pytest.param(
            {"features": {"local_apic": "x3avic"}},
            "local_apic is 'x3avic', not one of",
            id="feature-unknown",
        ),
        pytest.param(
            {"features": {"avic": True}}, r"\[features\] has an .*'avic'", id="feature-alien"
        ),
        pytest.param(
            {"costs": {"eoi": 5}}, "eoi is 5, not a table with value", id="cost-number"
        ),
        pytest.param(
            {"costs": {"eoi": {"value": 5}}},
            "eoi lacks confidence, source, unit",
            id="cost-is-not-inherited-by-halves",
        ),
        pytest.param(
            {"costs": {"hypercal": number(5)}}, "Did you mean 'hypercall'", id="cost-misspelt"
        ),
        pytest.param({"costs": {"eoi": number(-1)}}, "eoi.value is -1", id="cost-negative"),
        pytest.param(
            {"costs": {"loop_overhead": number(0)}},
            "loop_overhead.value is 0, not at least 1 ps",
            id="loop-of-nothing",
        ),
        pytest.param(
            {"costs": {"loop_overhead": number(0.4, unit="ps")}},
            "loop_overhead.value is 0.4, not at least 1 ps",
            id="loop-of-less-than-a-picosecond",
        ),
        pytest.param(
            {"costs": {"local_call_entry": number(0)}},
            "local_call_entry.value is 0, not at least 1 ps",
            id="call-of-nothing",
        ),
        pytest.param({"tsc_hz": "2 GHz"}, "tsc_hz is '2 GHz'", id="clock"),
        pytest.param({"tsc_khz": 5}, "'tsc_khz'. Did you mean 'tsc_hz'", id="alien-key"),
    ],
)
def test_an_invalid_file_with_a_base_is_refused(
    over: Read, changed: dict[str, Any], words: str
) -> None:
    """The sentence names the file's key, as for a cost profile without a base."""
    with pytest.raises(UsageError, match=words):
        over(**changed)


@pytest.mark.parametrize(
    ("key", "suggestion"), [("bas", "base"), ("base_machin", "base_machine"), ("Base", "base")]
)
def test_a_misspelt_base_key_is_refused_with_the_right_one(
    tmp_path: Path, key: str, suggestion: str
) -> None:
    """A complete cost profile with one unknown key needs the hint."""
    (tmp_path / "mine.toml").write_text(toml_of(bundled_data() | {key: "same"}))

    with pytest.raises(UsageError, match=f"'{key}'. Did you mean '{suggestion}'"):
        read(str(tmp_path / "mine.toml"))


def test_an_error_in_the_base_names_the_base(over: Read, folder: Path) -> None:
    """The user must fix that file."""
    (folder / "broken.toml").write_text("title = \n")

    with pytest.raises(UsageError, match=r"broken\.toml is not TOML"):
        over(base="broken")
