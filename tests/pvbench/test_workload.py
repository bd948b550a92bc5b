"""Families of workloads: their syntax and their refusals."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pvbench.errors import UsageError
from pvbench.guest import Guest
from pvbench.ops import Burst
from pvbench.workload import EACH, Workload
from support.helpers import bundled, burst_of, guest_of

UNICODE_DIGITS = (
    "\u00b2\u0663\u0967\uff13\u2462"  # superscript, Arabic, Devanagari, wide, circled
)


def to_neighbours(guest: Guest, reach: int, mood: str, tail: str) -> tuple[Burst, ...]:
    """One burst to *reach* CPUs; the other parameters have no effect."""
    return (burst_of("send_IPI_mask", *range(1, reach + 1)),)


FAMILY = Workload(
    name="family",
    summary="for tests",
    bursts=to_neighbours,
    needs_cpus=3,
    parameters={"reach": 1, "mood": "calm", "tail": "long"},
)
SINGLE = Workload(name="single", summary="for tests", bursts=lambda guest: ())
TWO_NUMBERS = Workload(
    name="two", summary="for tests", bursts=to_neighbours, parameters={"a": 1, "b": 2}
)


@pytest.mark.parametrize(
    ("values", "spec"),
    [
        pytest.param([], "family:1:calm:long", id="all-defaults"),
        pytest.param(["7"], "family:7:calm:long", id="trailing-ones-left-out"),
        pytest.param(["7", "wild"], "family:7:wild:long", id="all-but-the-last"),
        pytest.param(["7", "wild", "short"], "family:7:wild:short", id="all"),
        pytest.param(["007"], "family:7:calm:long", id="leading-zeros-are-no-other-one"),
        pytest.param(["0"], "family:0:calm:long", id="zero-is-a-number"),
    ],
)
def test_a_spec_holds_all_values_in_order(values: list[str], spec: str) -> None:
    """The name includes the defaults of omitted values."""
    assert spec == FAMILY.bind(values).spec


def test_binding_does_not_change_the_family() -> None:
    """A registry returns the same object to all callers."""
    FAMILY.bind(["7", "wild"])

    assert FAMILY.parameters == {"reach": 1, "mood": "calm", "tail": "long"}


WORDS = st.text(st.characters(exclude_characters=":"), max_size=9).filter(str.isprintable)


@given(
    st.integers(0, 10**18 - 1),
    WORDS,
    WORDS,
)
def test_bind_is_the_inverse_of_spec(reach: int, mood: str, tail: str) -> None:
    """A workload's name in a result file can be used on the command line."""
    bound = attrs.evolve(FAMILY, parameters={"reach": reach, "mood": mood, "tail": tail})

    assert bound == FAMILY.bind(bound.spec.split(":")[1:])


@pytest.mark.parametrize(
    ("workload", "form", "variant"),
    [
        pytest.param(SINGLE, "single", "", id="no-parameters"),
        pytest.param(FAMILY, "family:REACH:MOOD:TAIL", "calm:long", id="three"),
        pytest.param(TWO_NUMBERS, "two:A:B", "2", id="two-numbers"),
    ],
)
def test_a_form_has_all_parameters_and_a_variant_all_but_the_first(
    workload: Workload, form: str, variant: str
) -> None:
    """Crossovers are along the first parameter, for equal other ones."""
    assert (form, variant) == (workload.form, workload.variant)


@pytest.mark.parametrize(
    ("workload", "values", "message"),
    [
        pytest.param(
            FAMILY,
            ["1", "calm", "long", "more"],
            r"family:1:calm:long:more' has too many parameters\. "
            r"Use family:REACH:MOOD:TAIL\.$",
            id="too-many",
        ),
        pytest.param(
            SINGLE,
            ["1"],
            r"single:1' has too many parameters\. Use single\.$",
            id="none-taken",
        ),
        pytest.param(SINGLE, [""], r"single:' has too many parameters", id="only-the-colon"),
        pytest.param(
            FAMILY,
            ["many"],
            r"reach of family is 'many', not a number\. Use family:REACH:MOOD:TAIL\.$",
            id="no-number",
        ),
        pytest.param(
            TWO_NUMBERS, ["1", "x"], r"b of two is 'x', not a number", id="no-second-number"
        ),
        pytest.param(
            FAMILY, ["9" * 5_000], r"reach of family is '9+', not a number", id="endless"
        ),
        pytest.param(
            FAMILY,
            ["1", "a\nb"],
            r"mood of family is 'a\\nb', which is not a pr",
            id="line-end",
        ),
        pytest.param(FAMILY, [""], r"reach of family is '', not a number", id="empty"),
        pytest.param(FAMILY, ["-1"], r"reach of family is '-1', not a number", id="negative"),
        pytest.param(FAMILY, ["+1"], r"reach of family is '\+1', not a number", id="signed"),
        pytest.param(FAMILY, [" 1"], r"reach of family is ' 1', not a number", id="blank"),
        pytest.param(
            FAMILY, ["1_0"], r"reach of family is '1_0', not a number", id="underscore"
        ),
        pytest.param(
            FAMILY, ["1.0"], r"reach of family is '1\.0', not a number", id="fraction"
        ),
        pytest.param(
            FAMILY, ["0x1"], r"reach of family is '0x1', not a number", id="hexadecimal"
        ),
    ],
)
def test_invalid_values_are_refused(
    workload: Workload, values: list[str], message: str
) -> None:
    """The sentence has the value and the syntax of the family."""
    with pytest.raises(UsageError, match=message):
        workload.bind(values)


@pytest.mark.parametrize("digit", UNICODE_DIGITS)
def test_only_ascii_digits_make_a_number(digit: str) -> None:
    """int() accepts some others, which would give a workload several names."""
    with pytest.raises(UsageError, match=r"reach of family is .*, not a number"):
        FAMILY.bind([digit])


@pytest.mark.parametrize(
    ("cpus", "expected"),
    [
        pytest.param(2, "family needs 3 CPUs", id="one-too-few"),
        pytest.param(3, (burst_of("send_IPI_mask", 1, 2),), id="just-enough"),
    ],
)
def test_a_guest_smaller_than_needs_cpus_is_refused(
    cpus: int, expected: str | tuple[Burst, ...]
) -> None:
    """The function of bursts is not called, so it need not test the size."""
    assert expected == FAMILY.bind(["2"]).bursts_in(guest_of(range(cpus)))


@pytest.mark.parametrize(
    ("operation", "targets"),
    [
        pytest.param("send_IPI_mask", range(2048), id="targets"),
        pytest.param("send_IPI_all", (), id="all-cpus-without-a-list"),
    ],
)
def test_bursts_that_interrupt_too_many_cpus_are_refused(
    operation: str, targets: range | tuple[int, ...]
) -> None:
    """The rest of the bursts is not even computed: they could fill memory."""
    computed = []

    def bursts(guest: Guest) -> Iterator[Burst]:
        for source in guest.cpus:
            computed.append(source)
            yield Burst(source=source, operation=operation, targets=targets)

    flood = Workload(name="flood", summary="for tests", bursts=bursts)

    assert flood.bursts_in(guest_of(range(2048))) == (
        "flood interrupts more than 1048576 CPUs in an iteration"
    )
    assert len(computed) == 513


def test_each_of_512_cpus_may_call_all_others() -> None:
    """The limit leaves room for a full TLB shootdown of 1024 CPUs."""
    bursts = bundled().workload("shootdown:512:all").bursts_in(guest_of(range(512)))

    assert [len(burst.targets) for burst in bursts if isinstance(burst, Burst)] == [511] * 512


def test_a_reason_instead_of_bursts_is_returned() -> None:
    """The family knows why the guest cannot have these values."""
    shy = attrs.evolve(FAMILY, bursts=lambda guest, **values: f"no {values['mood']} here")

    assert shy.bind(["1", "wild"]).bursts_in(guest_of(range(3))) == "no wild here"


@pytest.mark.parametrize(
    "spec",
    [
        "dry-run",
        "broadcast-lock",
        "fanout:1:packed",
        "fanout:64:random-7",
        "pairs:16:ring",
        "shootdown:4:all",
        "shootdown:4:8",
    ],
)
def test_the_spec_of_a_bundled_workload_names_it(spec: str) -> None:
    """The name in a file is valid on the command line."""
    assert spec == bundled().workload(spec).spec


@pytest.mark.parametrize(
    ("name", "spec"),
    [
        pytest.param("fanout", "fanout:1:packed", id="fanout"),
        pytest.param("fanout:4", "fanout:4:packed", id="fanout-of-4"),
        pytest.param("pairs", "pairs:1:disjoint", id="pairs"),
        pytest.param("shootdown", "shootdown:1:all", id="shootdown"),
    ],
)
def test_bundled_families_have_defaults(name: str, spec: str) -> None:
    """The default is the smallest member."""
    assert spec == bundled().workload(name).spec


def counting(guest: Guest) -> Iterator[int]:
    """Endless steps."""
    yield from itertools.count(1)


def test_a_family_without_a_first_value_has_each_step_of_the_guest() -> None:
    """``each`` stands for them where other values follow; a guest has few steps."""
    stepped = attrs.evolve(FAMILY, steps=counting)
    guest = guest_of(range(3))

    assert [one.spec for one in stepped.members([], guest)] == [
        stepped.bind([text]).spec for text in "123"
    ]
    assert [one.spec for one in stepped.members([EACH, "wild"], guest)] == [
        stepped.bind([text, "wild"]).spec for text in "123"
    ]


def test_a_first_value_names_one_member() -> None:
    """Steps do not limit the values that a user can give."""
    stepped = attrs.evolve(FAMILY, steps=counting)

    assert stepped.members(["7"], guest_of(range(3))) == [stepped.bind(["7"])]


def test_a_family_without_steps_has_its_defaults() -> None:
    """It does not know values that are worth comparing."""
    assert FAMILY.members([], guest_of(range(3))) == [FAMILY]
    with pytest.raises(UsageError, match="'each', not a number"):
        FAMILY.members([EACH], guest_of(range(3)))
