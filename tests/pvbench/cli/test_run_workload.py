"""`pvbench run --workload`: families with values, those no guest can have included."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.runs import Cli, journal_of


def run(cli: Cli, workloads: str, *options: str) -> tuple[int, str]:
    """Exit status and standard error of a short run of *workloads*."""
    choice = ("--workload", workloads, "--sender", "x2apic-physical", "-o", "a.json")
    output = cli("run", "norov", "--fast", "-q", *choice, *options)
    return output.status, output.err


@pytest.mark.parametrize(
    ("workload", "sentence"),
    [
        pytest.param(
            "fanout:x",
            "targets of fanout is 'x', not a number. Use fanout:TARGETS:SPREAD.",
            id="fanout-to-x",
        ),
        pytest.param(
            "fanout:-1",
            "targets of fanout is '-1', not a number. Use fanout:TARGETS:SPREAD.",
            id="fanout-to-less-than-nobody",
        ),
        pytest.param(
            "fanout:0",
            "fanout to 0 targets sends no IPI. Use at least fanout:1.",
            id="fanout-to-nobody",
        ),
        pytest.param(
            "fanout:2:nowhere",
            "unknown spread 'nowhere' of fanout. Use packed, spread or random-SEED.",
            id="no-such-spread",
        ),
        pytest.param(
            "fanout:999:nowhere",
            "unknown spread 'nowhere' of fanout. Use packed, spread or random-SEED.",
            id="no-such-spread-in-any-guest",
        ),
        pytest.param(
            "fanout:2:",
            "unknown spread '' of fanout. Use packed, spread or random-SEED.",
            id="empty-spread",
        ),
        pytest.param(
            "fanout:2:random-",
            "unknown spread 'random-' of fanout. Use packed, spread or random-SEED.",
            id="random-without-a-seed",
        ),
        pytest.param(
            "fanout:2:random-\u00b2",
            "unknown spread 'random-\u00b2' of fanout. Use packed, spread or random-SEED.",
            id="superscript-seed",
        ),
        pytest.param(
            "fanout:2:random-\u0663",
            "unknown spread 'random-\u0663' of fanout. Use packed, spread or random-SEED.",
            id="arabic-seed",
        ),
        pytest.param(
            "fanout:1:packed:9",
            "'fanout:1:packed:9' has too many parameters. Use fanout:TARGETS:SPREAD.",
            id="fanout-with-too-many",
        ),
        pytest.param("pairs:0", "0 pairs send no IPI. Use at least pairs:1.", id="no-pairs"),
        pytest.param(
            "pairs:2:circle",
            "unknown mesh 'circle' of pairs. Use disjoint or ring.",
            id="no-such-mesh",
        ),
        pytest.param(
            "pairs:999:circle",
            "unknown mesh 'circle' of pairs. Use disjoint or ring.",
            id="no-such-mesh-in-any-guest",
        ),
        pytest.param(
            "shootdown:9:4",
            "9 sources need an address space that runs on at least 9 CPUs, not 4.",
            id="more-sources-than-threads",
        ),
        pytest.param(
            "shootdown:999:4",
            "999 sources need an address space that runs on at least 999 CPUs, not 4.",
            id="more-sources-than-threads-in-any-guest",
        ),
        pytest.param(
            "shootdown:1:1",
            "1 sources among 1 CPUs send no IPI. Use at least shootdown:1:2.",
            id="one-thread",
        ),
        pytest.param(
            "shootdown:0",
            "0 sources among 80 CPUs send no IPI. Use at least shootdown:1:2.",
            id="no-source",
        ),
        pytest.param(
            "shootdown:1:\u00b2",
            "an address space cannot run on '\u00b2' CPUs. Use a number, or all.",
            id="superscript-threads",
        ),
        pytest.param(
            "shootdown:1:\u0663",
            "an address space cannot run on '\u0663' CPUs. Use a number, or all.",
            id="arabic-threads",
        ),
        pytest.param(
            "norov:3",
            "there is no workload called 'norov'. `pvbench list workloads` shows all.",
            id="a-suite-is-no-workload",
        ),
        pytest.param(
            "broadcast:2",
            "'broadcast:2' has too many parameters. Use broadcast.",
            id="no-family",
        ),
        pytest.param(
            "fanout:4:packed,fanout:x",
            "targets of fanout is 'x', not a number. Use fanout:TARGETS:SPREAD.",
            id="the-second-of-two",
        ),
    ],
)
def test_a_wrong_value_is_one_sentence_and_status_2(
    cli: Cli, workload: str, sentence: str
) -> None:
    """No guest can have it, so the user's words are wrong, whatever the guest."""
    status, err = run(cli, workload)

    assert (2, f"pvbench: --workload: {sentence.rstrip('.')}") == (status, err.rstrip(".\n"))


@pytest.mark.parametrize(
    ("workload", "vcpus", "reason"),
    [
        pytest.param("normal-ipi", 1, "normal-ipi needs 2 CPUs", id="normal-ipi"),
        pytest.param("fanout:8", 8, "fanout:8 needs 9 CPUs", id="fanout"),
        pytest.param("pairs:3", 5, "pairs:3:disjoint needs 6 CPUs", id="disjoint-pairs"),
        pytest.param("pairs:6:ring", 5, "pairs:6:ring needs 6 CPUs", id="ring"),
        pytest.param("pairs:1:ring", 1, "pairs:1:ring needs 2 CPUs", id="ring-of-one"),
        pytest.param("shootdown:1:9", 8, "shootdown:1:9 needs 9 CPUs", id="threads"),
        pytest.param("shootdown:9", 8, "shootdown:9:all needs 9 CPUs", id="sources"),
        pytest.param("shootdown:1", 1, "shootdown:1:all needs 2 CPUs", id="alone"),
    ],
)
def test_a_guest_that_is_only_too_small_makes_the_case_unsupported(
    cli: Cli, workload: str, vcpus: int, reason: str
) -> None:
    """A larger guest could: the case has a reason, the others run."""
    status, _ = run(cli, f"{workload},self-ipi", "--vcpus", str(vcpus))
    (case,) = [entry for entry in journal_of(Path("a.json")) if "case" in entry]

    assert (0, "unsupported", reason) == (status, case["outcome"], case["reason"])


@pytest.mark.parametrize(
    ("workload", "vcpus"),
    [
        pytest.param("normal-ipi", 2, id="normal-ipi"),
        pytest.param("fanout:8", 9, id="fanout"),
        pytest.param("pairs:3", 6, id="disjoint-pairs"),
        pytest.param("pairs:6:ring", 6, id="ring"),
        pytest.param("shootdown:9:9", 9, id="shootdown"),
    ],
)
def test_the_smallest_guest_that_is_large_enough_runs_it(
    cli: Cli, workload: str, vcpus: int
) -> None:
    """The test takes the other side of each boundary."""
    status, _ = run(cli, workload, "--vcpus", str(vcpus))
    refused = [entry for entry in journal_of(Path("a.json")) if "case" in entry]

    assert (status, refused) == (0, [])
