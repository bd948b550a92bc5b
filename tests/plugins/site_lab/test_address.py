"""The address of a lab: a kernel and options."""

from __future__ import annotations

import pytest

from pvbench.errors import UsageError
from pvbench_site_lab.address import Address, parsed


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("6.12", Address("6.12", "icount", 1)),
        ("./vmlinuz", Address("./vmlinuz", "icount", 1)),
        ("tree@v6.1", Address("tree@v6.1", "icount", 1)),
        ("6.12,clock=icount", Address("6.12", "icount", 1)),
        ("6.12,clock=icount,cpus=1", Address("6.12", "icount", 1)),
        ("6.12,clock=tsc", Address("6.12", "tsc", 4)),
        ("6.12,cpus=8,clock=tsc", Address("6.12", "tsc", 8)),
    ],
)
def test_an_address_is_a_kernel_and_options(text: str, address: Address) -> None:
    """The clock decides the number of CPUs, unless it is given."""
    assert parsed(text) == address


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (",clock=tsc", "it names no kernel"),
        ("6.1,clock=wall", "its clock is 'wall', not one of icount, tsc"),
        ("6.1,cpus=2", "a lab with clock icount has one CPU"),
        ("6.1,clock=tsc,cpus=0", "cpus is '0', not a number from 1 to 64"),
        ("6.1,clock=tsc,cpus=65", "cpus is '65', not a number from 1 to 64"),
        ("6.1,clock=tsc,cpus=two", "cpus is 'two', not a number from 1 to 64"),
        ("6.1,cpu=2", "'cpu=2' is not an option of a lab"),
        ("6.1,clock", "'clock' is not an option of a lab"),
        ("6.1,", "'' is not an option of a lab"),
    ],
)
def test_a_wrong_address_is_refused_with_the_form(text: str, why: str) -> None:
    """The sentence shows how an address is written."""
    with pytest.raises(UsageError) as caught:
        parsed(text)

    assert (caught.value.what, caught.value.why) == (
        f"{text!r} is not the address of a lab",
        why,
    )
    assert caught.value.fix == "Write lab:KERNEL or lab:KERNEL,clock=tsc,cpus=4."
