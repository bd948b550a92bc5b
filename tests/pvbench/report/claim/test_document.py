"""The report of a claim: its answer, its numbers, its limits and its origin."""

from __future__ import annotations

from typing import Any

import attrs
import pytest

from pvbench.compare.outcomes import Outcome
from pvbench.results.provenance import Provenance
from pvbench.results.rows import Row
from support.claims import SHA256, claim_json, claim_text
from support.runs import row_of

PHYSICAL, PV = "x2apic-physical", "kvm-pv/x2apic-physical"
NATIVE = row_of("broadcast", PHYSICAL, 200e-6)
FASTER = row_of("broadcast", PV, 80e-6, icr_writes=0.0, hypercalls=1.0)
UNICAST = row_of("normal-ipi", PHYSICAL, 2e-6, targets=1, icr_writes=1.0)
SLOWER = row_of("normal-ipi", PV, 3e-6, targets=1, icr_writes=1.0)
HOST = {
    "host_cpu_model": "Xeon",
    "host_kernel_release": "6.12.1",
    "host_kvm.halt_poll_ns": "200000",
    "host_kvm.nx_huge_pages": "N",
    "host_governor": "unknown",
    "cpu_list": "2,3",
    "exits": 3.0,
}


def measured(stack: str, *boots_s: float, **facts: object) -> Row:
    """A row of the kvm delivery whose boots are numbered."""
    chosen = {"delivery": "kvm", "costs": "measured", "clock": "tsc"} | HOST | facts
    row = row_of("broadcast", stack, *boots_s, **chosen)
    return attrs.evolve(row, boots=tuple(range(1, len(boots_s) + 1)))


MEASURED = [
    measured(PHYSICAL, *(200e-6 + 1e-8 * number for number in range(10))),
    measured(PV, *(100e-6 + 1e-8 * number for number in range(10))),
]


@pytest.mark.parametrize(
    ("rows", "beginning"),
    [
        pytest.param([NATIVE, FASTER], "Modelled, not measured: compared with", id="model"),
        pytest.param(
            [
                attrs.evolve(row, facts=row.facts | {"exactness": "near-exact"})
                for row in MEASURED
            ],
            "Emulated, not measured: compared with",
            id="emulator",
        ),
        pytest.param(MEASURED, "Measured: compared with", id="kvm"),
        pytest.param([NATIVE], "Modelled, not measured: no two cases", id="one-sender"),
    ],
)
def test_the_first_words_say_how_the_times_are_known(rows: list[Row], beginning: str) -> None:
    """A modelled number is never mistaken for a measured one."""
    assert claim_text(rows, by="sender").startswith(beginning)


@pytest.mark.parametrize(
    ("files", "by", "reason"),
    [
        pytest.param(
            [[NATIVE, UNICAST]],
            "sender",
            "The file has one sender; name a second file, or run two senders.",
            id="one-sender",
        ),
        pytest.param(
            [[NATIVE, SLOWER]],
            "sender",
            "No two cases differ only in the sender.",
            id="other-cases",
        ),
        pytest.param(
            [[NATIVE], [UNICAST]],
            "sender",
            "No two cases differ only in the sender.",
            id="two-files-of-one-sender",
        ),
        pytest.param(
            [[NATIVE, FASTER]], "guest", "No two cases differ only in the guest.", id="guest"
        ),
        pytest.param(
            [[NATIVE], [SLOWER]], None, "The files have no case in common.", id="files"
        ),
    ],
)
def test_a_claim_without_pairs_gives_the_reason(
    files: list[list[Row]], by: str | None, reason: str
) -> None:
    """It names no sides then."""
    document = claim_json(*files, by=by)

    assert document["paragraphs"][0] == (
        f"Modelled, not measured: no two cases can be compared. {reason}"
    )
    assert not any(line.startswith("The sides differ") for line in document["sides"])


def test_the_answer_has_the_ratio_the_times_and_the_boots() -> None:
    """It comes before anything else."""
    first = claim_text([NATIVE, FASTER], by="sender").splitlines()[0]

    assert first == (
        "Modelled, not measured: compared with x2apic-physical, kvm-pv/x2apic-physical is "
        "faster in 1 of 1 case; 2.5 times as fast in broadcast (200 us to 80.0 us, exact, "
        "1 boot)."
    )


def test_the_answer_of_several_cases_counts_verdicts_and_names_the_largest_change() -> None:
    """Changes come first."""
    first = claim_text([NATIVE, UNICAST, FASTER, SLOWER], by="sender").splitlines()[0]

    assert "is slower in 1 of 2 cases, faster in 1; the largest change is 2.5 times" in first


def test_the_interval_of_a_measured_ratio_is_in_the_answer_and_in_the_table() -> None:
    """Both are those of the verdict."""
    text = claim_text(MEASURED, by="sender")
    (case,) = claim_json(MEASURED, by="sender")["cases"]
    low, high = case["interval"]

    assert f"95 % interval {low:.3g} to {high:.3g}, 10 boots" in text.splitlines()[0]
    assert f"[{low:.3f}, {high:.3f}]" in text
    assert low < case["ratio"] < high


def test_the_spread_of_the_boots_is_in_brackets() -> None:
    """It is the coefficient of variation; exact times have none."""
    boots = measured(PHYSICAL, 90e-6, 100e-6, 110e-6), measured(PV, 90e-6, 100e-6, 110e-6)
    (case,) = claim_json(boots, by="sender")["cases"]

    assert "100 us (10.0 %)" in claim_text(boots, by="sender")
    assert case["base_cv"] == pytest.approx(0.1)
    assert "(0" not in claim_text([NATIVE, FASTER], by="sender")


def test_the_head_of_the_numbers_is_that_of_scheduler_patches() -> None:
    """Test, Units, Interpretation and Statistic stand in lines of their own."""
    lines = claim_text([NATIVE, FASTER], by="sender").splitlines()
    place = lines.index("Test: norov")

    assert lines[place + 1 : place + 4] == [
        "Units: wall time of one burst",
        "Interpretation: Lower is better; the ratio is base divided by new.",
        "Statistic: median of a boot. Base and new are medians of the boots.",
    ]


def test_path_lengths_of_senders_have_no_ratio() -> None:
    """Only their counts are compared."""
    rows = [attrs.evolve(r, facts=r.facts | {"exactness": "near-exact"}) for r in MEASURED]
    rows[1] = attrs.evolve(
        rows[1], facts=rows[1].facts | {"icr_writes": 0.0, "hypercalls": 1.0}
    )
    document = claim_json(rows, by="sender")

    assert "has other counts in 1 of 1 case (broadcast: 79w -> 1h)" in document["paragraphs"][0]
    assert [case["ratio"] for case in document["cases"]] == [None]


def test_a_longer_path_of_another_site_is_not_called_slower() -> None:
    """Two kernels are compared by the path lengths of one sender."""
    facts = {"exactness": "near-exact", "site": "lab:6.1"}
    before = attrs.evolve(MEASURED[1], facts=MEASURED[1].facts | facts)
    after = attrs.evolve(
        before,
        facts=before.facts | {"site": "lab:6.12"},
        boots_s=tuple(2 * boot_s for boot_s in before.boots_s),
    )

    assert "longer in 1 of 1 case; 2.000 times as long" in claim_text([before], [after])


def test_the_setting_has_the_parameters_of_kvm_that_matter() -> None:
    """Unknown facts are left out."""
    setting = claim_json(MEASURED, by="sender")["setting"]

    assert setting["Machine"] == "Xeon"
    assert setting["Host kernel"] == "6.12.1"
    assert setting["Place"] == "delivery kvm, site local"
    assert setting["KVM"] == "kvm.halt_poll_ns=200000"
    assert setting["Pinning"] == "host CPUs of the vCPUs: 2,3"


@pytest.mark.parametrize(
    ("host_cpus", "pinning"),
    [
        pytest.param(80, None, id="one-per-vcpu"),
        pytest.param(40, "host CPUs of the model: 40", id="shared"),
    ],
)
def test_the_model_states_its_host_cpus_only_if_vcpus_share_them(
    host_cpus: int, pinning: str | None
) -> None:
    """The model pins nothing."""
    row = row_of("broadcast", PHYSICAL, 200e-6, host_cpus=host_cpus)

    assert claim_json([row], by="sender")["setting"].get("Pinning") == pinning


def test_the_number_of_real_host_cpus_that_vcpus_share_is_in_the_setting() -> None:
    """It stands beside their list."""
    setting = claim_json([measured(PHYSICAL, 2e-6, host_cpus=2)], by="sender")["setting"]

    assert setting["Pinning"] == "host CPUs of the vCPUs: 2,3, 2 host CPUs"


def test_cases_that_are_not_better_are_listed_with_their_change() -> None:
    """Costs of a change are part of the claim."""
    document = claim_json([NATIVE, UNICAST, FASTER, SLOWER], by="sender")

    assert document["not_better"] == ["slower: normal-ipi (50.0 % more)"]


def test_what_no_file_tells_is_not_tested() -> None:
    """A model is no hardware, and bursts are no application."""
    assert claim_json([NATIVE, FASTER], by="sender")["not_tested"] == [
        "real hardware: all times follow from a cost profile",
        "targets that are running or polling",
        "APIC mode xapic",
        "full broadcasts by shorthand",
        "whether an application is faster: only bursts of IPIs are timed",
    ]
    assert "processors other than Xeon" in claim_json(MEASURED, by="sender")["not_tested"]


def test_cases_that_are_worse_than_slow_are_listed() -> None:
    """A case that loses IPIs has no time, but it is in the report."""
    lossy = row_of("broadcast", PV, 1e-6, lost=3)
    outcomes = {"1.json": {"norov.late": Outcome("void", "counts differ")}}
    text = claim_text([NATIVE, lossy], by="sender", outcomes=outcomes)

    assert "loses 3 of 79 IPIs" in text
    assert "void: counts differ" in text


def test_cases_without_a_result_are_listed_by_reason() -> None:
    """The journal has them."""
    entries = [{"case": "norov.x", "outcome": "unsupported", "reason": "no x2APIC"}]
    source = Provenance(name="1.json", sha256=SHA256, entries=entries)
    document = claim_json([NATIVE, FASTER], by="sender", sources=[source])

    assert document["without_result"] == ["unsupported: norov.x: no x2APIC"]


@pytest.mark.parametrize(
    ("files", "by", "sentence"),
    [
        pytest.param([[NATIVE, FASTER]], "sender", "The clock is exact", id="exact"),
        pytest.param([MEASURED], "sender", "The sides took turns", id="one-boot"),
        pytest.param(
            [MEASURED[:1], MEASURED[:1]], None, "The sides were not interleaved", id="two-runs"
        ),
    ],
)
def test_a_report_says_whether_the_sides_took_turns(
    files: list[list[Row]], by: str | None, sentence: str
) -> None:
    """Load and temperature drift between runs."""
    assert any(line.startswith(sentence) for line in claim_json(*files, by=by)["sides"])


def test_a_report_says_what_differs_between_files() -> None:
    """Another version of the software may be the reason for a difference."""
    after = row_of("broadcast", PHYSICAL, 100e-6, version="0.2.0")

    assert "differs: version: 0.1.0 | 0.2.0" in claim_json([NATIVE], [after])["sides"]
    assert claim_json([NATIVE], [NATIVE])["sides"][0].startswith("The files do not differ")


def test_a_report_has_command_seed_versions_and_hash() -> None:
    """They are what a reader needs to repeat it."""
    entries: list[dict[str, Any]] = [
        {"plan": {"seed": 7}},
        {"command": ["run", "norov", "-k", "not lock"]},
    ]
    source = Provenance(name="1.json", sha256=SHA256, entries=entries)
    text = claim_text([NATIVE, FASTER], by="sender", sources=[source])

    assert f"1.json: SHA-256 {SHA256}\nseed: 7" in text
    assert "pvbench run norov -k 'not lock'" in text
    assert "version: 0.1.0\nsender plugin: pvbench 0.1.0" in text


def test_a_file_without_a_journal_tells_no_command() -> None:
    """A guess would be worse."""
    assert "No journal beside the file" in claim_text([NATIVE, FASTER], by="sender")


def test_hostile_text_of_a_file_moves_no_cursor() -> None:
    """Facts come from files of other people."""
    rows = [attrs.evolve(r, facts=r.facts | {"guest": "a\x1b[2Jb"}) for r in (NATIVE, FASTER)]

    assert "\x1b" not in claim_text(rows, by="sender")


def test_a_side_that_loses_ipis_elsewhere_says_so_in_the_answer() -> None:
    """A ratio of the other cases alone would mislead."""
    lossy = row_of("broadcast-lock", PV, 1e-6, lost=3)
    document = claim_json([NATIVE, FASTER, lossy], by="sender")

    assert document["paragraphs"][1] == (
        "kvm-pv/x2apic-physical loses IPIs in 1 other case, which has no time."
    )
    assert document["answers"][0]["cases"] == {"faster": 1, "loses": 1}


def test_many_sides_are_a_list_below_one_sentence() -> None:
    """Nobody reads twenty sentences."""
    rows = [
        NATIVE,
        *(row_of("broadcast", f"s{n}/x2apic-physical", 1e-6 * n) for n in range(1, 7)),
    ]
    lossy = row_of("broadcast-lock", "s1/x2apic-physical", 1e-6, lost=3)
    text = claim_text([*rows, lossy], by="sender")

    assert text.startswith(
        "Modelled, not measured: 6 sides are compared with their baselines in 1 case; the "
        "largest change is 200 times as fast, of s1/x2apic-physical against x2apic-physical"
    )
    assert "1 side of this comparison loses IPIs in other cases" in text
    assert "1 faster, 1 with lost IPIs" in text
    assert "Compared with" not in text


def test_many_sides_of_an_emulator_are_listed_by_their_counts() -> None:
    """Path lengths rank no senders, so there is no verdict to count."""
    facts = {"exactness": "near-exact", "clock": "icount", "delivery": "kvm"}
    rows = [
        row_of("broadcast", stack, 1e-6, icr_writes=writes, **facts)
        for stack, writes in [(PHYSICAL, 79.0), *((f"s{n}/{PHYSICAL}", 1.0) for n in range(5))]
    ]
    text = claim_text(rows, by="sender")

    assert "- s0/x2apic-physical against x2apic-physical: 1 with other counts" in text
    assert "an emulator's times rank no senders." in text.splitlines()[0]
