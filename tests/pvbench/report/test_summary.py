"""The document of a run: a table of stacks by workloads, one for each guest."""

from __future__ import annotations

import attrs

from support.runs import row_of
from support.summaries import DRY, NATIVE, PHYSICAL, PV, printed_summary


def test_the_table_has_a_row_for_each_stack_and_a_column_for_each_workload() -> None:
    """They are in the order of the file; a stack without such a time has a dash."""
    assert printed_summary(DRY, NATIVE, PV, style="csv").splitlines() == [
        "stack,dry-run,broadcast",
        "x2apic-physical,2.4e-08,0.000198",
        "kvm-pv/x2apic-physical,-,7.69e-05",
    ]


def test_each_variant_of_a_family_has_a_table_and_a_heading_of_its_own() -> None:
    """Their workloads have equal names and different times."""
    packed, spread = (
        attrs.evolve(
            row_of("8", PHYSICAL, seconds, suite="fanout", family="fanout", variant=variant),
            name=f"fanout.8 {variant}",
        )
        for variant, seconds in (("packed", 20e-6), ("spread", 30e-6))
    )
    text = printed_summary(packed, spread)
    headings = [line for line in text.splitlines() if line.startswith("fanout on ")]

    assert [heading.rpartition(", ")[2] for heading in headings] == [
        "fanout packed",
        "fanout spread",
    ]
    assert ("20.0 us" in text, "30.0 us" in text) == (True, True)
    assert printed_summary(packed, spread, style="csv").splitlines() == [
        "variant,stack,8",
        "packed,x2apic-physical,2e-05",
        "spread,x2apic-physical,3e-05",
    ]


def test_another_series_can_be_shown() -> None:
    """The table has the send time of each case instead of the wall time."""
    send = row_of("broadcast", PHYSICAL, 190e-6, series="send")

    assert printed_summary(NATIVE, send, style="csv", series="send").splitlines() == [
        "stack,broadcast",
        "x2apic-physical,0.00019",
    ]


def test_the_line_above_a_table_names_its_statistic() -> None:
    """The median of the bursts in a boot, unless another one is asked for."""
    row = row_of("broadcast", PHYSICAL, 190e-6, maximum_s=250e-6)

    assert "\nmedian wall time of one burst, modelled" in printed_summary(row)
    assert "\nmaximum wall time of one burst, modelled" in printed_summary(row, statistic="max")
    assert "250 us" in printed_summary(row, statistic="max")


def test_the_heading_states_that_a_modelled_time_was_not_measured() -> None:
    """A modelled time must never pass for a measured one."""
    heading = " ".join(printed_summary(NATIVE).split("\n\n")[:2])

    assert "norov on dense:80" in heading
    assert "targets halted" in heading
    assert "wall" in heading
    assert "modelled by cost profile skylake-2018, not measured" in heading
    assert "1 boot" in heading


def test_a_file_without_a_cost_profile_names_none() -> None:
    """Its times are modelled all the same."""
    facts = {name: value for name, value in NATIVE.facts.items() if name != "costs"}
    row = attrs.evolve(NATIVE, facts=facts)
    heading = " ".join(printed_summary(row).split("\n\n")[:2])

    assert "modelled, not measured" in heading
    assert "None" not in heading


def test_a_measured_time_names_its_clock() -> None:
    """Times of different clocks cannot be ranked."""
    row = row_of("broadcast", PHYSICAL, 1e-6, 2e-6, clock="tsc", delivery="kvm")

    assert "measured by kvm at local, clock tsc" in printed_summary(row)
    assert "2 boots" in printed_summary(row)


def test_the_time_of_an_emulator_is_called_a_path_length() -> None:
    """It is neither measured nor modelled."""
    clock = {"clock": "icount", "exactness": "near-exact", "site": "lab:6.1", "delivery": "kvm"}
    printed = printed_summary(row_of("broadcast", PHYSICAL, 1e-6, 2e-6, **clock))

    assert "\nmedian wall path length of one burst, emulated by kvm at lab:6.1" in printed


def test_times_that_say_nothing_are_not_printed() -> None:
    """The counts are, and the kind of the clock."""
    clock = {"clock": "tsc", "exactness": "none", "site": "lab:6.1", "delivery": "kvm"}
    printed = printed_summary(row_of("broadcast", PHYSICAL, 1e-6, 2e-6, **clock))

    assert "counts, emulated by kvm at lab:6.1, clock tsc; its times say nothing" in printed
    assert "ICR writes (w) and hypercalls (h)" in printed
    assert " us" not in printed


def test_counts_are_printed_below_the_times() -> None:
    """They are counts of one iteration; a workload that sends nothing has no column."""
    counts = printed_summary(DRY, NATIVE, PV).split("\n\n")[4].splitlines()

    assert [line.split() for line in counts] == [
        ["stack", "broadcast"],
        ["----------------------", "---------"],
        ["x2apic-physical", "79w"],
        ["kvm-pv/x2apic-physical", "1h"],
    ]


def test_exits_stand_beside_what_causes_them() -> None:
    """None under AVIC; a case of which they are unknown says so."""
    rows = [
        row_of("broadcast", "xapic-flat", 1e-6, exits=0.0, icr_writes=8.0),
        row_of("broadcast", PHYSICAL, 1e-6),
    ]
    title, counts = printed_summary(*rows).split("\n\n")[3:5]

    assert title == "ICR writes (w), hypercalls (h) and exits (x) of a burst of each source:"
    assert [line.split()[1:] for line in counts.splitlines()[2:]] == [
        ["8w", "0x"],
        ["79w", "?x"],
    ]


COUNTS = "ICR writes (w) and hypercalls (h)"


def test_there_is_no_table_of_counts_if_nothing_is_sent() -> None:
    """The table would be empty."""
    assert (COUNTS in printed_summary(DRY), COUNTS in printed_summary(DRY, NATIVE)) == (
        False,
        True,
    )


def test_unknown_counts_are_not_zero() -> None:
    """A published file has no counts, so there is no table of them."""
    row = row_of("broadcast", PHYSICAL, 1e-6, icr_writes=None, hypercalls=None)

    assert (COUNTS in printed_summary(row), COUNTS in printed_summary(row, PV)) == (False, True)


def test_each_guest_has_its_own_table() -> None:
    """Times of different guests are not comparable in a row."""
    small = row_of("broadcast", PHYSICAL, 9e-6, guest="dense:8", apic_ids="0-7", vcpus=8)

    assert printed_summary(NATIVE, small).count(COUNTS) == 2


def test_a_csv_of_several_guests_has_a_column_of_guests() -> None:
    """Otherwise two tables with the same headers would look alike."""
    small = row_of("broadcast", PHYSICAL, 9e-6, guest="dense:8", apic_ids="0-7", vcpus=8)
    text = printed_summary(NATIVE, small, style="csv")

    assert ["dense:80" in text, "dense:8" in text.replace("dense:80", "")] == [True, True]
