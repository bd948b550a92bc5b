"""The sweep of the model for times that cannot be, in its short form."""

from __future__ import annotations

import sys
from collections import Counter
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from pvbench.delivery import TARGET_STATES


def _loaded() -> ModuleType:
    path = Path(__file__).parents[2] / "benchmarks" / "plausible.py"
    spec = spec_from_file_location("plausible", path)
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    sys.modules["plausible"] = module  # attrs looks the module of a class up
    spec.loader.exec_module(module)
    return module


PLAUSIBLE = _loaded()
STACKS = ("x2apic-physical", "kvm-pv/x2apic-cluster", "hyperv-ipi/x2apic-physical")
SHORT = (1, 2, 17, 64, 254)


@pytest.mark.parametrize("profile", ["skylake-fastpath", "epyc-genoa-x2avic", "epyc-rome"])
@pytest.mark.parametrize("state", TARGET_STATES)
def test_the_model_has_no_time_that_cannot_be(profile: str, state: str) -> None:
    """Without and, unless CPUs poll, with shared host CPUs; each finding needs a reason."""
    counts: Counter[str] = Counter()
    rows = [row for row in PLAUSIBLE.rows((profile,), (state,)) if row.stack.name in STACKS]
    unexplained = [
        f"{row.name}: {what}"
        for row in rows
        for what, reason in PLAUSIBLE.findings(row, SHORT, counts)
        if not reason
    ]

    assert unexplained == []
    assert counts["cases"] == len(rows) * len(SHORT)
    assert len(rows) == len(STACKS) * (1 if state == "polling" else 2)


def row() -> Any:
    """A row of a stack that makes hypercalls."""
    names = PLAUSIBLE.rows(("skylake-fastpath",), ("running",))
    return next(row for row in names if row.stack.name == "kvm-pv/x2apic-physical")


@pytest.mark.parametrize(
    ("changed", "finding"),
    [
        pytest.param({"ack": 1.0}, "a time is out of order", id="acknowledged-too-early"),
        pytest.param({"wall": 1.0}, "a time is out of order", id="iteration-too-short"),
        pytest.param({"send": 1.0}, "less than its empty hypercalls", id="no-hypercall"),
    ],
)
def test_an_impossible_time_is_found(changed: dict[str, float], finding: str) -> None:
    """Each rule is broken alone."""
    ready = PLAUSIBLE.prepared(row(), 3)
    now = PLAUSIBLE.times(ready, row().profile) | changed

    assert finding in " ".join(PLAUSIBLE.impossible(row(), ready, now))


def test_a_time_that_falls_has_no_reason_between_masks() -> None:
    """To all others it may, because a shorthand may send it."""
    before, after = ({"wall": ps, "send": 1.0} for ps in (2.0, 1.0))
    findings = [
        list(PLAUSIBLE.fallen(row(), 3, before, many, after))
        for many in (4, PLAUSIBLE.VCPUS - 1)
    ]

    assert [bool(reason) for ((_, reason),) in findings] == [False, True]
