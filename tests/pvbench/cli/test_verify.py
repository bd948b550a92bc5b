"""`pvbench verify`: real and stored outcomes, and the decoder of today."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from pvbench.errors import Status, UnavailableError
from pvbench.host import facts
from pvbench.ops import WriteMem, WrMsr
from pvbench.trials import Ending, Outcome
from pvbench.verify.judge import judge
from pvbench.verify.place import Place
from pvbench.verify.proposals import BITMAP_WORDS, SCENES_OF
from pvbench.verify.stored import Stored, read, write
from pvbench.verify.trials import FIRST_SCENES, Scene, Trial
from support.runs import AddPlugin, Cli

DATA = Path(__file__).parents[2] / "data" / "verify"


def stored(*pairs: tuple[Trial, Outcome], kernel: str = "9.9") -> Stored:
    """Trials and their outcomes."""
    return Stored(
        kernel=kernel,
        scenes=FIRST_SCENES,
        trials=tuple(trial for trial, _ in pairs),
        outcomes=tuple(outcome for _, outcome in pairs),
    )


AGREES = (Trial("x2", [(0, (WrMsr(0x830, 0x40),))]), Outcome({(0, 0x40): 1}, (Ending(),)))
DIFFERS = (Trial("x2", [(0, (WrMsr(0x830, 0x1_0000_0040),))]), Outcome({}, (Ending(),)))
EXCLUDED = (Trial("x2", [(0, (WrMsr(0x830, 0x240),))]), Outcome(lost="SMI"))


@pytest.fixture
def good(tmp_path: Path) -> str:
    """A file whose outcomes agree; one program is excluded."""
    write(stored(AGREES, EXCLUDED), tmp_path / "good.json")
    return str(tmp_path / "good.json")


@pytest.fixture
def bad(tmp_path: Path) -> str:
    """A file with a disagreement."""
    write(stored(AGREES, DIFFERS), tmp_path / "bad.json")
    return str(tmp_path / "bad.json")


def test_agreement_ends_with_status_0(cli: Cli, good: str) -> None:
    """The table has a row for the file, and each exclusion is a sentence."""
    output = cli("verify", "--judge", good)

    assert output.status == Status.OK
    assert "1 program excluded: An SMI or INIT changes the state of a CPU" in output.out


def test_a_disagreement_ends_with_status_6(cli: Cli, good: str, bad: str) -> None:
    """The smallest one is shown with the command that runs it again."""
    output = cli("verify", "--judge", good, bad)

    assert output.status == Status.PROOF
    assert "KVM does not interrupt CPU 1 by vector 0x40" in output.out.replace("\n  ", " ")
    assert "WrMsr(0x830, 0x100000040)" in output.out
    assert "pvbench verify --program" in output.out


def test_json_has_counts_and_examples(cli: Cli, good: str, bad: str) -> None:
    """They are sums over the files; each file has one example at most."""
    document = json.loads(cli("verify", "--judge", good, bad, "--json").out)

    assert (document["programs"], document["disagreements"]) == (4, 1)
    assert list(document["excluded"].values()) == [1]
    (example,) = document["examples"]
    assert (example["file"], example["program"]) == (bad, 1)
    assert example["trial"] == ["x2", [[0, [["WrMsr", 0x830, 0x1_0000_0040]]]]]
    assert [row["agree"] for row in document["files"]] == [1, 1]
    assert {row["kernel"] for row in document["files"]} == {"9.9"}


def test_stored_outcomes_of_an_old_kernel_name_its_era(cli: Cli) -> None:
    """Programs without an outcome are counted too."""
    output = cli("verify", "--judge", str(DATA / "raw-5.10-2.json.gz"))
    text = " ".join(output.out.split())

    assert output.status == Status.OK
    assert "is of an era in which it is not true that an x2APIC ICR write" in text
    assert "has no outcome of 108 programs." in text


def test_a_file_is_called_by_its_name_without_folders(cli: Cli) -> None:
    """Unless another one has that name; JSON has the path."""
    for folder in ("a", "b"):
        Path(folder).mkdir()
        write(stored(AGREES), Path(folder, "one.json"))
    write(stored(AGREES), Path("a", "two.json"))
    files = ("a/one.json", "b/one.json", "a/two.json")
    text = cli("verify", "--judge", *files).out
    document = json.loads(cli("verify", "--judge", *files, "--json").out)

    assert [line.split()[0] for line in text.splitlines()[-3:]] == [*files[:2], "two.json"]
    assert [row["file"] for row in document["files"]] == list(files)


def test_programs_that_cannot_be_executed_are_counted_by_reason(
    cli: Cli, add_plugin: AddPlugin
) -> None:
    """As in a lab with one CPU."""
    choosy = LIAR.replace("    name =", UNABLE + "    name =") % ""
    place = ("--delivery", "liar", "-p", add_plugin("liar", choosy))
    words = ("verify", *place, "--count", "20", "-q")
    text = " ".join(cli(*words).out.split())
    counts = json.loads(cli(*words, "--json").out)["not_executed"]

    assert list(counts) == ["one source only"]
    assert f"{counts['one source only']} programs drawn and not executed: one source" in text


UNABLE = """
    def why_unsupported(self, guest, task, description):
        return "one source only" if len(task.programs) > 1 else None

"""


def test_a_bad_file_ends_with_status_2(cli: Cli, tmp_path: Path) -> None:
    """One sentence says what is wrong."""
    path = tmp_path / "hostile.json"
    path.write_text("[[], [{}]]")

    output = cli("verify", "--judge", str(path))

    assert output.status == Status.USAGE
    assert output.err.count("\n") == 1


def test_words_are_shown_in_hexadecimal(cli: Cli, tmp_path: Path) -> None:
    """Registers and words of memory, as the manuals write them."""
    trial = Trial("xa", [(1, (WriteMem(0x800_0000, (255, 16)),))])
    write(stored((trial, Outcome({(0, 9): 1}, (Ending(),)))), tmp_path / "w.json")

    assert "WriteMem(0x8000000, (0xff, 0x10))" in cli("verify", "--judge", "w.json").out


def test_random_programs_on_the_model_agree(cli: Cli) -> None:
    """The outcomes are stored, and can be judged again."""
    output = cli("verify", "--delivery", "model", "--count", "30", "--seed", "4", "-q")
    again = cli("verify", "--judge", "verify-model-4.json.gz", "--json")

    assert (output.status, again.status) == (Status.OK, Status.OK)
    assert json.loads(again.out)["programs"] == 30


@pytest.mark.parametrize("abi", BITMAP_WORDS)
def test_programs_with_the_hypercalls_of_a_proposal_have_a_file_of_their_own(
    cli: Cli, abi: str
) -> None:
    """All boots have guests of that ABI, but for those that find the era."""
    cli("verify", "--delivery", "model", "--count", "20", "--hypercall-abi", abi, "-q")
    outcomes = read(Path(f"verify-model-{abi}-0.json.gz"))
    scenes = {trial.scene for trial in outcomes.trials}

    assert judge(outcomes).disagreements == ()
    assert scenes - {"x2"} == set(SCENES_OF[abi])


def test_no_file_of_outcomes_is_overwritten(cli: Cli) -> None:
    """As by a run: a second file has another name, and -o names a new one."""
    words = ("verify", "--delivery", "model", "--count", "1", "-q")
    outputs = [cli(*words, *more) for more in ((), (), ("-o", "a.json"), ("-o", "a.json"))]

    assert [output.status for output in outputs] == [0, 0, 0, Status.USAGE]
    assert "a.json exists. Give another -o FILE, or remove it first." in outputs[3].err
    assert sorted(path.name for path in Path().glob("*.json*")) == [
        "a.json",
        "verify-model-0-2.json.gz",
        "verify-model-0.json.gz",
    ]


LIAR = """
from contextlib import contextmanager
from types import SimpleNamespace

from pvbench.hookspecs import hookimpl
from pvbench_deliver_model import Model


class Liar(Model):
    name = "liar"
    summary = "loses interrupts with the level bit"

    @contextmanager
    def boot(self, guest, worker_data):
        with super().boot(guest, worker_data) as booted:
            def execute(programs, target_state):
                outcome = booted.execute(programs, target_state)
                for _, program in programs:
                    for op in program:
                        if getattr(op, "msr", 0) == 0x830 and op.value & 0x4000:
                            outcome.hits.clear()
                return outcome

            yield SimpleNamespace(load=booted.load, execute=execute)

    def describe(self, options):
        import attrs
        description = super().describe(options)
        if "%s":
            from pvbench.delivery import Clock
            clock = Clock("tsc", 10**9, "noisy")
            return attrs.evolve(description, clock=clock)
        return description


@hookimpl
def pvbench_deliveries():
    return [Liar()]
"""


def test_a_disagreement_is_minimised_and_repeats_with_the_command_that_is_shown(
    cli: Cli, add_plugin: AddPlugin
) -> None:
    """The liar loses the IPIs of one bit, so one op is left with little else."""
    place = ("--delivery", "liar", "-p", add_plugin("liar", LIAR % ""))

    output = cli("verify", *place, "--count", "40", "--seed", "1", "-q", "--json")
    (example,) = json.loads(output.out)["examples"]
    ((_, program),) = example["trial"][1]
    again = cli("verify", *place, "--program", json.dumps(example["trial"]), "-o", "one.json")

    assert output.status == Status.PROOF
    assert len(program) == 1
    assert program[0][2] & 0x4000
    assert again.status == Status.PROOF
    assert "1 of 1 programs are executed" in again.err
    assert "--site local --delivery liar --program" in example["command"]


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        pytest.param(("--count", "0"), "--count 0 is not in 1..1000000", id="count"),
        pytest.param(("--timeout", "0"), "--timeout 0 is not above 0 and", id="timeout"),
        pytest.param(("--program", "["), "--program is not a program", id="no-json"),
        pytest.param(("--program", '["x9", 0, []]'), "no scene 'x9'", id="no-scene"),
        pytest.param(("--site", "nowhere"), "no site called 'nowhere'", id="no-site"),
    ],
)
def test_wrong_words_are_refused_in_one_sentence(
    cli: Cli, words: tuple[str, ...], sentence: str
) -> None:
    """Before anything is stored."""
    output = cli("verify", "--delivery", "model", *words)

    assert output.status in (Status.USAGE, Status.ENVIRONMENT)
    assert sentence in output.err


CALL = '["x2",[[0,[["Hypercall",10,[7,0,0,64]]]]]]'


def test_a_kvm_without_hardware_virtualization_is_used_only_at_the_user_s_risk(
    cli: Cli, add_plugin: AddPlugin, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Then the programs are few."""
    software = dict(facts.facts()) | {"virtualization": "software: a module"}
    monkeypatch.setattr(facts, "facts", lambda *root: software)
    place = ("--delivery", "liar", "-p", add_plugin("liar", LIAR % "noisy"))

    refused = cli("verify", *place, "--count", "5")
    many = cli("verify", *place, "--count", "301", "--i-may-lose-this-machine")
    wild = cli("verify", *place, "--program", CALL, "--i-may-lose-this-machine")
    few = cli(
        "verify", *place, "--count", "3", "--i-may-lose-this-machine", "-q", "-o", "a.json"
    )

    assert (refused.status, many.status) == (Status.USAGE, Status.USAGE), refused.err
    assert "this KVM has no hardware virtualization" in refused.err
    assert "--count is at most 300" in many.err
    assert (wild.status, "may hang the machine" in wild.err) == (Status.USAGE, True)
    assert few.status in (Status.OK, Status.PROOF)
    assert Path("a.json").exists()


def test_outcomes_are_kept_if_a_later_guest_does_not_boot(
    cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The programs that were not executed are counted, and the status says it."""
    boot, boots = Place._boot, list[Scene]()

    def failing(place: Place, scene: Scene, trials: Sequence[Trial]) -> list[Outcome]:
        boots.append(scene)
        if len(boots) > 1:
            raise UnavailableError("the kernel panicked")
        return boot(place, scene, trials)

    monkeypatch.setattr(Place, "_boot", failing)
    options = ("--delivery", "model", "--count", "60", "--json", "-o", "kept.json.gz")
    output = cli("verify", *options)
    shown = json.loads(output.out)

    assert (output.status, shown["disagreements"]) == (Status.ENVIRONMENT, 0)
    assert 0 < shown["programs"] == 60 - shown["not_executed"]["the kernel panicked"]
    assert cli("verify", "--judge", "kept.json.gz").status == Status.OK


@pytest.mark.parametrize("boots_lost", [1, 2])
def test_a_lost_guest_counts_only_if_it_is_lost_again_with_the_same_programs(
    cli: Cli, monkeypatch: pytest.MonkeyPatch, boots_lost: int
) -> None:
    """A guest that is lost once is named, and the outcomes of the next one are judged."""
    boot, sizes = Place._boot, list[int]()

    def losing(place: Place, scene: Scene, trials: Sequence[Trial]) -> list[Outcome]:
        sizes.append(len(trials))
        outcomes = boot(place, scene, trials)
        if len(sizes) > boots_lost:
            return outcomes
        return [*outcomes[:-1], Outcome(lost="triple fault")]

    monkeypatch.setattr(Place, "_boot", losing)
    output = cli(
        "verify", "--delivery", "model", "--count", "40", "--seed", "3", "-o", "a.json"
    )
    counts = json.loads(cli("verify", "--judge", "a.json", "--json").out)
    sentence = "1 guest lost: triple fault. The same programs, executed again in a new guest,"

    assert sizes[0] == sizes[1]
    assert output.status == (Status.OK if boots_lost == 1 else Status.PROOF), output.err
    assert (sentence in " ".join(output.out.split())) == (boots_lost == 1)
    assert counts["programs"] == 40
    assert counts["disagreements"] == boots_lost - 1
