"""The outcome of a resumed run: the later one of each boot, then the worst of all boots."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from pvbench.results import files as result_files
from support.plugin_sources import delivery_around_the_model
from support.resume import cut_after, small
from support.runs import AddPlugin, Cli, buffered, console, journal_of

pytestmark = pytest.mark.usefixtures("one_cpu")

# The guest whose boot crashes; the guest whose boot ends its run by a signal.
CRASH = "os.environ.get('CRASH') == guest.name and os._exit(3)"
SIGNAL = (
    "guest.name == 'dense:3' and 'SIGNAL' in os.environ and "
    "(os.kill(os.getppid(), int(os.environ['SIGNAL'])), sys.stdin.read())"
)
# No proof of mechanism in the guest of two.
LIE = (
    "if len(result.counts.handlers) == 2:"
    " result = attrs.evolve(result, counts=attrs.evolve(result.counts, icr_writes=99))"
)
PATH = Path("a.json")
TO_FILE = ("-o", "a.json", "--resume")
# Two guests, one boot of each; the order of this seed is dense:2, dense:3.
GUESTS = ("--vcpus", "2,3", "-k", "*.broadcast", "--boots", "1", "--seed", "0")


@pytest.fixture(params=[2, 3])
def crashing(
    add_plugin: AddPlugin, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> tuple[str, ...]:
    """A run one of whose two boots crashes."""
    add_plugin("crashing", delivery_around_the_model("crashing", before_boot=CRASH))
    monkeypatch.setenv("CRASH", f"dense:{request.param}")
    return (*TO_FILE, *GUESTS, "-p", "crashing", "--delivery", "crashing")


def outcomes() -> list[tuple[str, str]]:
    """(guest, outcome) of the boots in the journal, in its order."""
    boots = [entry for entry in journal_of(PATH) if "boot" in entry]
    return [(boot["guest"], boot["outcome"]) for boot in boots]


def runs_of_each() -> set[int]:
    """The numbers of boots of the series in the result file."""
    return {len(benchmark.get_runs()) for benchmark in result_files.read(str(PATH))}


def test_a_boot_that_failed_is_tried_again_and_the_later_outcome_counts(
    cli: Cli, crashing: tuple[str, ...], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """In the exit status, under the table of the run and under that of `show`."""
    first = small(cli, *crashing)
    monkeypatch.delenv("CRASH")
    second = small(cli, *crashing)
    table = cli("show", "a.json")

    assert (first.status, second.status) == (5, 0)
    assert "failed: norov.broadcast" in first.out
    assert ("failed" in second.out, "failed" in table.out) == (False, False)
    assert second.out == table.out
    assert [outcome for _, outcome in outcomes()].count("ok") == 2
    undisturbed = small(cli, *crashing, "-o", str(tmp_path / "b.json"))
    assert (undisturbed.out, PATH.read_bytes()) == (second.out, Path("b.json").read_bytes())


def test_a_boot_that_fails_twice_is_reported_once(cli: Cli, crashing: tuple[str, ...]) -> None:
    """Twice in the journal, but it is one boot without a number."""
    first, second = small(cli, *crashing), small(cli, *crashing)

    assert (first.status, second.status) == (5, 5)
    assert first.out == second.out
    assert [outcome for _, outcome in outcomes()].count("failed") == 2
    assert runs_of_each() == {1}


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_run_that_was_ended_by_a_signal_is_continued(
    tmp_path: Path, add_plugin: AddPlugin, number: signal.Signals
) -> None:
    """The boot in flight is lost and repeated; the rest of the file is what it was."""
    add_plugin("signalling", delivery_around_the_model("signalling", before_boot=SIGNAL))
    options = (*TO_FILE, *GUESTS, "-p", "signalling", "--delivery", "signalling")
    command = ("run", "norov", "--fast", "-q", "--sender", "native", *options)
    environment = buffered() | {"SIGNAL": str(int(number))}

    continued = console(*command, cwd=tmp_path, env=environment)
    path = tmp_path / "a.json"
    table = console("show", "a.json", cwd=tmp_path)
    resumed = console(*command, cwd=tmp_path)
    undisturbed = console(*command, "-o", "b.json", cwd=tmp_path)

    assert (continued.returncode, resumed.returncode) == (128 + number, 0)
    assert f"incomplete: 1 of 2 boots, the run ended by signal {number}" in table.stdout
    assert [next(iter(entry)) for entry in journal_of(path)] == [
        *("plan", "boot", "end", "boot", "end"),
    ]
    assert resumed.stdout == undisturbed.stdout
    assert path.read_bytes() == (tmp_path / "b.json").read_bytes()


def test_a_void_case_before_the_kill_stays_void(cli: Cli, add_plugin: AddPlugin) -> None:
    """It ended with exit status 6 then, so the whole run does; a proof is not retried."""
    add_plugin("lying", delivery_around_the_model("lying", after_slice=LIE))
    options = (*TO_FILE, *GUESTS, "-p", "lying", "--delivery", "lying")
    complete = small(cli, *options)
    cut_after(PATH, 1)
    resumed = small(cli, *options)

    assert outcomes() == [("dense:2", "ok"), ("dense:3", "ok")]
    assert (complete.status, resumed.status) == (6, 6)
    assert "void: norov.broadcast" in resumed.out
    assert complete.out == resumed.out


def test_refused_cases_are_reported_once(cli: Cli) -> None:
    """However often a run is killed: in its journal, and below its table."""
    small(cli, *TO_FILE)
    for boots in (0, 1, 1):
        cut_after(PATH, boots)
        output = small(cli, *TO_FILE)
    refused = [entry["case"] for entry in journal_of(PATH) if "case" in entry]

    assert (len(refused), len(set(refused))) == (2, 2)
    assert output.out.count("unsupported: ") == 2


def test_a_case_that_is_blocked_keeps_the_status_of_a_resumed_run(cli: Cli) -> None:
    """A missing plugin is the environment's fault, before the kill and after it."""
    run = ("run", "norov", "--fast", "-q", "--sender", "native", *GUESTS, *TO_FILE)
    missing = (*run, "-p", "no:send-x2apic-cluster")
    first = cli(*missing)
    cut_after(PATH, 1)

    assert (first.status, cli(*missing).status) == (5, 5)


def test_a_finished_run_prints_its_table_and_changes_nothing(cli: Cli) -> None:
    """Neither file changes, no file is added, and no guest boots."""
    first = small(cli, *TO_FILE)
    before = {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in Path().iterdir()}
    second = small(cli, *TO_FILE)
    after = {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in Path().iterdir()}

    assert (second.status, second.out, second.err) == (0, first.out, "results: a.json\n")
    assert after == before
