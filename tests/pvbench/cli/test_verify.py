"""`pvbench verify --judge`: stored outcomes and the decoder of today."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pvbench.errors import Status
from pvbench.ops import WriteMem, WrMsr
from pvbench.trials import Ending, Outcome
from pvbench.verify.stored import Stored, write
from pvbench.verify.trials import FIRST_SCENES, Trial
from support.runs import Cli

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
