"""Cost profiles with a bundled base: which numbers they inherit and how."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from pvbench_deliver_model.cost_file import read
from pvbench_deliver_model.cost_profile import CostProfile
from support.cost_profiles import COST_PROFILES, laid_over, number
from support.runs import Cli

Read = Callable[..., CostProfile]

# All of a file based on another one.
SIX_LINES = """\
base = "epyc-genoa-x2avic"
base_machine = "other"
title = "a machine of mine"
tsc_hz = 2_000_000_000
tsc_hz_source = "its data sheet"
costs.icr_direct = { value = 500, unit = "cycles", confidence = "A", source = "timed here" }
"""


@pytest.fixture
def over(tmp_path: Path) -> Read:
    """Read a file whose base is ``skylake-2018``."""
    return partial(laid_over, tmp_path)


@pytest.mark.parametrize("machine", ["same", "other"])
def test_a_file_without_numbers_inherits_all_of_them(over: Read, machine: str) -> None:
    """Title, clock, features and every number are inherited."""
    mine, base = over(base_machine=machine), read("skylake-2018")
    costs = [{name: c.ps for name, c in p.costs.items()} for p in (mine, base)]
    ratios = [{name: c.ps for name, c in p.ratios.items()} for p in (mine, base)]

    assert (costs[0], ratios[0]) == (costs[1], ratios[1])
    assert (mine.name, mine.title) == ("mine", base.title)
    assert (mine.local_apic, mine.host_linux) == ("apicv", "4.19")


def test_numbers_of_a_file_replace_those_of_its_base(over: Read) -> None:
    """It has 1000 cycles of 2.5 GHz; the number beside it stays at 1530."""
    mine = over(title="mine", costs={"icr_write": number(1_000)})

    assert (mine.title, mine.ps("icr_write"), mine.ps("hypercall")) == (
        "mine",
        400_000,
        612_000,
    )


def test_ratios_of_a_file_replace_those_of_its_base(over: Read) -> None:
    """The file has today's ``halt_poll_shrink``; it inherits the growth factor."""
    mine = over(ratios={"halt_poll_shrink": number(2, unit="ratio")})

    assert (mine.ratios["halt_poll_shrink"].ps, mine.ratios["halt_poll_grow"].ps) == (2, 2)
    assert (mine.ratios["halt_poll_shrink"].confidence, "C") == (
        "A",
        mine.ratios["halt_poll_grow"].confidence,
    )


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        pytest.param({"local_apic": "avic"}, ("avic", "4.19"), id="local-apic"),
        pytest.param({"host_linux": "6.17"}, ("apicv", "6.17"), id="host-linux"),
    ],
)
@pytest.mark.parametrize("machine", ["same", "other"])
def test_features_are_inherited_one_by_one(
    over: Read, machine: str, changed: dict[str, str], expected: tuple[str, str]
) -> None:
    """A feature is not assumed, because it is not a measured number."""
    mine = over(base_machine=machine, features=changed)

    assert expected == (mine.local_apic, mine.host_linux)


@pytest.mark.parametrize(
    ("machine", "name", "expected"),
    [
        pytest.param("other", "hypercall", ("C", False), id="other-read"),
        pytest.param("other", "icr_write", ("C", False), id="other-fitted"),
        pytest.param("other", "kick", ("C", False), id="other-derived"),
        pytest.param("same", "hypercall", ("A", False), id="same-read"),
        pytest.param("same", "icr_write", ("B", True), id="same-fitted"),
        pytest.param("same", "ack_poll", ("C", False), id="same-assumed"),
    ],
)
def test_numbers_of_another_machine_are_assumed_on_this_one(
    over: Read, machine: str, name: str, expected: tuple[str, bool]
) -> None:
    """On the same machine they keep their confidence."""
    costs = over(base_machine=machine).costs[name]

    assert expected == (costs.confidence, costs.fitted)


def test_an_inherited_number_names_its_base_and_keeps_its_source(over: Read) -> None:
    """A reader must be able to find the publication."""
    source = "KVM's halt polling document: 'a few' microseconds of a scheduler trip"

    assert over().costs["wake_blocked"].source == f"of skylake-2018: {source}"


def test_numbers_of_the_same_machine_keep_their_source_unchanged(over: Read) -> None:
    """The base of the same machine is not named again."""
    source = "KVM's halt polling document: 'a few' microseconds of a scheduler trip"

    assert over(base_machine="same").costs["wake_blocked"].source == source


def test_confidences_in_the_file_itself_are_kept(over: Read) -> None:
    """Only inherited numbers become assumed."""
    letters = {"icr_write": "A", "hypercall": "B"}
    costs = {name: number(7, confidence=letter) for name, letter in letters.items()}

    inherited = over(costs=costs).costs

    assert letters == {name: inherited[name].confidence for name in letters}


def test_a_base_may_have_a_base(over: Read) -> None:
    """``epyc-rome-avic`` has the base ``epyc-rome``, which is based on ``skylake-fastpath``."""
    mine = over(base="epyc-rome-avic", base_machine="same")
    values = [
        (mine.costs[name].confidence, mine.costs[name].source[:22])
        for name in ("icr_direct", "hypercall", "handler_work")
    ]

    assert values == [
        ("B", "derived: EPYC 7642, fl"),
        ("B", "derived: EPYC 7642, kv"),
        ("C", "of skylake-fastpath: a"),
    ]
    assert (mine.local_apic, mine.host_linux) == ("avic", "5.8")


def test_numbers_of_a_base_on_another_machine_name_each_step(over: Read) -> None:
    """The third machine inherits ``skylake-2018`` through ``sapphire-rapids-ipiv``."""
    source = over(base="sapphire-rapids-ipiv").costs["hypercall"].source

    assert source == (
        "of sapphire-rapids-ipiv: of skylake-fastpath: kvm-unit-tests vmexit, "
        "vmcall on Skylake, 1559 to 1529 cycles (2020)"
    )


@pytest.mark.parametrize("machine", ["same", "other"])
def test_inherited_cycles_are_converted_with_the_files_own_clock(
    over: Read, machine: str
) -> None:
    """The file has 1530 cycles at 2.0 GHz; nanoseconds stay nanoseconds."""
    mine = over(base_machine=machine, tsc_hz=2_000_000_000, tsc_hz_source="a test")

    assert (mine.ps("hypercall"), mine.ps("loop_overhead")) == (765_000, 24_000)


def test_the_hash_covers_the_bytes_of_the_base_and_the_file(over: Read, tmp_path: Path) -> None:
    """Equal hashes mean equal numbers."""
    sha256 = over().sha256
    base = (COST_PROFILES / "skylake-2018.toml").read_bytes()

    assert hashlib.sha256(base + (tmp_path / "mine.toml").read_bytes()).hexdigest() == sha256


def test_the_hash_changes_with_the_base(over: Read, folder: Path) -> None:
    """A changed comment is enough, since the hash covers bytes, not numbers."""
    before = over()
    path = folder / "skylake-2018.toml"
    path.write_text(path.read_text() + "\n# a remark\n")
    after = over()

    assert (before.costs, before.sha256 == after.sha256) == (after.costs, False)


def test_the_hash_changes_with_the_base_of_the_base(over: Read, folder: Path) -> None:
    """The hash covers every file that is read."""
    (folder / "middle.toml").write_text('base = "skylake-2018"\nbase_machine = "same"\n')
    before = over(base="middle").sha256
    path = folder / "skylake-2018.toml"
    path.write_text(path.read_text() + "\n# a remark\n")

    assert before != over(base="middle").sha256


def test_the_hash_changes_with_the_file_itself(over: Read) -> None:
    """The title is part of its bytes."""
    assert over(title="one").sha256 != over(title="two").sha256


def test_a_file_of_six_lines_runs(cli: Cli) -> None:
    """It is named and hashed, and all numbers but one are assumed."""
    Path("mine.toml").write_text(SIX_LINES)
    base = b"".join(
        (COST_PROFILES / f"{name}.toml").read_bytes()
        for name in (
            *("skylake-2018", "skylake-fastpath"),
            *("epyc-rome", "epyc-rome-avic", "epyc-genoa-x2avic"),
        )
    )

    options = ("-q", "-k", "normal-ipi", "--sender", "native", "--json", "-o", "a.json")
    output = cli("run", "norov", "--fast", "--vcpus", "4", "--costs", "mine.toml", *options)
    names = {
        (row["costs"], row["costs_sha256"], row["exits"])
        for row in json.loads(output.out)["series"]
    }

    assert len(SIX_LINES.splitlines()) == 6
    assert (output.status, names) == (
        0,
        {("mine", hashlib.sha256(base + SIX_LINES.encode()).hexdigest(), 0.0)},
    )


def test_a_file_of_six_lines_changes_the_number_it_has(tmp_path: Path) -> None:
    """It has 500 cycles of 2.0 GHz, and inherits 1376 of the same clock."""
    (tmp_path / "mine.toml").write_text(SIX_LINES)
    mine = read(str(tmp_path / "mine.toml"))

    assert (mine.ps("icr_direct"), mine.ps("avic_incomplete")) == (250_000, 688_000)
    assert [name for name, c in mine.costs.items() if c.confidence != "C"] == ["icr_direct"]


def test_a_file_with_an_unknown_base_is_refused(cli: Cli) -> None:
    """The exit status is 2, the error is one line, and there are no results."""
    Path("mine.toml").write_text(SIX_LINES.replace("epyc-genoa-x2avic", "epyc-genoa-x2avik"))

    output = cli("run", "norov", "--fast", "-q", "--costs", "mine.toml", "-o", "a.json")

    assert (output.status, Path("a.json").exists()) == (2, False)
    assert (
        "no cost profile called 'epyc-genoa-x2avik'. Did you mean 'epyc-genoa-x2avic'"
        in output.err
    )
