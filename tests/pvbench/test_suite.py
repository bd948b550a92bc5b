"""Suites expand to cases with unique names."""

from __future__ import annotations

from typing import Any

import attrs
import pytest

from pvbench.errors import UsageError
from pvbench.guest import HostIds
from pvbench.run import cases as expansion
from pvbench.run.cases import Selection, expand
from pvbench.suite import Case, Suite
from support.helpers import bundled

SUITE = Suite(
    name="question",
    version=3,
    summary="for tests",
    workloads=("dry-run", "broadcast"),
    drivers=("x2apic-physical", "x2apic-cluster"),
    overlays=("kvm-pv",),
    guests=("4", "sparse:2:4"),
)


@pytest.mark.parametrize(
    ("field", "value", "why"),
    [
        pytest.param("overlays", 5, "not a tuple of strings: names of overlays", id="overlays"),
        pytest.param("overlays", "kvm-pv", "not a tuple of strings", id="letters"),
        pytest.param("delivery", 5, "not a string: the name of a delivery", id="delivery"),
        pytest.param("answer", "speed", "not one of times, losses", id="answer"),
    ],
)
def test_a_suite_refuses_a_field_of_another_kind(field: str, value: Any, why: str) -> None:
    """A plugin that offers it is broken, and says where; it must not end in a traceback."""
    with pytest.raises(ValueError, match=rf"^Suite\.{field} is {value!r}, {why}"):
        attrs.evolve(SUITE, **{field: value})


def cases(suite: Suite = SUITE, **selected: Any) -> list[Case]:
    """The cases of a suite under a selection."""
    expanded, _ = expand(suite, Selection(**selected), bundled(), HostIds())
    return expanded


def stacks(suite: Suite = SUITE, **selected: Any) -> list[str]:
    """Stacks of one workload and guest, in order."""
    picked = {"workloads": ("dry-run",), "guests": ("4",)} | selected
    return [case.stack.name for case in cases(suite, **picked)]


def test_guests_are_outermost_and_workloads_innermost() -> None:
    """The order of boots, then of stacks, then of columns."""
    expanded = [
        (c.guest.name, c.stack.name, c.workload.spec)
        for c in cases(drivers=("x2apic-cluster",))
    ]

    assert expanded == [
        ("dense:4", "x2apic-cluster", "dry-run"),
        ("dense:4", "x2apic-cluster", "broadcast"),
        ("dense:4", "kvm-pv/x2apic-cluster", "dry-run"),
        ("dense:4", "kvm-pv/x2apic-cluster", "broadcast"),
        ("sparse:2:4", "x2apic-cluster", "dry-run"),
        ("sparse:2:4", "x2apic-cluster", "broadcast"),
        ("sparse:2:4", "kvm-pv/x2apic-cluster", "dry-run"),
        ("sparse:2:4", "kvm-pv/x2apic-cluster", "broadcast"),
    ]


@pytest.mark.parametrize(
    ("selected", "expected"),
    [
        pytest.param(
            {},
            [
                "x2apic-physical",
                "x2apic-cluster",
                "kvm-pv/x2apic-physical",
                "kvm-pv/x2apic-cluster",
            ],
            id="the-suite-s-own",
        ),
        pytest.param(
            {"senders": ("native",)}, ["x2apic-physical", "x2apic-cluster"], id="native"
        ),
        pytest.param(
            {"senders": ("shorthand",)},
            ["shorthand/x2apic-physical", "shorthand/x2apic-cluster"],
            id="overlay-over-each-driver",
        ),
        pytest.param({"senders": ("xapic-physical",)}, ["xapic-physical"], id="driver"),
        pytest.param(
            {"senders": ("kvm-pv/xapic-flat",)}, ["kvm-pv/xapic-flat"], id="overlay-and-driver"
        ),
        pytest.param(
            {"senders": ("native", "x2apic-cluster", "x2apic-cluster")},
            ["x2apic-physical", "x2apic-cluster"],
            id="named-twice-runs-once",
        ),
        pytest.param(
            {"senders": ("kvm-pv",), "drivers": ("xapic-physical",)},
            ["kvm-pv/xapic-physical"],
            id="another-driver",
        ),
    ],
)
def test_a_selection_picks_stacks(selected: dict[str, Any], expected: list[str]) -> None:
    """The selection replaces the suite's own choice."""
    assert expected == stacks(**selected)


@pytest.mark.parametrize(
    ("overlays", "count"),
    [
        pytest.param(None, 20, id="all-there-are"),
        pytest.param((), 2, id="none"),
        pytest.param(("kvm-pv", "hyperv-ipi"), 6, id="two"),
    ],
)
def test_bare_drivers_always_run(overlays: tuple[str, ...] | None, count: int) -> None:
    """Two drivers bare, and each overlay (nine are bundled) over each of them."""
    expanded = stacks(attrs.evolve(SUITE, overlays=overlays))

    assert (count, ["x2apic-physical", "x2apic-cluster"]) == (len(expanded), expanded[:2])


@pytest.mark.parametrize(
    ("selected", "message"),
    [
        pytest.param(
            {"keywords": "("}, r"-k '\(' cannot be read: a word is missing", id="keywords"
        ),
        pytest.param(
            {"workloads": ("brodcast",)},
            r"no workload called 'brodcast'\. Did you mean 'broadcast'\?",
            id="workload",
        ),
        pytest.param({"senders": ("kvm-pw",)}, r"no sender called 'kvm-pw'", id="sender"),
        pytest.param({"drivers": ("x3apic",)}, r"no sender called 'x3apic'", id="driver"),
        pytest.param({"drivers": ("kvm-pv",)}, r"'kvm-pv' is not a driver", id="no-driver"),
        pytest.param({"guests": ("dense:x",)}, r"'dense:x' is not a topology", id="guest"),
    ],
)
def test_a_selection_of_a_name_that_no_plugin_offers_is_an_error(
    selected: dict[str, Any], message: str
) -> None:
    """The message repeats the name and gives the nearest one."""
    with pytest.raises(UsageError, match=message):
        cases(**selected)


@pytest.mark.parametrize(
    ("change", "blocked", "remaining"),
    [
        pytest.param({"workloads": ("acme", "dry-run")}, "workload acme", 8, id="workload"),
        pytest.param({"drivers": ("acme", "x2apic-cluster")}, "sender acme", 8, id="driver"),
        pytest.param({"overlays": ("acme",)}, "sender acme", 8, id="overlay"),
    ],
)
def test_a_sender_that_only_the_suite_names_is_blocked_and_the_others_run(
    change: dict[str, Any], blocked: str, remaining: int
) -> None:
    """A suite may want a plugin that is broken here, which affects no other case."""
    expanded, reasons = expand(attrs.evolve(SUITE, **change), Selection(), bundled(), HostIds())

    expected = {f"question {blocked}": f"no plugin offers {blocked}"}

    assert (remaining, expected) == (len(expanded), reasons)


def test_a_suite_of_too_many_cases_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """A plugin may offer a suite of any size; the cases beyond the limit are not made."""
    monkeypatch.setattr(expansion, "_MOST_CASES", 7)

    with pytest.raises(
        UsageError, match=r"suite question has more than 7 cases\. Choose fewer"
    ):
        cases(drivers=("x2apic-cluster",))

    monkeypatch.setattr(expansion, "_MOST_CASES", 8)
    assert len(cases(drivers=("x2apic-cluster",))) == 8


def test_keywords_select_cases_by_name() -> None:
    """-k keeps the cases whose names match the expression."""
    expanded = cases(keywords="*.broadcast and kvm-pv and sparse")

    assert [case.stack.name for case in expanded] == [
        "kvm-pv/x2apic-physical",
        "kvm-pv/x2apic-cluster",
    ]


def test_a_guest_no_xapic_can_address_is_a_case_all_the_same() -> None:
    """One stack that cannot serve a guest must not end the run of the others."""
    expanded = stacks(senders=("xapic-physical", "x2apic-physical"), guests=("dense:300",))

    assert expanded == ["xapic-physical", "x2apic-physical"]
