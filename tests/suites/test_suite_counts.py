"""The bundled suites: the counts in which their senders differ."""

from __future__ import annotations

from typing import Any, NamedTuple

import pytest

from pvbench.results import schema
from pvbench.run.prepared import Prepared as Checked
from pvbench.topology import parse_guest
from support.suites import checked


class Count(NamedTuple):
    """ICR writes and hypercalls of one iteration, and how many targets it loses."""

    writes: int
    calls: int
    lost: int = 0


def count(case: Checked) -> Count:
    """Sum the counts over the bursts of all sources."""
    return Count(
        sum(burst.icr_writes for burst in case.bursts),
        sum(burst.hypercalls for burst in case.bursts),
        sum(len(burst.lost) for burst in case.bursts),
    )


def counts(name: str, stack: str) -> dict[tuple[str, str], Count]:
    """Counts of one stack of a suite, by guest and workload."""
    return {
        (case.case.guest.name, case.case.workload.spec): count(case)
        for case in checked(name)
        if case.case.stack.name == stack
    }


# What a broadcast costs in each guest: domain facts 1.10, and by hand from 1.6.
# interleaved:130 calls 128, 1, 129, 2, ..., 191, 64, 192: each pair fits a window from
# the lower ID on, the next high ID is 128 above it; so 64 pairs, and 192 alone.
IDS: dict[str, dict[str, Count]] = {
    "dense:80": {
        "x2apic-physical": Count(79, 0),
        "x2apic-cluster": Count(5, 0),
        "shorthand": Count(1, 0),
        "kvm-pv": Count(0, 1),
        "kvm-pv-single": Count(0, 1),
        "kvm-pv-4.19": Count(0, 1),
        "kvm-pv128-v3": Count(0, 1),
        "kvm-pv-cluster128": Count(0, 1),
        "kvm-pv-cluster192": Count(0, 1),
        "hyperv-ipi": Count(0, 1),
        "xen-evtchn": Count(0, 79),
    },
    "ids:5,1,128,0": {
        "x2apic-physical": Count(3, 0),
        "x2apic-cluster": Count(2, 0),
        "shorthand": Count(1, 0),
        "kvm-pv": Count(0, 2),
        "kvm-pv-single": Count(0, 2),
        "kvm-pv-4.19": Count(0, 1, 1),
        "kvm-pv128-v3": Count(0, 1, 1),
        "kvm-pv-cluster128": Count(0, 2),
        "kvm-pv-cluster192": Count(0, 1),
        "hyperv-ipi": Count(0, 1),
        "xen-evtchn": Count(0, 3),
    },
    "dense:288": {
        "x2apic-physical": Count(287, 0),
        "x2apic-cluster": Count(18, 0),
        "shorthand": Count(1, 0),
        "kvm-pv": Count(0, 3),
        "kvm-pv-single": Count(0, 3),
        "kvm-pv-4.19": Count(0, 3),
        "kvm-pv128-v3": Count(0, 1, 160),
        "kvm-pv-cluster128": Count(0, 3),
        "kvm-pv-cluster192": Count(0, 2),
        "hyperv-ipi": Count(0, 1),
        "xen-evtchn": Count(0, 287),
    },
    "sparse:128:2": {
        "x2apic-physical": Count(127, 0),
        "x2apic-cluster": Count(16, 0),
        "shorthand": Count(1, 0),
        "kvm-pv": Count(0, 2),
        "kvm-pv-single": Count(0, 2),
        "kvm-pv-4.19": Count(0, 2),
        "kvm-pv128-v3": Count(0, 1, 64),
        "kvm-pv-cluster128": Count(0, 2),
        "kvm-pv-cluster192": Count(0, 2),
        "hyperv-ipi": Count(0, 1),
        "xen-evtchn": Count(0, 127),
    },
    "interleaved:130": {
        "x2apic-physical": Count(129, 0),
        "x2apic-cluster": Count(10, 0),
        "shorthand": Count(1, 0),
        "kvm-pv": Count(0, 65),
        "kvm-pv-single": Count(0, 65),
        "kvm-pv-4.19": Count(0, 65),
        "kvm-pv128-v3": Count(0, 1, 65),
        "kvm-pv-cluster128": Count(0, 2),
        "kvm-pv-cluster192": Count(0, 2),
        "hyperv-ipi": Count(0, 1),
        "xen-evtchn": Count(0, 129),
    },
    "ids:0,128-255": {
        "x2apic-physical": Count(128, 0),
        "x2apic-cluster": Count(8, 0),
        "shorthand": Count(1, 0),
        "kvm-pv": Count(0, 1),
        "kvm-pv-single": Count(0, 1),
        "kvm-pv-4.19": Count(0, 1),
        "kvm-pv128-v3": Count(0, 1, 128),
        "kvm-pv-cluster128": Count(0, 1),
        "kvm-pv-cluster192": Count(0, 2),
        "hyperv-ipi": Count(0, 1),
        "xen-evtchn": Count(0, 128),
    },
    "ids:0,255-382": {
        "x2apic-physical": Count(128, 0),
        "x2apic-cluster": Count(9, 0),
        "shorthand": Count(1, 0),
        "kvm-pv": Count(0, 1),
        "kvm-pv-single": Count(0, 1),
        "kvm-pv-4.19": Count(0, 1),
        "kvm-pv128-v3": Count(0, 1, 128),
        "kvm-pv-cluster128": Count(0, 2),
        "kvm-pv-cluster192": Count(0, 1),
        "hyperv-ipi": Count(0, 1),
        "xen-evtchn": Count(0, 128),
    },
    "ids:128-0": {
        "x2apic-physical": Count(128, 0),
        "x2apic-cluster": Count(8, 0),
        "shorthand": Count(1, 0),
        "kvm-pv": Count(0, 1),
        "kvm-pv-single": Count(0, 1),
        "kvm-pv-4.19": Count(0, 1),
        "kvm-pv128-v3": Count(0, 1),
        "kvm-pv-cluster128": Count(0, 1),
        "kvm-pv-cluster192": Count(0, 1),
        "hyperv-ipi": Count(0, 1),
        "xen-evtchn": Count(0, 128),
    },
}
# What a broadcast costs where the proposals of 2018 differ: ICR writes of x2apic-cluster,
# then hypercalls of kvm-pv, kvm-pv-cluster128 and kvm-pv-cluster192, and losses of v3.
PROPOSALS: dict[str, tuple[int, int, int, int, int]] = {
    "dense:8": (1, 1, 1, 1, 0),
    "dense:32": (2, 1, 1, 1, 0),
    "dense:128": (8, 1, 1, 1, 0),
    "interleaved:8": (2, 4, 2, 1, 4),
    "interleaved:32": (2, 16, 2, 1, 16),
    "interleaved:128": (8, 64, 2, 1, 64),
    "sparse:8:32": (7, 2, 2, 2, 4),
    "sparse:32:8": (16, 2, 2, 2, 16),
    "sparse:128:8": (64, 8, 8, 6, 112),
    "ids:112-143": (2, 1, 2, 1, 16),
    "ids:176-207": (2, 1, 1, 2, 31),
}
# Writes or calls in dense guests of 8, 32, 128, 512, 1024 and 4096, losses of v3 last.
SCALE: dict[str, list[Count]] = {
    "x2apic-physical": [Count(n, 0) for n in (7, 31, 127, 511, 1023, 4095)],
    "x2apic-cluster": [Count(n, 0) for n in (1, 2, 8, 32, 64, 256)],
    "shorthand": [Count(1, 0)] * 6,
    "kvm-pv": [Count(0, n) for n in (1, 1, 1, 4, 8, 32)],
    "kvm-pv-single": [Count(0, n) for n in (1, 1, 1, 4, 8, 32)],
    "kvm-pv-4.19": [Count(0, n) for n in (1, 1, 1, 4, 8, 32)],
    "kvm-pv128-v3": [Count(0, 1, lost) for lost in (0, 0, 0, 384, 896, 3968)],
    "kvm-pv-cluster128": [Count(0, n) for n in (1, 1, 1, 4, 8, 32)],
    "kvm-pv-cluster192": [Count(0, n) for n in (1, 1, 1, 3, 6, 22)],
    "hyperv-ipi": [Count(0, 1)] * 6,
    "xen-evtchn": [Count(0, n) for n in (7, 31, 127, 511, 1023, 4095)],
}


def over(driver: str, sender: str) -> str:
    """The name of the stack of *sender* over *driver*; a driver is a stack by itself."""
    return sender if sender.startswith("x2apic-") else f"{sender}/{driver}"


@pytest.mark.parametrize("driver", ["x2apic-physical", "x2apic-cluster"])
@pytest.mark.parametrize("guest", IDS)
def test_ids_shows_the_count_of_each_sender(guest: str, driver: str) -> None:
    """Windows depend on the order of APIC IDs, aligned clusters do not."""
    expected = {
        over(driver, sender): count_of_sender for sender, count_of_sender in IDS[guest].items()
    }

    assert expected == {stack: counts("ids", stack)[guest, "broadcast"] for stack in expected}


def test_the_table_covers_all_cases_of_ids() -> None:
    """Each guest and sender of the suite has a row in IDS."""
    pairs = {(case.case.guest.name, case.case.stack.sender.name) for case in checked("ids")}

    assert pairs == {(guest, sender) for guest, row in IDS.items() for sender in row}


@pytest.mark.parametrize("driver", ["x2apic-physical", "x2apic-cluster"])
@pytest.mark.parametrize("guest", PROPOSALS)
def test_proposals_shows_the_count_of_each_sender(guest: str, driver: str) -> None:
    """Patch v3 makes one call and loses the targets from ID 128 on."""
    writes, merged, cluster128, cluster192, lost = PROPOSALS[guest]
    expected = {
        over(driver, "kvm-pv"): Count(0, merged),
        over(driver, "kvm-pv128-v3"): Count(0, 1, lost),
        over(driver, "kvm-pv-cluster128"): Count(0, cluster128),
        over(driver, "kvm-pv-cluster192"): Count(0, cluster192),
        over(driver, "hyperv-ipi"): Count(0, 1),
        "x2apic-cluster": Count(writes, 0),
        "x2apic-physical": Count(len(parse_guest(guest).apic_ids) - 1, 0),
    }

    assert expected == {
        stack: counts("proposals", stack)[guest, "broadcast"] for stack in expected
    }


def test_the_table_covers_all_guests_of_proposals() -> None:
    """Each has a row in PROPOSALS."""
    assert {case.case.guest.name for case in checked("proposals")} == PROPOSALS.keys()


@pytest.mark.parametrize("driver", ["x2apic-physical", "x2apic-cluster"])
@pytest.mark.parametrize("sender", SCALE)
def test_scale_shows_counts_up_to_the_largest_guest_of_kvm(sender: str, driver: str) -> None:
    """KVM_MAX_VCPUS is 4096; patch v3 loses all targets from ID 128 on."""
    guests = [f"dense:{n}" for n in (8, 32, 128, 512, 1024, 4096)]
    sent_counts = counts("scale", over(driver, sender))

    assert {
        (g, "broadcast"): c for g, c in zip(guests, SCALE[sender], strict=True)
    } == sent_counts


@pytest.mark.parametrize(
    ("stack", "spread", "expected"),
    [
        pytest.param(
            "x2apic-physical",
            "packed",
            [Count(n, 0) for n in (1, 2, 4, 8, 16, 32, 64, 1)],
            id="physical-one-each",
        ),
        pytest.param(
            "x2apic-cluster",
            "packed",
            [Count(n, 0) for n in (1, 1, 1, 1, 1, 2, 4, 1)],
            id="cluster-packed",
        ),
        pytest.param(
            "x2apic-cluster",
            "spread",
            [Count(n, 0) for n in (1, 2, 4, 5, 5, 5, 5, 1)],
            id="cluster-spread",
        ),
        pytest.param(
            "kvm-pv/x2apic-cluster",
            "packed",
            [Count(1, 0), *[Count(0, 1)] * 6, Count(1, 0)],
            id="kvm-pv-unicast-stays-native",
        ),
        pytest.param(
            "kvm-pv/x2apic-physical",
            "random-1",
            [Count(1, 0), *[Count(0, 1)] * 6, Count(1, 0)],
            id="one-window-of-80-for-any-targets",
        ),
    ],
)
def test_fanout_covers_the_counts_where_senders_cross(
    stack: str, spread: str, expected: list[Count]
) -> None:
    """Counts differ from 2 to 64 targets; one is a unicast, and 79 are a broadcast."""
    count_of = counts("fanout", stack)

    assert expected == [
        count_of["dense:80", f"fanout:{k}:{spread}"] for k in (1, 2, 4, 8, 16, 32, 64, 79)
    ]


def test_fanout_varies_only_the_number_of_targets_along_a_line() -> None:
    """A crossover needs one line of 1 to 79 targets for each stack and spread."""
    lines: dict[tuple[str, str], list[Any]] = {}
    for case in checked("fanout"):
        facts = schema.case_facts(case.case)
        assert (facts["family"], facts["parameter"]) == ("fanout", "targets")
        line = str(facts["stack"]), str(facts["variant"])
        lines.setdefault(line, []).append(facts["parameter_value"])

    assert set(map(tuple, lines.values())) == {(1, 2, 4, 8, 16, 32, 64, 79)}
    assert {variant for _, variant in lines} == {"packed", "spread", "random-1"}
    assert len(lines) == 3 * len({stack for stack, _ in lines})


@pytest.mark.parametrize("mesh", ["disjoint", "ring"])
@pytest.mark.parametrize(
    ("stack", "expected"),
    [
        pytest.param("xapic-physical", [Count(n, 0) for n in (1, 4, 16, 32)], id="xapic"),
        pytest.param("x2apic-cluster", [Count(n, 0) for n in (1, 4, 16, 32)], id="x2apic"),
        pytest.param(
            "kvm-pv/x2apic-physical",
            [Count(n, 0) for n in (1, 4, 16, 32)],
            id="kvm-pv-does-not-hook-unicast",
        ),
        pytest.param(
            "hyperv-ipi/x2apic-physical",
            [Count(0, n) for n in (1, 4, 16, 32)],
            id="hyperv-hooks-unicast",
        ),
        pytest.param(
            "xen-evtchn/x2apic-physical",
            [Count(0, n) for n in (1, 4, 16, 32)],
            id="xen-hooks-unicast",
        ),
    ],
)
def test_pairs_sends_one_unicast_per_source(
    stack: str, mesh: str, expected: list[Count]
) -> None:
    """A guest of 64 CPUs has at most 32 disjoint pairs."""
    count_of = counts("pairs", stack)

    assert expected == [count_of["dense:64", f"pairs:{n}:{mesh}"] for n in (1, 4, 16, 32)]


@pytest.mark.parametrize(
    ("stack", "per_source"),
    [
        pytest.param("x2apic-physical", Count(1, 0), id="physical"),
        pytest.param("x2apic-cluster", Count(1, 0), id="cluster"),
        pytest.param("kvm-pv/x2apic-cluster", Count(1, 0), id="kvm-pv-by-shorthand"),
        pytest.param("hyperv-ipi/x2apic-cluster", Count(0, 1), id="hyperv"),
        pytest.param("xen-evtchn/x2apic-cluster", Count(0, 63), id="xen"),
    ],
)
def test_in_shootdown_each_source_reaches_all_other_cpus(stack: str, per_source: Count) -> None:
    """The static counts do not include calls that find one queued already."""
    sent_counts = counts("shootdown", stack)

    assert sent_counts == {
        ("dense:64", f"shootdown:{n}:all"): Count(n * per_source.writes, n * per_source.calls)
        for n in (1, 2, 4, 8, 16)
    }
