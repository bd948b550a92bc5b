"""`pvbench run ./my_suite.py`: a question of one's own in one file."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from pvbench.results import files as result_files
from pvbench.results.rows import Row, rows
from support.plugin_sources import delivery_around_the_model, overlay
from support.runs import Cli, Output

Write = Callable[..., str]

IN_ORDER = "return (WrMsr(0x830, apic.id(cpu) << 32 | vector) for cpu in cpus)"
SUITE = """
from pvbench.hookspecs import hookimpl
from pvbench.ops import Burst
from pvbench.suite import Suite
from pvbench.workload import Workload

def to_one(guest):
    return (Burst(source=0, operation="smp_call_function_many", targets=(1,)),)

@hookimpl
def pvbench_workloads():
    return [Workload(name="to-one", summary="for tests", bursts=to_one, needs_cpus=2)]

@hookimpl
def pvbench_suites():
    return [
        Suite(
            name=name,
            version={version},
            summary="for tests",
            workloads=("to-one",),
            drivers=("x2apic-physical",),
            overlays=("mine",),
            guests=("3",),
        )
        for name in {names}
    ]
"""
QUICK = ("--fast", "-q", "-o", "a.json")


@pytest.fixture
def write(cli: Cli) -> Write:
    """Write a file with suites, their workload and their sender."""

    def to(path: str, *names: str, version: int = 1, source_end: str = "") -> str:
        source = overlay("mine", IN_ORDER) + SUITE.format(names=names, version=version)
        Path(path).parent.mkdir(exist_ok=True)
        Path(path).write_text(f"pvbench_api = 1\n{source}{source_end}")
        return path

    return to


def measured(output: Output) -> list[Row]:
    """The rows of a.json, once the run that wrote it is over."""
    assert (output.status, output.err) == (0, "results: a.json\n")
    return rows(result_files.read("a.json"))


@pytest.mark.parametrize(
    ("path", "name"),
    [
        pytest.param("question.py", "question.py", id="plain"),
        pytest.param("question.py", "./question.py", id="dot"),
        pytest.param("below/question.py", "below/question.py", id="folder"),
        pytest.param("below/question.py", "below/../below/question.py", id="roundabout"),
        pytest.param("my question.py", "./my question.py", id="blank"),
        pytest.param("my-question.2.py", "my-question.2.py", id="dash-and-dot"),
        pytest.param("json.py", "./json.py", id="named-like-a-module"),
        pytest.param("question.py", "{here}/question.py", id="absolute"),
    ],
)
def test_suite_sender_and_workload_may_share_a_file(
    cli: Cli, write: Write, path: str, name: str
) -> None:
    """However its path is written, and whatever characters are in it."""
    write(path, "question")
    series = measured(cli("run", name.format(here=Path.cwd()), *QUICK))

    assert {(r.fact("suite"), r.fact("workload")) for r in series} == {("question", "to-one")}
    assert {r.fact("stack") for r in series} == {"x2apic-physical", "mine/x2apic-physical"}


@pytest.mark.parametrize("name", ["question.py", "./question.py", "{here}/question.py"])
def test_a_file_given_twice_is_one(cli: Cli, write: Write, name: str) -> None:
    """It is given as suite and by -p, which may be a default of the user."""
    write("question.py", "question")
    plugin = name.format(here=Path.cwd())

    assert measured(cli("run", "./question.py", "-p", plugin, *QUICK))


def test_a_file_in_the_defaults_can_be_run(cli: Cli, write: Write) -> None:
    """There it has another path than as it is typed."""
    write("question.py", "question")
    Path("pyproject.toml").write_text('[tool.pvbench]\nplugins = ["./question.py"]\n')

    assert measured(cli("run", "./question.py", *QUICK))


@pytest.mark.parametrize(
    ("names", "sentence"),
    [
        pytest.param((), "./question.py offers no suite, not one suite", id="no-suite"),
        pytest.param(
            ("one", "two"),
            "./question.py offers one, two, not one suite. "
            "Name one: pvbench run NAME -p ./question.py.",
            id="two-suites",
        ),
    ],
)
def test_a_file_has_one_suite(
    cli: Cli, write: Write, names: tuple[str, ...], sentence: str
) -> None:
    """Of several one is named."""
    output = cli("run", write("./question.py", *names), *QUICK)

    assert (output.status, output.out, output.err) == (2, "", f"pvbench: {sentence}\n")


def test_one_of_several_suites_is_run_by_name(cli: Cli, write: Write) -> None:
    """As the refusal says."""
    series = measured(cli("run", "two", "-p", write("./question.py", "one", "two"), *QUICK))

    assert {row.fact("suite") for row in series} == {"two"}


@pytest.mark.parametrize("name", ["missing.py", "./missing.py", "/nowhere/x.py"])
def test_a_missing_file_is_refused(cli: Cli, name: str) -> None:
    """Before any plugin is loaded."""
    output = cli("run", name, *QUICK)

    assert (output.status, output.out) == (2, "")
    assert output.err == f"pvbench: there is no file {name}\n"


@pytest.mark.parametrize("make", [os.mkdir, os.mkfifo])
def test_a_folder_or_fifo_is_no_suite(cli: Cli, make: Callable[[str], None]) -> None:
    """A FIFO is not opened, which would wait for a writer."""
    make("x.py")
    output = cli("run", "x.py", *QUICK)

    assert (output.status, output.out) == (2, "")
    assert output.err == "pvbench: x.py is not a regular file\n"


@pytest.mark.parametrize(
    ("content", "why"),
    [
        pytest.param("def f(:\n", "SyntaxError: ", id="syntax"),
        pytest.param("pvbench_api = 1\n1 / 0\n", "ZeroDivisionError: ", id="raises"),
        pytest.param("pvbench_api = 1\n", "it has no hook", id="no-hook"),
        pytest.param("x = 1\n", "it lacks pvbench_api, and this pvbench needs", id="no-api"),
        pytest.param("raise SystemExit(0)\n", "SystemExit: 0", id="leaves"),
        pytest.param("\0", "", id="no-text"),
    ],
)
def test_a_broken_file_is_named_with_its_error(cli: Cli, content: str, why: str) -> None:
    """The exit status is 2; there is no traceback, and nothing is on disk."""
    Path("question.py").write_text(content)
    output = cli("run", "./question.py", *QUICK)
    first, second = output.err.splitlines()

    assert (output.status, output.out, Path("a.json").exists()) == (2, "", False)
    assert first.startswith("pvbench: plugin ./question.py is broken: ")
    assert why in first
    assert second == "pvbench: ./question.py cannot be used: as a plugin it is broken"


def test_a_blocked_file_is_not_run(cli: Cli, write: Write) -> None:
    """The two options contradict each other."""
    output = cli("run", write("./question.py", "question"), "-p", "no:./question.py", *QUICK)

    assert (output.status, output.out) == (2, "")
    assert "./question.py cannot be used: as a plugin it is blocked" in output.err


def test_a_worker_loads_a_delivery_by_its_path(cli: Cli, write: Write) -> None:
    """The file has a blank in its name and cannot be imported as a module."""
    delivery = delivery_around_the_model("own")
    path = write("my question.py", "question", source_end=delivery)

    series = measured(cli("run", path, "--delivery", "own", *QUICK))

    assert {row.fact("delivery") for row in series} == {"own"}


@pytest.mark.parametrize(
    ("command", "text"),
    [
        pytest.param(
            ("list", "senders", "--csv"), "mine,for tests,overlay,", id="list-senders"
        ),
        pytest.param(("list", "workloads", "--csv"), "to-one,for tests", id="list-workloads"),
        pytest.param(("list", "suites", "--csv"), "question,for tests,3", id="list-suites"),
        pytest.param(("explain", "mine", "--targets", "1"), "ICR writes    1\n", id="explain"),
        pytest.param(("plugins", "--csv"), "./question.py,-,-,ok,", id="plugins"),
        pytest.param(("run", "question", "--dry-run"), "2 cases, 1 boot", id="run"),
    ],
)
def test_other_commands_take_the_file_as_a_plugin(
    cli: Cli, write: Write, command: tuple[str, ...], text: str
) -> None:
    """Other commands can show everything that `run` can use."""
    output = cli(*command, "-p", write("./question.py", "question", version=3))

    assert (output.status, output.err) == (0, "")
    assert text in output.out


def test_results_of_another_version_are_not_compared(cli: Cli, write: Write) -> None:
    """An author who changes the suite raises ``version``; exit status 2 gives the reason."""
    for version in (1, 1, 2):
        count = len(list(Path().glob("*.json")))
        path = write("question.py", "question", version=version)
        output = cli("run", path, "--fast", "-q", "-o", f"{count}.json")
        assert output.status == 0
    comparison = cli("compare", "0.json", "1.json")
    other = cli("compare", "0.json", "2.json")

    assert (comparison.status, other.status, other.out) == (0, 2, "")
    assert other.err == (
        "pvbench: results of different suites or versions of one are not ranked: question "
        "version 1, question version 2. Compare results of one suite and version.\n"
    )


def test_a_suite_without_cases_is_reported(write: Write, cli: Cli) -> None:
    """Without a workload the exit status is 3, with a sentence, and there is no file."""
    path = write("mine.py", "one")
    Path(path).write_text(Path(path).read_text().replace('("to-one",)', "()"))

    output = cli("run", f"./{path}", *QUICK)

    assert (output.status, output.err) == (3, "pvbench: suite one has no cases\n")
    assert not Path("a.json").exists()
