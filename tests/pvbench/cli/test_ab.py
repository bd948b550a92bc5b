"""`pvbench ab`: two runs whose boots alternate, and their comparison."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from pvbench.results import files as result_files
from pvbench.run.ab import Session
from support.helpers import DEADLINE_S
from support.kvm_runs import members, result_after
from support.plugin_sources import delivery_around_the_model
from support.runs import AddPlugin, Cli, buffered, command, journal_of, wait_for

ONE = ("ab", "norov", "--driver", "x2apic-physical", "--vcpus", "4", "-q")
QUICK = (*ONE, "--sender", "native", "-k", "normal", "-o", "x.json")
# The third boot tells that it has begun, and then waits for somebody to write.
BLOCK_IN_BOOT_3 = (
    "made = Path(os.environ['BOOTS']); made.open('a').write('.');"
    "made.read_text() == '...' and ("
    "Path(os.environ['BEGUN']).write_text('!'), open(os.environ['GO']).read())"
)


def facts_of(path: str, name: str) -> list[object]:
    """A fact of each boot of the only case's first series."""
    benchmark = next(iter(result_files.read(path)))
    return [run.get_metadata().get(f"pvbench_{name}") for run in benchmark.get_runs()]


@pytest.fixture
def timed(add_plugin: AddPlugin) -> tuple[str, ...]:
    """Options of sides whose clock is noisy."""
    add_plugin("timed", delivery_around_the_model("timed", noisy=True))
    return ("-p", "timed", "--delivery", "timed", "--fast")


def test_the_sides_are_compared_with_the_status_of_compare(cli: Cli) -> None:
    """A hypercall is faster than seven writes; the other way round it is a regression."""
    sides = ("--a=--sender native", "--b", "--sender kvm-pv")
    done = cli(*ONE, "-k", "broadcast ", *sides, "-o", "x.json", "--csv")
    compared = cli("compare", "x-a.json", "x-b.json", "--csv")
    reverse = cli("compare", "x-b.json", "x-a.json")

    assert (done.status, done.out) == (compared.status, compared.out)
    assert (done.status, "faster" in done.out, reverse.status) == (0, True, 1)
    assert done.err.endswith("results of side a: x-a.json\nresults of side b: x-b.json\n")
    assert [facts_of(f"x-{side}.json", "ab_side") for side in "ab"] == [["a"], ["b"]]
    assert facts_of("x-a.json", "ab_session") == facts_of("x-b.json", "ab_session") != [None]
    assert facts_of("x-a.json", "ab_first") == facts_of("x-b.json", "ab_first")
    assert [facts_of(f"x-{side}.json", "label") for side in "ab"] == [["a"], ["b"]]


def test_both_sides_store_the_command_of_the_session(cli: Cli) -> None:
    """A report of the two files shows it."""
    cli(*QUICK)
    commands = [
        entry["command"]
        for side in "ab"
        for line in Path(f"x-{side}.jsonl").read_text().splitlines()
        if "command" in (entry := json.loads(line))
    ]

    assert commands == [list(QUICK)] * 2
    assert (
        "pvbench ab norov --driver x2apic-physical" in cli("report", "x-a.json", "x-b.json").out
    )


def test_the_sides_may_be_tox_environments(cli: Cli, tmp_path: Path) -> None:
    """Each is a run of the Python there; its name is stored."""
    for name in ("old", "new"):
        python = tmp_path / ".tox" / name / "bin" / "python"
        python.parent.mkdir(parents=True)
        python.write_text(f'#!/bin/sh\nexec {sys.executable} "$@"\n')
        python.chmod(0o755)
    done = cli(*QUICK, "--env", "old", "--env", "new")

    assert (done.status, "equal" in done.out) == (0, True)
    assert [facts_of(f"x-{side}.json", "tox_env") for side in "ab"] == [["old"], ["new"]]


def test_resuming_adds_the_pairs_that_a_session_lacks(cli: Cli, timed: tuple[str, ...]) -> None:
    """The seed stays, and the first pair too."""
    cli(*QUICK, *timed, "--boots", "1")
    seed = journal_of(Path("x-a.json"))[0]["plan"]["seed"]
    first = facts_of("x-a.json", "ab_session")
    done = cli(*QUICK, *timed, "--boots", "2", "--resume")
    plans = [line["plan"] for line in journal_of(Path("x-b.json")) if "plan" in line]
    sessions = facts_of("x-a.json", "ab_session")

    assert done.status == 4  # two boots decide nothing
    assert (sessions[:1], sessions) == (first, facts_of("x-b.json", "ab_session"))
    assert sessions[1] != sessions[0]
    assert [plan["seed"] for plan in plans] == [seed, seed]


def test_a_dry_run_prints_both_plans(cli: Cli, capfd: pytest.CaptureFixture[str]) -> None:
    """It runs nothing and writes nothing."""
    done = cli(*ONE, "-k", "normal", "--a=--sender native", "--b=--sender kvm-pv", "--dry-run")

    assert (done.status, os.listdir()) == (0, [])
    assert capfd.readouterr().out.count("1 case, 1 boot") == 2


@pytest.mark.parametrize(
    ("options", "error"),
    [
        pytest.param(
            ("--a=-o y.json",),
            "--a has an option of the whole session. Give -o, --resume, --seed and --dry-run "
            "to `pvbench ab` itself",
            id="option-of-the-session",
        ),
        pytest.param(
            ("--b", "--sendr native"), "there is no option called '--sendr'", id="misspelt"
        ),
        pytest.param(
            ("--a", "'"), '"\'" is not a command line: No closing quotation', id="quote"
        ),
        pytest.param(
            3 * ("--costs", "skylake-2018"),
            "--costs is given 3 times, and there are two sides",
            id="three-sides",
        ),
        pytest.param(
            ("--python", "no-such-python"),
            "there is no interpreter 'no-such-python'",
            id="no-python",
        ),
        pytest.param(
            ("--env", "old"),
            "--env: there is no tox environment 'old' here: .tox/old/bin/python does not "
            "exist. Run tox -e old --notest first",
            id="no-environment",
        ),
        pytest.param(
            ("--env", "old", "--python", "python3"),
            "--env and --python exclude each other. Leave one of them out",
            id="both",
        ),
        pytest.param(("--margin", "200"), "--margin 200 is not in 0..100 percent", id="margin"),
        pytest.param(("-o", "x.txt"), "x.txt does not end in .json or .json.gz", id="no-json"),
        pytest.param(
            ("--timeout", "nan"), "--timeout nan is not above 0 and at most", id="timeout"
        ),
        pytest.param(("--max-boots", "3"), "--max-boots needs --until settled", id="until"),
        pytest.param(("-o", ""), "-o '' names no file. Give a name such as", id="no-name"),
    ],
)
def test_wrong_usage_starts_no_side(cli: Cli, options: tuple[str, ...], error: str) -> None:
    """One sentence, exit status 2, no file."""
    done = cli(*ONE, *options)

    assert (done.status, os.listdir()) == (2, [])
    assert error in done.err


def test_a_file_that_exists_is_not_replaced(cli: Cli) -> None:
    """The file of the other side is removed."""
    Path("x-b.json").write_text("mine")
    done = cli(*QUICK)

    assert (done.status, sorted(os.listdir())) == (2, ["x-b.json"])
    assert Path("x-b.json").read_text() == "mine"


def test_a_side_that_cannot_begin_leaves_no_file(cli: Cli) -> None:
    """Its sentence is printed once; the status is that of the side."""
    done = cli(*ONE, "-k", "bogus")

    assert (done.status, list(Path().rglob("*.json"))) == (3, [])
    assert done.err.count("bogus") == 1
    assert "side a: -k 'bogus'" in done.err
    assert done.err.endswith("side a ended with status 3 before its first boot\n")


def test_a_bug_leaves_no_empty_file(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    """`show` would take it for a run that is about to begin."""
    monkeypatch.setattr(Session, "take", lambda _: 1 // 0)

    assert (cli(*QUICK).status, os.listdir()) == (70, [])


def test_a_case_that_one_side_refuses_is_named(cli: Cli) -> None:
    """The other side has a boot more, so there are no pairs."""
    done = cli(*ONE, "-k", "normal", "--a=--sender native", "--b=--sender kernel")

    assert done.status == 2
    assert "side a has 1 boot and side b has 0 boots" in done.err
    assert "side b: unsupported: norov.normal-ipi kernel" in done.err


def test_a_session_without_a_boot_leaves_no_file(cli: Cli) -> None:
    """Its name can be used again, and there is nothing to resume."""
    sides = ("--a=--sender native", "--b=--sender nosuch")
    done = cli(*ONE, "-k", "normal", *sides, "-o", "x.json")
    remaining = os.listdir()
    again = cli(*QUICK)

    assert (done.status, remaining, again.status) == (2, [], 0)
    assert "there is no sender" in done.err
    assert "--resume" not in done.err


# ended from outside


@pytest.fixture
def blocked(
    cli: Cli, tmp_path: Path, add_plugin: AddPlugin, monkeypatch: pytest.MonkeyPatch
) -> Iterator[subprocess.Popen[str]]:
    """A session in the middle of its second pair, in a session of processes of its own."""
    for name in ("BOOTS", "BEGUN", "GO"):
        monkeypatch.setenv(name, str(tmp_path / name))
    os.mkfifo("BEGUN")
    os.mkfifo("GO")
    add_plugin("blocking", delivery_around_the_model("blocking", before_boot=BLOCK_IN_BOOT_3))
    run = subprocess.Popen(
        command(*QUICK, "-p", "blocking", "--delivery", "blocking", "--boots", "3", "--fast"),
        env=buffered(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    with run:
        wait_for(Path("BEGUN"), run)
        yield run
        run.kill()


def states() -> list[list[object]]:
    """The boots and the end that the journal of each side has."""
    lines = [journal_of(Path(f"x-{side}.json"))[1:] for side in "ab"]
    return [[line.get("boot", line.get("end")) for line in side] for side in lines]


def test_ctrl_c_loses_the_boot_in_flight_only(blocked: subprocess.Popen[str]) -> None:
    """Both sides have ended, and what they measured is compared."""
    status, out, err = result_after(blocked, signal.SIGINT, group=True)

    assert (status, "equal" in out) == (130, True)
    assert "pvbench: ended early by signal 2\n" in err
    assert states() == [[1, 130], [1, 130]]
    assert {len(facts_of(f"x-{side}.json", "boot")) for side in "ab"} == {1}


def test_a_killed_session_ends_its_sides_and_is_resumed_with_whole_pairs(
    blocked: subprocess.Popen[str], cli: Cli
) -> None:
    """The boot in flight is stored first; later both sides repeat that pair."""
    sides = [os.pidfd_open(pid) for pid in members(blocked.pid) if pid != blocked.pid]
    blocked.kill()
    Path("GO").write_text("!")
    for side in sides:
        select.select([side], [], [], DEADLINE_S)
        os.close(side)
    killed = states()
    options = ("-p", "blocking", "--delivery", "blocking", "--boots", "3", "--fast", "--resume")
    done = cli(*QUICK, *options)
    sessions = facts_of("x-a.json", "ab_session")

    assert sorted(map(str, killed)) == ["[1, 143]", "[1, 2, 143]"]
    assert done.status == 0, done.err
    assert sessions == facts_of("x-b.json", "ab_session")
    assert [sessions[0] == sessions[1], sessions[1] == sessions[2]] == [False, True]
