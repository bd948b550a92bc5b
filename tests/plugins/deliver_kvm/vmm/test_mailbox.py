"""Python and guest/abi.h define the shared memory equally."""

from __future__ import annotations

import re
from ctypes import Structure
from pathlib import Path
from typing import NamedTuple

import pytest

from pvbench.sequences import INPUT_PAGE_BASE
from pvbench_deliver_kvm.measure.algorithms import (
    DRIVER_NULL,
    DRIVERS,
    OPERATIONS,
    OVERLAYS,
)
from pvbench_deliver_kvm.measure.hypercall_abis import STAND_INS
from pvbench_deliver_kvm.measure.raw_result import SERIES, trouble
from pvbench_deliver_kvm.vmm import layout, mailbox
from support.c_facts import c_values, declarations, needs_c, own_names, struct_facts
from support.guest_native import GUEST

HEADER = "abi.h"

SHARED = own_names(mailbox)
STRUCTS = {
    name.lower(): value
    for name, value in SHARED.items()
    if isinstance(value, type) and issubclass(value, Structure)
}
NUMBERS = {name: value for name, value in SHARED.items() if isinstance(value, int)}
PLACES = {name: value for name, value in own_names(layout).items() if name[0].isupper()} | {
    "INPUT_PAGE_BASE": INPUT_PAGE_BASE
}

# The guest finds what is there by registers and by fields of its mailbox.
HOST_ONLY = {
    *("GDT_BASE", "IDT_BASE", "PAGE_TABLES_BASE"),
    *("APIC_IDS_BASE", "FREE_BASE", "MEMORY_SIZE"),
}


def in_c(numbers: dict[str, int], prefix: str = "") -> dict[str, int]:
    """``KVM_PV_4_19`` for ``kvm-pv-4.19``; '' has a name of its own."""
    return {
        prefix + re.sub("[-.]", "_", name).upper(): number
        for name, number in numbers.items()
        if name
    }


def numbers(prefix: str) -> dict[str, int]:
    """Constants of mailbox.py by the start of their names."""
    return {name: value for name, value in NUMBERS.items() if name.startswith(prefix)}


ENUMS = {
    "op_kind": numbers("OP_"),
    "operation": in_c(OPERATIONS),
    "driver": {"DRIVER_NULL": DRIVER_NULL, **in_c(DRIVERS)},
    "overlay": {"OVERLAY_NONE": OVERLAYS[""], **in_c(OVERLAYS)},
    "hypercall_abi": numbers("HYPERCALL_"),
    "command": numbers("COMMAND_"),
    "idle_state": {name: NUMBERS[name] for name in ("BUSY", "HALTED", "RUNNING")},
    "trouble": numbers("TROUBLE_"),
}
DEFINES = {
    name: value
    for name, value in (PLACES | NUMBERS).items()
    if name not in HOST_ONLY and not any(name in enum for enum in ENUMS.values())
}


class Header(NamedTuple):
    """Names that abi.h declares: of fields by struct, of numbers by enum, of macros."""

    structs: dict[str, list[str]]
    enums: dict[str, list[str]]
    defines: list[str]
    values: dict[str, int]


def fields(body: str) -> list[str]:
    """Names of the fields of a struct; all of them must be plain integers."""
    names = []
    for declared in filter(None, map(str.strip, body.split(";"))):
        match = re.fullmatch(r"(?:u8|u16|u32|u64) (\w+)(?:\[\w+\])?", declared)
        assert match, f"{declared!r} does not look alike to host and guest"
        names.append(match[1])
    return names


def blocks(kind: str, text: str) -> dict[str, str]:
    """The text between the braces of each struct or enum, by its name."""
    return dict(re.findall(rf"^{kind} (\w+) {{(.*?)^}};", text, re.M | re.S))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """For what the compiler makes, if there is one."""
    needs_c(HEADER)
    return tmp_path_factory.mktemp("abi")


@pytest.fixture(scope="module")
def text(folder: Path) -> str:
    """abi.h without comments and macros."""
    return re.sub(r"^#.*\n", "", declarations(folder, HEADER), flags=re.M)


@pytest.fixture(scope="module")
def header(folder: Path, text: str) -> Header:
    """abi.h, as a C compiler reads it."""
    structs = {name: fields(body) for name, body in blocks("struct", text).items()}
    enums = {name: re.findall(r"\w+", body) for name, body in blocks("enum", text).items()}
    own = (GUEST / HEADER).read_text()
    defines = re.findall(r"^[ \t]*#[ \t]*define[ \t]+(\w+)[ \t]+\S", own, re.M)
    facts = [asks for name, struct in STRUCTS.items() for asks in struct_facts(name, struct)]
    names = [*defines, *(name for enum in enums.values() for name in enum)]
    return Header(structs, enums, defines, c_values(folder, HEADER, [*facts, *names]))


def test_the_whole_header_is_read(text: str) -> None:
    """It is made of integer types, structs, enums, and macros."""
    read = r"^(struct|enum) \w+ {.*?^};|^typedef unsigned [\w ]+;|^_Static_assert\(.*?\);"

    assert re.sub(read, "", text, flags=re.M | re.S).split() == []


def test_each_struct_has_its_twin(header: Header) -> None:
    """A struct that only one side has is a mistake."""
    assert sorted(header.structs) == sorted(STRUCTS)


@pytest.mark.parametrize("name", STRUCTS)
def test_twins_have_the_same_fields(name: str, header: Header) -> None:
    """They are in the same order, and neither side has more."""
    assert header.structs[name] == [field[0] for field in STRUCTS[name]._fields_]


@pytest.mark.parametrize("name", STRUCTS)
def test_twins_have_the_same_layout(name: str, header: Header) -> None:
    """Size, and the offset, size and sign of each field, are equal."""
    mine = struct_facts(name, STRUCTS[name])

    assert mine == {asks: header.values[asks] for asks in mine}


def test_each_enum_has_its_twin(header: Header) -> None:
    """A new enum is proved as well."""
    assert sorted(header.enums) == sorted(ENUMS)


@pytest.mark.parametrize("name", ENUMS)
def test_twins_have_the_same_numbers(name: str, header: Header) -> None:
    """Each name has one number, and neither side has more names."""
    assert {member: header.values[member] for member in header.enums[name]} == ENUMS[name]


def test_each_macro_has_its_twin(header: Header) -> None:
    """
    They are the ABI's version, ports and addresses; the guest need not know all addresses.
    """
    assert {name: header.values[name] for name in header.defines} == DEFINES
    assert PLACES.keys() >= HOST_ONLY


def test_hypercall_abis_have_the_names_of_the_core() -> None:
    """The C has the values of a guest's ``hypercall_abi``."""
    translated = {abi: stand_in.in_mailbox for abi, stand_in in STAND_INS.items()}
    by_abi = {
        "kvm": mailbox.HYPERCALL_KVM,
        "hyperv": mailbox.HYPERCALL_HYPERV,
        **translated,
    }

    assert in_c(by_abi, "HYPERCALL_") == ENUMS["hypercall_abi"]


def test_each_trouble_has_its_own_sentence() -> None:
    """Without trouble there is none."""
    sentences = [trouble(mailbox.Source(trouble=n)) for n in ENUMS["trouble"].values()]

    assert ("", len(sentences)) == (sentences[0], len(set(sentences)))


def test_series_are_in_the_order_of_a_sample() -> None:
    """Raw samples are read as five words by these names."""
    assert list(SERIES) == [field[0] for field in mailbox.Sample._fields_]
