"""uapi.py agrees with <linux/kvm.h> in every name, according to a C compiler."""

from __future__ import annotations

import re
from ctypes import Structure, Union

import pytest

from pvbench_deliver_kvm.vmm import uapi
from support.c_facts import c_values, declarations, members, needs_c, own_names, struct_facts

HEADER = "linux/kvm.h"

OWN = own_names(uapi)
STRUCTS = {
    name: value
    for name, value in OWN.items()
    if isinstance(value, type) and issubclass(value, Structure | Union)
}
PUBLIC = {name: struct for name, struct in STRUCTS.items() if not name.startswith("_")}
NUMBERS = {
    name: value
    for name, value in OWN.items()
    if isinstance(value, int) and not name.startswith("_")
}

# Only the first part of it is used; the header's goes on.
PREFIXES = {"kvm_run"}

# Younger than headers still in use, so here as Linux 6.1 has them.
YOUNG = {
    "KVM_CAP_DISABLE_QUIRKS2": 213,
    "KVM_X86_QUIRK_FIX_HYPERCALL_INSN": 1 << 5,
    "KVM_VCPU_TSC_CTRL": 0,
    "KVM_VCPU_TSC_OFFSET": 0,
}


def facts(name: str) -> dict[str, int]:
    """The facts of a struct in ctypes, as expressions of C."""
    facts = struct_facts(name, PUBLIC[name])
    if name in PREFIXES:
        size = facts.pop(f"sizeof(struct {name})")
        facts[f"sizeof(struct {name}) >= {size}"] = 1
    return facts


@pytest.fixture(scope="module")
def words(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    """Every word of the installed header."""
    needs_c(HEADER)
    text = declarations(tmp_path_factory.mktemp("words"), HEADER)
    return set(re.findall(r"\w+", text))


@pytest.fixture(scope="module")
def header(tmp_path_factory: pytest.TempPathFactory, words: set[str]) -> dict[str, int]:
    """The values of all these expressions in the installed header."""
    expressions = [
        *(NUMBERS.keys() & words),
        *(asks for name in PUBLIC for asks in facts(name)),
    ]
    return c_values(tmp_path_factory.mktemp("values"), HEADER, expressions)


@pytest.mark.parametrize("name", PUBLIC)
def test_each_struct_is_the_header_s(name: str, header: dict[str, int]) -> None:
    """Its size, and the offset, size and sign of each field, are those of the header."""
    mine = facts(name)

    assert mine == {asks: header[asks] for asks in mine}


def test_each_number_is_the_header_s(header: dict[str, int]) -> None:
    """Ioctls, exit reasons, capabilities and flags."""
    numbers = {name: value for name, value in NUMBERS.items() if name in header}

    assert numbers == {name: header[name] for name in numbers}


def test_a_number_that_the_header_lacks_is_a_recent_one(words: set[str]) -> None:
    """A name that is misspelt is in no header."""
    assert NUMBERS.keys() - words <= YOUNG.keys()


def test_recent_numbers_are_those_of_linux() -> None:
    """Written out, because an old header proves nothing about them."""
    assert {name: NUMBERS.get(name) for name in YOUNG} == YOUNG


def test_every_public_name_is_proved() -> None:
    """It is a struct or a number, which other tests compare with the header."""
    public = {name for name in OWN if not name.startswith("_")} - {"_IO", "_IOR", "_IOW"}

    assert public == PUBLIC.keys() | NUMBERS.keys()
    assert {"kvm_run", "kvm_msi"} <= PUBLIC.keys()
    assert {"KVM_RUN", "KVM_EXIT_HLT", "KVM_CAP_IRQCHIP"} <= NUMBERS.keys()


def test_structs_without_a_name_in_the_header_are_proved_inside_another() -> None:
    """Linux gives those of an exit no names; they are fields of struct kvm_run."""
    private = {struct for name, struct in STRUCTS.items() if name.startswith("_")}
    proved = {kind for struct in PUBLIC.values() for _, _, kind in members(struct)}

    assert private - proved == {uapi._exit_union}
    assert ("exit", uapi._exit_union) in uapi.kvm_run._fields_
    assert uapi.kvm_run._anonymous_ == ("exit",)
