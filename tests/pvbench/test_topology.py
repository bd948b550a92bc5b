"""Guests and their APIC IDs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pvbench.errors import UsageError
from pvbench.guest import Guest, HostIds
from pvbench.topology import apic_ids, host, parse_guest
from support.helpers import guest_of


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        pytest.param("3", (0, 1, 2), id="a-number-is-dense"),
        pytest.param("dense:3", (0, 1, 2), id="dense"),
        pytest.param("sockets:1x2x2", (0, 1, 2, 3), id="sockets-without-padding"),
        pytest.param("sockets:2x3x1", (0, 1, 2, 4, 5, 6), id="three-cores-padded-to-four"),
        pytest.param(
            "sockets:2x3x2",
            (0, 1, 2, 3, 4, 5, 8, 9, 10, 11, 12, 13),
            id="threads-below-padded-cores",
        ),
        pytest.param("sockets:2x1x3", (0, 1, 2, 4, 5, 6), id="three-threads-padded-to-four"),
        pytest.param("sparse:3:4", (0, 4, 8), id="sparse"),
        pytest.param("interleaved:1", (0,), id="interleaved-one"),
        pytest.param("interleaved:5", (0, 128, 1, 129, 2), id="interleaved-odd"),
        pytest.param("ids:1,128,0", (1, 128, 0), id="explicit-keeps-the-order"),
        pytest.param("ids:0-2,128-130", (0, 1, 2, 128, 129, 130), id="explicit-ranges"),
        pytest.param("ids:2-0, 7", (2, 1, 0, 7), id="explicit-descending-and-blanks"),
    ],
)
def test_a_specification_gives_apic_ids_in_cpu_number_order(
    spec: str, expected: tuple[int, ...]
) -> None:
    """The tuple maps CPU numbers to APIC IDs."""
    assert expected == apic_ids(spec)


@pytest.mark.parametrize(
    ("count", "expected"),
    [
        pytest.param(256, 128, id="128-low-ids-fit-below-128"),
        pytest.param(258, 256, id="129-low-ids-need-256"),
    ],
)
def test_interleaved_high_ids_start_above_the_low_ones(count: int, expected: int) -> None:
    """The high half starts at a power of two that the low half cannot reach."""
    assert expected == apic_ids(f"interleaved:{count}")[1]


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        pytest.param("", r"'' is not a topology\. Use one of: N, dense:N,", id="empty"),
        pytest.param("dense:\u0663", "'dense:\u0663' is not a topology", id="arabic-digit"),
        pytest.param("dense:" + "9" * 5000, "is not a topology", id="endless-number"),
        pytest.param("ids:" + "9" * 5000, "is not an APIC ID", id="endless-id"),
        pytest.param("dense:x", r"'dense:x' is not a topology", id="no-number"),
        pytest.param("round:8", r"'round:8' is not a topology", id="unknown-form"),
        pytest.param("0", r"invalid guest '0': a guest has 1 to 65536 CPUs", id="none"),
        pytest.param("dense:65537", r"a guest has 1 to 65536 CPUs", id="too-many"),
        pytest.param("sockets:2x0x2", r"a guest has 1 to 65536 CPUs", id="no-cores"),
        pytest.param("sockets:999999x999999x9", r"1 to 65536 CPUs", id="huge-product"),
        pytest.param("sparse:4:0", r"a step of 0 gives every CPU the same", id="step-0"),
        pytest.param("ids:1,1", r"APIC ID 1 is given to two CPUs", id="twice"),
        pytest.param("ids:", r"'' is not an APIC ID\. Use numbers and ranges", id="no-ids"),
        pytest.param("ids:1,\n2", r"'\\n2' is not an APIC ID", id="line-end"),
        pytest.param("ids:1,\u00a02", "is not an APIC ID", id="blank-of-another-kind"),
        pytest.param("ids:1,a", r"'a' is not an APIC ID", id="not-a-number"),
        pytest.param("ids:-1", r"'-1' is not an APIC ID", id="negative"),
        pytest.param("ids:0-70000", r"has more than 65536 of them", id="huge-range"),
        pytest.param("ids:70000-0", r"has more than 65536 of them", id="huge-descending-range"),
        pytest.param("ids:1-0" + ",0-65534" * 999, r"than 65536 of them", id="many-ranges"),
        pytest.param("ids:0-65534,65534", r"APIC ID 65534 is given to two", id="last-twice"),
        pytest.param(
            "ids:4294967295", r"outside 0\.\.0xfffffffe: .*means broadcast", id="broadcast"
        ),
    ],
)
def test_an_invalid_topology_is_refused_with_the_reason(spec: str, message: str) -> None:
    """The refusal comes before any data of that size is built."""
    with pytest.raises(UsageError, match=message):
        parse_guest(spec)


def test_a_parsed_guest_is_named_as_written() -> None:
    """A number alone means dense."""
    expected = Guest(name="dense:4", apic_ids=(0, 1, 2, 3), host_cpus=2, bits=32)

    assert expected == parse_guest("4", host_cpus=2, bits=32)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        pytest.param({"apic_ids": ()}, r"1 to 65536 CPUs, not 0", id="no-cpu"),
        pytest.param({"apic_ids": (-1,)}, r"APIC ID -1 is outside 0\.\.", id="negative"),
        pytest.param({"apic_ids": (True,)}, r"APIC ID True is outside", id="bool"),
        pytest.param({"apic_ids": (2, 1, 2)}, r"APIC ID 2 is given to two", id="twice"),
        pytest.param(
            {"apic_ids": (0xFFFF_FFFF,)},
            r"APIC ID 4294967295 is outside 0\.\.0xfffffffe: .*means broadcast",
            id="broadcast",
        ),
        pytest.param({"apic_mode": "x3apic"}, r"Guest\.apic_mode is 'x3apic'", id="mode"),
        pytest.param({"hypercall_abi": "vmware"}, r"Guest\.hypercall_abi is", id="abi"),
        pytest.param({"bits": 16}, r"Guest\.bits is 16, not 32 or 64", id="bits"),
        pytest.param({"host_cpus": 0}, r"Guest\.host_cpus is 0, .*host CPU", id="no-host"),
    ],
)
def test_a_guest_validates_its_fields(fields: dict[str, Any], message: str) -> None:
    """Messages name the class, the field and the reason."""
    with pytest.raises(ValueError, match=message):
        Guest(**{"name": "a test's", "apic_ids": (0, 1)} | fields)


def test_the_highest_apic_id_is_one_below_broadcast() -> None:
    """0xffffffff means all CPUs."""
    assert guest_of((0xFFFF_FFFE,)).apic_ids == (0xFFFF_FFFE,)


def test_others_are_cpu_numbers_without_one() -> None:
    """They are in CPU-number order, independent of the APIC IDs."""
    guest = guest_of((9, 4, 7, 1))

    assert ((0, 1, 3), range(4)) == (guest.others(2), guest.cpus)


@pytest.mark.parametrize(
    ("ids", "expected"),
    [
        pytest.param((7,), "7", id="one"),
        pytest.param((0, 1, 2), "0-2", id="one-range"),
        pytest.param((0, 1, 128, 129, 5), "0-1,128-129,5", id="ranges-in-cpu-order"),
        pytest.param((2, 1, 0), "2,1,0", id="descending-ids-are-not-a-range"),
    ],
)
def test_apic_ids_are_shown_as_ranges(ids: tuple[int, ...], expected: str) -> None:
    """Two guests of one name may have different APIC IDs; metadata shows them."""
    assert expected == guest_of(ids).ids_text


def test_long_lists_of_ids_are_cut_but_stay_different() -> None:
    """Lists that differ only in the last ID have different texts."""
    evens = tuple(range(0, 2000, 2))
    one, other = guest_of(evens).ids_text, guest_of((*evens, 2001)).ids_text

    assert (one != other, len(one) < 100) == (True, True)


def test_equal_guests_share_a_boot() -> None:
    """The guest is the boot key, so it is hashable."""
    assert len({guest_of([0, 1]), guest_of((0, 1)), guest_of((1, 0))}) == 2


def test_host_reads_the_apic_ids_of_online_cpus(tmp_path: Path) -> None:
    """IPIs are addressed to "apicid", not to "initial apicid"."""
    cpuinfo = tmp_path / "cpuinfo"
    cpuinfo.write_text(
        "processor\t: 0\napicid\t\t: 4\ninitial apicid\t: 5\n\n"
        "processor\t: 1\napicid\t\t: 0\ninitial apicid\t: 1\n"
    )

    assert host(cpuinfo) == (4, 0)


def test_a_host_that_is_not_x86_is_refused(tmp_path: Path) -> None:
    """Other architectures list neither apicid nor flags."""
    cpuinfo = tmp_path / "cpuinfo"
    cpuinfo.write_text("processor\t: 0\nBogoMIPS\t: 50.00\n")

    with pytest.raises(
        UsageError,
        match=r"lists no APIC IDs of this machine: it is not an x86.*Use --guest dense:N",
    ):
        host(cpuinfo)


def test_a_host_without_cpuinfo_is_refused(tmp_path: Path) -> None:
    """/proc may not be mounted."""
    with pytest.raises(UsageError, match=r"cannot read .*: No such file.*dense:N"):
        host(tmp_path / "none")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param(
            "processor\t: 0\nvendor_id\t: GenuineIntel\nflags\t\t: fpu apic up\n",
            r"lists no APIC IDs of this machine: its kernel was built without SMP\. Use",
            id="x86-without-smp",
        ),
        pytest.param(
            "processor\t: 0\napicid\t\t: 0\n\nprocessor\t: 1\napicid\t\t: 0\n",
            r"does not show the real APIC IDs: it gives APIC ID 0 to more than one CPU\. Use",
            id="all-zero",
        ),
    ],
)
def test_a_kernel_that_hides_apic_ids_is_refused(
    tmp_path: Path, text: str, message: str
) -> None:
    """The second text is that of WSL."""
    cpuinfo = tmp_path / "cpuinfo"
    cpuinfo.write_text(text)

    with pytest.raises(UsageError, match=message):
        host(cpuinfo)


def test_apic_ids_are_read_beside_bytes_that_are_not_utf_8(tmp_path: Path) -> None:
    """Some firmware puts Latin-1 into the model name."""
    cpuinfo = tmp_path / "cpuinfo"
    cpuinfo.write_bytes(b"processor\t: 0\nmodel name\t: Intel\xae\napicid\t\t: 3\n")

    assert host(cpuinfo) == (3,)


def test_the_guest_host_has_the_apic_ids_that_a_site_gives() -> None:
    """They are in the order of the CPUs there."""
    assert parse_guest("host", of_host=HostIds((7, 3), "")).apic_ids == (7, 3)


def test_a_site_without_apic_ids_gives_its_reason() -> None:
    """The user can name a topology instead."""
    expected = r"no APIC IDs for --guest host: it has no files\. Use --guest dense:N\."
    with pytest.raises(UsageError, match=expected):
        parse_guest("host", of_host=HostIds(reason="it has no files"))
