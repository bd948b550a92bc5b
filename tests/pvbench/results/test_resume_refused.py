"""`--resume -o FILE` where FILE is not the run that was asked for: nothing is touched."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from pvbench.plugin.registry import Registry
from pvbench.run import loop as runs
from pvbench.run import preparation
from pvbench.run.boot import run_boot
from support.plugin_sources import delivery_around_the_model, overlay
from support.resume import SMALL, cut_after, small
from support.runs import AddPlugin, Cli, command, journal_of

TO_FILE = ("-o", "a.json", "--resume")
RESULTS, BOOK = Path("a.json"), Path("a.jsonl")
COST_PROFILE = """\
base = "skylake-2018"
base_machine = "same"
title = "mine"
costs.icr_write = {{ value = {}, unit = "cycles", confidence = "A", source = "timed here" }}
"""


pytestmark = pytest.mark.usefixtures("replayed_boots")


@pytest.fixture(autouse=True)
def git(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A command git that says which revision is checked out: none, until a test sets one."""
    monkeypatch.delenv("TOX_ENV_NAME", raising=False)
    folder = tmp_path_factory.mktemp("git")
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    return check_out(folder / "git", None)


def check_out(git: Path, revision: str | None) -> Path:
    """Let *git* print this revision, or that there is no repository."""
    git.write_text(f"#!/bin/sh\necho {revision}\n" if revision else "#!/bin/sh\nexit 128\n")
    git.chmod(0o755)
    return git


def files() -> dict[str, bytes]:
    """Everything in the current directory."""
    return {path.name: path.read_bytes() for path in Path().iterdir()}


def refused(cli: Cli, *options: str) -> str:
    """The sentence a run is refused with; nothing is touched."""
    before = files()
    output = small(cli, *TO_FILE, *options)

    assert (output.status, output.out, output.err.count("\n")) == (2, "", 1)
    assert files() == before
    return output.err.removeprefix("pvbench: ").rstrip()


WIDER = "norov.normal-ipi x2apic-physical dense:4 halted linux-4.19 model@local skylake-2018"


@pytest.mark.parametrize(
    ("options", "why"),
    [
        pytest.param(("--seed", "7"), "seed was 0, is 7", id="seed"),
        pytest.param(("--label", "x"), "label was none, is 'x'", id="label"),
        pytest.param(
            ("--boots", "1"), "effort.boots was 2, is 1, boots was 2, is 1", id="boots"
        ),
        pytest.param(
            ("--vcpus", "1,3,4"),
            f"boots was 2, is 4, {WIDER} and 1 more are new",
            id="guest-more",
        ),
        pytest.param(
            ("-k", "*.broadcast and dense:3"),
            "norov.normal-ipi x2apic-physical dense:1 halted linux-4.19 model@local "
            "skylake-2018 and 2 more are gone",
            id="cases-gone",
        ),
        pytest.param(("--vcpus", "3,1"), "its cases come in another order", id="order"),
    ],
)
def test_another_plan_is_refused_with_its_differences(
    cli: Cli, options: tuple[str, ...], why: str
) -> None:
    """One sentence, exit status 2, and another -o as the way out."""
    small(cli, *TO_FILE)
    cut_after(RESULTS, 1)
    sentence = refused(cli, *options)

    expected = f"a.json holds another run: {why}. Give another -o FILE."
    assert sentence.removeprefix("--label: ") == expected  # an option whose value is quoted


def test_another_effort_is_refused(cli: Cli) -> None:
    """A result mixes no loops."""
    small(cli, *TO_FILE)
    before = files()
    slower = [option for option in SMALL if option != "--fast"]
    output = cli(*slower, *TO_FILE)

    assert (output.status, files()) == (2, before)
    assert "another run: effort.loops was 5, is 20. Give" in output.err


def test_other_software_is_refused(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    """The pvbench that began a run finishes it."""
    monkeypatch.setattr(preparation, "version", lambda _: "0.0.1")
    small(cli, *TO_FILE)
    monkeypatch.setattr(preparation, "version", lambda _: "0.0.2")

    assert "another run: pvbench_version was '0.0.1', is '0.0.2'. Give" in refused(cli)


def test_another_version_of_a_sender_is_refused(
    cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is in the metadata of each result, so it is in the plan."""
    small(cli, *TO_FILE)
    monkeypatch.setattr(Registry, "origin", lambda *_: "pvbench 9.9")
    sentence = refused(cli)

    assert "senders.x2apic-physical was 'pvbench " in sentence
    assert sentence.count("is 'pvbench 9.9'") == 2  # and the delivery


@pytest.mark.parametrize(
    ("before", "current", "why"),
    [
        pytest.param("abc", "def", "'abc', is 'def'", id="new"),
        pytest.param("abc", None, "'abc', is none", id="gone"),
        pytest.param(None, "abc", "none, is 'abc'", id="come"),
    ],
)
def test_another_revision_is_refused(
    cli: Cli, git: Path, before: str | None, current: str | None, why: str
) -> None:
    """Also if the repository is gone: a tag that is missing differs from one that is not."""
    check_out(git, before)
    small(cli, *TO_FILE)
    check_out(git, current)

    assert f"another run: pvbench_git was {why}. Give" in refused(cli)


def test_an_edited_cost_profile_is_refused(cli: Cli) -> None:
    """Its name is the same, its content is not."""
    mine = Path("mine.toml")
    mine.write_text(COST_PROFILE.format(500))
    assert small(cli, *TO_FILE, "--costs", "mine.toml").status == 0
    mine.write_text(COST_PROFILE.format(501))

    assert "another run: pvbench_costs_sha256 was '" in refused(cli, "--costs", "mine.toml")


IN_ORDER = "return (WrMsr(0x830, apic.id(cpu) << 32 | vector) for cpu in cpus)"
REVERSED = "return (WrMsr(0x830, apic.id(cpu) << 32 | vector) for cpu in reversed(cpus))"


def test_another_order_of_a_sender_s_ops_is_refused(cli: Cli) -> None:
    """Its counts are the same; what the guests execute is not."""
    mine = Path("mine.py")
    options = ("-p", "./mine.py", "--sender", "mine")
    mine.write_text(f"pvbench_api = 1\n{overlay('mine', IN_ORDER)}")
    assert small(cli, *TO_FILE, *options).status == 0
    mine.write_text(f"pvbench_api = 1\n{overlay('mine', REVERSED)}")

    assert "another run: what its guests execute has changed. Give" in refused(cli, *options)


WITH_PROBE = """
    def describe(self, options):
        probe = os.environ["PROBE"]
        answers = {"probes": {"another-mechanism": probe}, "notes": (f"Probe: {probe}.",)}
        return attrs.evolve(super().describe(options), **answers)

    @contextmanager"""


def test_a_run_is_resumed_although_probes_and_notes_differ(
    cli: Cli, add_plugin: AddPlugin, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A probe that failed may succeed later, but guests execute the same ops."""
    source = delivery_around_the_model("modest")
    add_plugin("modest", source.replace("\n    @contextmanager", WITH_PROBE, 1))
    options = (*TO_FILE, "-p", "modest", "--delivery", "modest")
    monkeypatch.setenv("PROBE", "it does not return")
    first = small(cli, *options)
    monkeypatch.setenv("PROBE", "")

    assert (first.status, small(cli, *options).status) == (0, 0)
    assert "Probe: it does not return." in cli("show", "a.json").out.splitlines()


@pytest.mark.parametrize(
    ("content", "why"),
    [
        pytest.param(None, "a.json cannot be resumed: it has no journal.", id="gone"),
        pytest.param(b"", "a.json cannot be resumed: it has no journal.", id="empty"),
        pytest.param(
            b'{"plan": {"form',
            "a.json cannot be resumed: its journal a.jsonl is cut off within the plan of the "
            "run. Give another -o FILE.",
            id="cut",
        ),
        pytest.param(b"[1]\n", "a.jsonl is not a journal of a run: line 1", id="no-journal"),
        pytest.param(b"hello", "not a journal of a run: it does not start", id="text"),
        pytest.param(b'{"plan": {"format": 2}}\n', "journal of format 2, not 1", id="later"),
    ],
)
def test_results_without_their_journal_are_refused(
    cli: Cli, content: bytes | None, why: str
) -> None:
    """The boots in them are unknown."""
    small(cli, *TO_FILE)
    BOOK.unlink()
    if content is not None:
        BOOK.write_bytes(content)

    assert why in refused(cli)


def test_a_journal_that_cannot_be_written_leaves_the_results(cli: Cli) -> None:
    """A directory is in its place, for example; a file of another process is not removed."""
    RESULTS.touch()
    BOOK.mkdir()
    output = small(cli, *TO_FILE)

    assert (output.status, sorted(os.listdir())) == (5, ["a.json", "a.jsonl"])
    assert "a.jsonl cannot be written: Is a directory" in output.err


# In the middle of its first boot a run starts the same run again.
SECOND = """
        if os.environ.pop('SECOND', None):
            import subprocess
            again = os.environ['RUN'].split('\\t')
            done = subprocess.run(again, capture_output=True, text=True, check=False)
            Path('second').write_text(f'{done.returncode}: {done.stderr}')
"""


@pytest.mark.usefixtures("one_cpu")
def test_the_second_of_two_runs_into_one_file_is_refused(
    cli: Cli, add_plugin: AddPlugin, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its exit status is 5 at once; the first one is unharmed."""
    monkeypatch.setattr(runs, "run_boot", run_boot)
    add_plugin("twice", delivery_around_the_model("twice", before_boot=SECOND))
    options = (*TO_FILE, "-p", "twice", "--delivery", "twice")
    monkeypatch.setenv("RUN", "\t".join(command(*SMALL, *options)))
    plain = small(cli, *options, "-o", "b.json")
    monkeypatch.setenv("SECOND", "yes")
    output = small(cli, *options)

    assert (output.status, output.out) == (0, plain.out)
    assert RESULTS.read_bytes() == Path("b.json").read_bytes()
    assert [next(iter(entry)) for entry in journal_of(RESULTS)].count("plan") == 1
    assert Path("second").read_text() == (
        "5: pvbench: another run is writing a.jsonl. Wait for it.\n"
    )


def test_a_file_name_that_does_not_end_in_json_is_refused(cli: Cli) -> None:
    """`--resume` makes no exception for an empty file of another kind."""
    Path("a.txt").touch()
    output = small(cli, "--resume", "-o", "a.txt")

    assert (output.status, "a.txt does not end in .json" in output.err) == (2, True)
