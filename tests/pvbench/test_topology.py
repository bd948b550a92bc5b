"""Guests and their APIC IDs."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from pvbench.errors import UsageError
from pvbench.guest import Guest, HostIds
from pvbench.topology import form_of, host_ids_in, parse_guest
from support.helpers import guest_of

CPUINFOS = Path(__file__).parents[1] / "data/cpuinfo"


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
        pytest.param("ids:0-4/2,0x80-0x81", (0, 2, 4, 128, 129), id="explicit-steps-and-hex"),
        pytest.param(
            "sockets:2x2x2+threads-last", (0, 2, 4, 6, 1, 3, 5, 7), id="second-threads-last"
        ),
    ],
)
def test_a_specification_gives_apic_ids_in_cpu_number_order(
    spec: str, expected: tuple[int, ...]
) -> None:
    """The tuple maps CPU numbers to APIC IDs."""
    assert expected == parse_guest(spec).apic_ids


@pytest.mark.parametrize(
    ("count", "expected"),
    [
        pytest.param(256, 128, id="128-low-ids-fit-below-128"),
        pytest.param(258, 256, id="129-low-ids-need-256"),
    ],
)
def test_interleaved_high_ids_start_above_the_low_ones(count: int, expected: int) -> None:
    """The high half starts at a power of two that the low half cannot reach."""
    assert expected == parse_guest(f"interleaved:{count}").apic_ids[1]


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
        pytest.param("sockets:2x2", "is not a topology", id="two-levels"),
        pytest.param("sockets:1x1x1x1x1x1", "is not a topology", id="six-levels"),
        pytest.param("dense:8+threads-last", "only the form sockets: tells", id="no-threads"),
        pytest.param("ids:0+threads-last", "only the form sockets: tells", id="a-list"),
        pytest.param("epyc.cpuinfo", r"cpuinfo:FILE \(/proc/cpuinfo of", id="a-file-alone"),
        pytest.param("sparse:4:0", r"a step of 0 gives every CPU the same", id="step-0"),
        pytest.param("madt:", r"'madt:' names no file. Use madt:FILE", id="no-file"),
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


def test_the_guest_host_has_the_apic_ids_that_a_site_gives() -> None:
    """They are in the order of the CPUs there."""
    assert parse_guest("host", of_host=HostIds((7, 3), "")).apic_ids == (7, 3)


def test_a_site_without_apic_ids_gives_its_reason() -> None:
    """The user can name a topology instead."""
    expected = r"no APIC IDs for --guest host: it has no files\. Use --guest dense:N\."
    with pytest.raises(UsageError, match=expected):
        parse_guest("host", of_host=HostIds(reason="it has no files"))


def test_a_file_without_a_form_is_refused_with_the_forms_of_files() -> None:
    """The user need not search the list of all forms."""
    path = str(CPUINFOS / "up.cpuinfo")

    with pytest.raises(
        UsageError, match=r"is not a topology\. Use cpuinfo:.*up\.cpuinfo or madt:"
    ):
        parse_guest(path)


def test_a_layout_of_dies_has_a_field_for_each_level() -> None:
    """-smp sockets=2,dies=3,cores=3,threads=2 of QEMU: bits 5, 4:3, 2:1 and 0."""
    expected = [*range(6), *range(8, 14), *range(16, 22)]
    expected += [apic_id + 32 for apic_id in expected]

    guest = parse_guest("sockets:2x3x3x2")

    assert (guest.apic_ids, guest.sockets) == (tuple(expected), 2)


def test_modules_are_between_dies_and_cores() -> None:
    """A level of one needs no bit: here thread, core, module and die have one bit each."""
    guest = parse_guest("sockets:1x2x2x2x2")

    assert (guest.apic_ids, guest.sockets) == (tuple(range(16)), 1)


@pytest.mark.parametrize(
    ("name", "cpus", "first", "sockets"),
    [
        pytest.param("epyc-2x24x2", 96, (0, 2, 4, 8), 2, id="threads-last"),
        pytest.param("xeon-4x8x2", 64, (0, 64, 32, 96), 4, id="sockets-in-turn"),
        pytest.param("vm-ids-from-32", 16, (32, 33, 34, 35), 2, id="no-id-0"),
        pytest.param("laptop-2x2", 4, (0, 4, 1, 5), 1, id="laptop"),
    ],
)
def test_a_guest_can_have_the_cpus_of_another_machine(
    name: str, cpus: int, first: tuple[int, ...], sockets: int
) -> None:
    """Their order and their sockets are those of its /proc/cpuinfo."""
    guest = parse_guest(f"cpuinfo:{CPUINFOS / name}.cpuinfo")

    assert (len(guest.apic_ids), guest.apic_ids[:4], guest.sockets) == (cpus, first, sockets)


def test_a_guest_can_have_the_cpus_of_a_boot_log(tmp_path: Path) -> None:
    """A log does not say which CPUs share a socket."""
    log = tmp_path / "boot.log"
    log.write_text("ACPI: LAPIC (acpi_id[0x01] lapic_id[0x10] enabled)\n")

    guest = parse_guest(f"madt:{log}")

    assert (guest.apic_ids, guest.sockets) == ((16,), 1)


def test_a_long_list_of_ids_has_a_short_name() -> None:
    """The name has the number of CPUs and a hash, and the form that gives them again."""
    guest = parse_guest("ids:" + ",".join(map(str, range(0, 160, 2))))

    assert re.fullmatch(r"ids:80-cpus#[0-9a-f]{8}", guest.name)
    assert form_of(guest) == "ids:0-158/2"


def test_the_hash_of_a_name_is_that_of_the_list_in_the_metadata() -> None:
    """One guest has one hash everywhere."""
    guest = parse_guest("ids:" + ",".join(map(str, range(0, 160, 2))))

    assert guest.ids_text.partition("#")[2] == guest.name.partition("#")[2]


def test_a_file_is_named_without_its_folder() -> None:
    """A hash of the APIC IDs tells files of one name apart."""
    guest = parse_guest(f"cpuinfo:{CPUINFOS / 'laptop-2x2.cpuinfo'}")

    assert re.fullmatch(r"cpuinfo:laptop-2x2#[0-9a-f]{8}", guest.name)
    assert form_of(guest) == "ids:0,4,1,5"


def test_the_name_of_a_guest_is_printable(tmp_path: Path) -> None:
    """A terminal obeys the name of a file otherwise, and a blank ends a name."""
    log = tmp_path / ("\x1b[2J a+b" + "c" * 99)
    log.write_text("ACPI: LAPIC (acpi_id[0x01] lapic_id[0x10] enabled)\n")

    name = parse_guest(f"madt:{log}").name

    assert re.fullmatch(r"madt:-2J-a\+bc+#[0-9a-f]{8}", name)


def test_a_short_specification_is_the_name() -> None:
    """It gives the same guest again."""
    guest = parse_guest("ids:5,1,128,0")

    assert (guest.name, form_of(guest)) == ("ids:5,1,128,0", None)


@pytest.mark.parametrize("name", ["wsl", "up", "none"])
def test_a_host_that_shows_no_apic_ids_has_a_reason(name: str) -> None:
    """The reason has no advice, because its readers can give better one."""
    ids = host_ids_in(CPUINFOS / f"{name}.cpuinfo")

    assert (ids.ids, "dense" in ids.reason, bool(ids.reason)) == ((), False, True)


def test_a_host_shows_its_apic_ids() -> None:
    """A byte in a model name that is not UTF-8 does not matter."""
    assert host_ids_in(CPUINFOS / "latin1.cpuinfo") == HostIds((0, 1), "")


def test_a_form_that_no_file_can_hold_is_left_out() -> None:
    """A list of so many IDs without any order is no guest of a real hypervisor."""
    guest = parse_guest("ids:" + ",".join(str(number**2) for number in range(20_000)))

    assert guest.name.startswith("ids:20000-cpus#")
    assert form_of(guest) is None
