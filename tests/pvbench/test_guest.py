"""Guests with CPUs that are offline, and with logical IDs and VP indexes of their own."""

from __future__ import annotations

import re
from typing import Any

import pytest

from pvbench.errors import UsageError
from pvbench.topology import form_of, parse_guest
from support.helpers import guest_of


def test_offline_cpus_have_numbers_but_are_not_online() -> None:
    """Others than a CPU are those that it can interrupt."""
    guest = guest_of(range(5), offline=(2, 4))

    assert (guest.cpus, guest.online, guest.others(1)) == (range(5), (0, 1, 3), (0, 3))


def test_most_guests_derive_logical_ids_from_apic_ids_and_number_vps_as_cpus() -> None:
    """The guest then has no numbers of its own."""
    guest = guest_of((7, 3))

    assert (guest.logical, guest.vp_index(1)) == ((7, 3), 1)


def test_logical_ids_and_vp_indexes_may_differ() -> None:
    """Each list is in CPU-number order."""
    guest = guest_of((0, 2), logical_ids=(0, 1), vp_indexes=(1, 0))

    assert (guest.logical, guest.vp_index(1)) == ((0, 1), 0)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        pytest.param({"offline": (0,)}, "CPU 0 cannot be offline: Linux", id="cpu-0"),
        pytest.param({"offline": (3,)}, "CPU 3 cannot be .* no such CPU", id="no-such-cpu"),
        pytest.param({"offline": (True,)}, "CPU True cannot be offline", id="a-bool"),
        pytest.param({"offline": (1, 1)}, "CPU 1 is offline twice", id="twice-offline"),
        pytest.param({"logical_ids": (1,)}, "1 CPUs have a logical ID, but .* 3", id="one"),
        pytest.param({"vp_indexes": (1, 2, 1)}, "VP index 1 is given to two", id="equal"),
        pytest.param(
            {"logical_ids": (0, 1, 1 << 20)}, r"ID 1048576 is outside 0\.\.0xfffff", id="wide"
        ),
        pytest.param({"vp_indexes": (0, 1, -1)}, "VP index -1 is outside", id="negative"),
    ],
)
def test_each_cpu_has_numbers_of_its_own(fields: dict[str, Any], message: str) -> None:
    """Messages name the number."""
    with pytest.raises(ValueError, match=message):
        guest_of(range(3), **fields)


def test_options_follow_any_form_in_any_order() -> None:
    """The name is what the user wrote."""
    guest = parse_guest("sparse:4:2+vp:3-0+offline:2+logical:0-3")

    assert guest.name == "sparse:4:2+vp:3-0+offline:2+logical:0-3"
    assert (guest.offline, guest.logical_ids, guest.vp_indexes) == (
        (2,),
        (0, 1, 2, 3),
        (3, 2, 1, 0),
    )


@pytest.mark.parametrize("options", ["+offline:1+threads-last", "+threads-last+offline:1"])
def test_threads_last_is_an_option_like_the_others(options: str) -> None:
    """CPU 1 is then the first thread of the second core."""
    guest = parse_guest(f"sockets:1x2x2{options}")

    assert (guest.apic_ids, guest.offline) == ((0, 2, 1, 3), (1,))


def test_numbers_that_every_guest_has_change_nothing() -> None:
    """The guest then boots where others do."""
    guest = parse_guest("sparse:4:2+vp:0-3+logical:0,2,4,6")

    assert (guest.logical_ids, guest.vp_indexes) == ((), ())


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        pytest.param("4+offline:1+offline:2", "offline is given twice", id="twice"),
        pytest.param("4+offline:", "'' is not a CPU number", id="empty"),
        pytest.param("4+offline:7", "invalid guest .*no such CPU", id="no-such-cpu"),
        pytest.param("4+logical:0-2", "3 CPUs have a logical ID, but", id="too-few"),
        pytest.param("4+online:1", "is not a topology", id="no-such-option"),
        pytest.param("+offline:1", "is not a topology", id="no-layout"),
        pytest.param("4" + "+vp:1" * 20_000 + "!", "is not a topology", id="very-long"),
    ],
)
def test_options_that_make_no_sense_are_refused(spec: str, message: str) -> None:
    """The sentence names the option or its number."""
    with pytest.raises(UsageError, match=message):
        parse_guest(spec)


def test_options_that_make_a_name_long_are_in_its_hash() -> None:
    """Guests that differ in them only have different names."""
    one, other = (
        parse_guest(f"dense:80+offline:{','.join(map(str, range(first, 40, 3)))}")
        for first in (1, 2)
    )

    assert re.fullmatch(r"dense:80\+offline:1,4,7,10,13,16#[0-9a-f]{8}", one.name)
    assert one.name != other.name
    assert form_of(one) == "ids:0-79+offline:1-37/3"


def test_the_form_of_a_long_name_gives_the_same_cpus() -> None:
    """It has all numbers of the guest."""
    ids = ",".join(map(str, range(0, 60, 3)))
    guest = parse_guest(f"ids:{ids}+vp:19-0+logical:0-19+offline:5")
    again = parse_guest(form_of(guest) or "")

    assert (again.apic_ids, again.offline, again.logical_ids, again.vp_indexes) == (
        *(guest.apic_ids, (5,), guest.logical_ids, guest.vp_indexes),
    )
