"""The schema: one table, from which everything that names a fact follows."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import attrs
import pytest

from pvbench.errors import UsageError
from pvbench.guest import HostIds
from pvbench.report import csv as csv_form
from pvbench.report import text
from pvbench.report.summary import summary
from pvbench.results import files as result_files
from pvbench.results import schema
from pvbench.results.fact import Fact, FactRole
from pvbench.results.rows import Row, rows
from pvbench.run.cases import Selection, expand
from pvbench.run.collector import case_metadata
from pvbench.run.prepared import prepare
from pvbench.suite import Case
from support.helpers import bundled
from support.runs import Cli, file_of, row_of, slice_result_of, suite_of

CLUSTER = "x2apic-cluster"
ERA = Fact(
    "era",
    FactRole.AXIS,
    of_case=lambda case: "6.12" if case.guest.bits == 64 else "4.19",
    short=" linux-{era}",
    phrase="Linux {era}",
    by=("era",),
)


@pytest.fixture
def _with_era(monkeypatch: pytest.MonkeyPatch) -> None:
    """One row more."""
    monkeypatch.setattr(schema, "TABLE", (*schema.TABLE, ERA))


def of_era(era: str, time_s: float = 1e-6) -> Row:
    """A broadcast of a kernel of that era."""
    return attrs.evolve(row_of("broadcast", CLUSTER, time_s, era=era), name=f"broadcast {era}")


def case_of(**selected: Any) -> Case:
    """A broadcast in a guest of four CPUs."""
    chosen = {"workloads": ("broadcast",), "senders": (CLUSTER,), "guests": ("4",)}
    (case,), _ = expand(
        bundled().suite("norov"), Selection(**chosen | selected), bundled(), HostIds()
    )
    return case


def test_no_fact_is_declared_twice() -> None:
    """A second row would be dead."""
    names = [fact.name for fact in schema.TABLE]

    assert sorted(set(names)) == sorted(names)


@pytest.mark.usefixtures("_with_era")
def test_a_new_axis_is_in_names_and_metadata() -> None:
    """Of a case whose name would not tell it from another otherwise."""
    new, old = case_of(), case_of(bits=32)

    assert schema.case_name(new).endswith(" linux-6.12")
    assert schema.case_name(old).endswith(" linux-4.19")
    assert case_metadata(prepare(new))["pvbench_era"] == "6.12"


@pytest.mark.usefixtures("_with_era")
def test_a_new_axis_has_a_table_of_its_own_and_is_in_the_heading() -> None:
    """Rows of two eras never share a table."""
    linux_6_12, linux_4_19 = (of_era(era) for era in ("6.12", "4.19"))
    headings = [
        line
        for line in text.render(
            summary(suite_of(linux_6_12, linux_4_19), []), 1000
        ).splitlines()
        if line.startswith("norov on dense:80: ")
    ]

    assert [line.rpartition(", ")[2] for line in headings] == ["Linux 6.12", "Linux 4.19"]


@pytest.mark.usefixtures("_with_era")
def test_a_new_axis_is_a_column_of_a_csv() -> None:
    """The column is there where the axis varies."""
    eras = [of_era(era) for era in ("6.12", "4.19")]
    table = csv.DictReader(io.StringIO(csv_form.render(summary(suite_of(*eras), []))))

    assert [row["era"] for row in table] == ["6.12", "4.19"]


@pytest.mark.usefixtures("_with_era")
def test_a_new_axis_has_a_differs_line_and_keeps_cases_apart(cli: Cli) -> None:
    """All cases are missing, and the line says why."""
    names = [file_of(Path(f"{era}.json"), of_era(era)) for era in ("6.12", "4.19")]
    output = cli("compare", *names)

    assert output.status == 1
    assert "differs: era: 6.12 | 4.19" in output.out.splitlines()


@pytest.mark.usefixtures("_with_era")
def test_a_new_axis_is_a_choice_of_by(cli: Cli) -> None:
    """Its sides are called as in the names of cases."""
    eras = [of_era(era, time_s) for era, time_s in (("6.12", 2e-6), ("4.19", 1e-6))]
    name = file_of(Path("both.json"), *eras)
    output = cli("compare", name, "--by", "era", "--json")
    (pair,) = json.loads(output.out)["pairs"]

    assert (pair["baseline"], pair["side"]) == ("linux-6.12", "linux-4.19")
    assert "costs, sweep, execution, era" in " ".join(cli("compare", "-h").out.split())


def test_an_axis_outside_the_table_is_refused(cli: Cli) -> None:
    """Exit status 2, with the choices there are."""
    output = cli("compare", "a.json", "--by", "era")

    assert output.status == 2
    assert "'sender', 'overlay', 'driver'" in output.err


@pytest.mark.parametrize(
    ("name", "role"),
    [
        pytest.param(
            "host_cpus", FactRole.CONDITION, id="an-axis-that-begins-as-facts-of-a-host"
        ),
        pytest.param("host_cpu_model", FactRole.HOST, id="any-fact-of-a-host"),
        pytest.param("note_2", FactRole.NOTE, id="any-note-of-a-delivery"),
        pytest.param("lost", FactRole.COUNT, id="a-count"),
        pytest.param("kvm_exits", None, id="a-fact-that-only-its-delivery-knows"),
    ],
)
def test_every_fact_has_a_role(name: str, role: FactRole | None) -> None:
    """The role is declared, or follows from the prefix of its kind."""
    assert schema.role_of(name) is role


def test_notes_come_back_in_their_order() -> None:
    """This holds for ten and more as well; the metadata of pyperf takes no lists."""
    notes = [f"sentence {number}" for number in range(12)]
    facts = dict(reversed(schema.note_facts(notes).items()))

    assert schema.notes_of(facts | {"note_x": "not ours"}) == notes


def test_a_stored_fact_comes_back() -> None:
    """Keys of pyperf stay as they are."""
    facts = {"lost": 3, "guest": "dense:4"}

    assert schema.stored(facts) == {"pvbench_lost": 3, "pvbench_guest": "dense:4"}
    assert schema.from_metadata(schema.stored(facts) | {"unit": "second"}) == facts | {
        "unit": "second"
    }


def test_an_unknown_count_has_no_fact() -> None:
    """Zero would be a lie."""
    counts = attrs.evolve(slice_result_of().counts, icr_writes=20, exits=None)
    stored = schema.count_facts(counts, 10)

    assert (stored["icr_writes"], "exits" in stored) == (2.0, False)


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        pytest.param({}, [], id="usual"),
        pytest.param({"guest_bits": 32}, ["32-bit"], id="word-size"),
        pytest.param({"host_cpus": 4}, ["on 4 host CPUs"], id="host-cpus"),
        pytest.param(
            {"linux": "4.19", "shorthands": "no"},
            ["Linux 4.19"],
            id="linux",
        ),
        pytest.param(
            {"variant": "packed", "family": "fanout"}, ["fanout packed"], id="a-family-member"
        ),
        pytest.param({"variant": "packed"}, ["unknown packed"], id="a-family-that-is-missing"),
    ],
)
def test_a_heading_mentions_the_unusual(facts: dict[str, Any], expected: list[str]) -> None:
    """After what every heading says: vCPUs, APIC IDs, the kernel and the state of targets."""
    heading = list(schema.heading(row_of("broadcast", CLUSTER, 1e-6, **facts).facts))

    assert [words for words in heading if words in expected] == expected
    assert len(set(heading) - set(expected)) == 4 - ("Linux 4.19" in expected)


def test_a_32_bit_guest_has_the_same_words_in_a_name_and_in_a_heading() -> None:
    """One fact has one wording."""
    case = case_of(bits=32)
    facts = schema.case_facts(case)

    assert " dense:4/32-bit " in schema.case_name(case)
    assert "32-bit" in schema.heading(facts)
    assert schema.side("guest", facts) == "dense:4/32-bit"


def test_a_result_has_sentences_about_its_source() -> None:
    """Source and caveat of a published file come first, then the notes of a delivery."""
    facts = {"source": "a paper", "caveat": "one run", "note_1": "TSCs differ."}

    assert list(schema.sentences(facts)) == [
        "Source: a paper.",
        "Caveat: one run.",
        "TSCs differ.",
    ]


def test_a_file_that_lacks_an_axis_that_became_required_is_refused(
    monkeypatch: pytest.MonkeyPatch, native_file: Path
) -> None:
    """Reports compute with what the schema requires, and with nothing else."""
    strict = attrs.evolve(ERA, required=True)
    monkeypatch.setattr(schema, "TABLE", (*schema.TABLE, strict))

    with pytest.raises(UsageError, match="there is no era"):
        result_files.read(str(native_file))


@pytest.mark.parametrize(
    ("facts", "message"),
    [
        pytest.param({"era": 6.12}, "era is not a text", id="a-number-for-a-text"),
        pytest.param({"lost": "many"}, "lost is not a number of 0 or more", id="a-text"),
        pytest.param({"lost": -1}, "lost is not a number of 0 or more", id="below-zero"),
    ],
)
@pytest.mark.usefixtures("_with_era")
def test_values_have_the_types_of_the_schema(
    tmp_path: Path, facts: dict[str, Any], message: str
) -> None:
    """A file may have been edited."""
    name = file_of(tmp_path / "a.json", row_of("broadcast", CLUSTER, 1e-6, **facts))

    with pytest.raises(UsageError, match=message):
        result_files.read(name)


def test_every_fact_of_a_modelled_file_is_declared(native_file: Path) -> None:
    """The core reads only facts that the schema declares."""
    (first, *_) = rows(result_files.read(str(native_file)))
    of_pyperf = {"name", "unit", "loops"}
    declared = {name for name in first.facts if schema.role_of(name)}

    assert set(first.facts) - of_pyperf - declared == set()
