"""Files of outcomes: both formats, and files that are not."""

from __future__ import annotations

import gzip
import json
import os
from pathlib import Path
from typing import Any

import pytest

from pvbench.errors import UnavailableError, UsageError
from pvbench.guest import Guest
from pvbench.ops import WrMsr
from pvbench.trials import Ending, Outcome
from pvbench.verify.stored import Stored, created, read, write
from pvbench.verify.trials import FIRST_SCENES, Scene, Trial

SCENE = Scene(guest=Guest(name="two", apic_ids=(0, 1)), target_state="running")
STORED = Stored(
    kernel="6.1",
    scenes={"two": SCENE},
    trials=(
        Trial("two", [(0, (WrMsr(0x830, 0x40),)), (1, ())]),
        Trial("two", [(1, ())]),
        Trial("two", [(0, ())]),
    ),
    outcomes=(
        Outcome({(0, 0x40): 2}, (Ending(7), Ending(0, 13, 1))),
        Outcome(lost="it stopped"),
    ),
)
ROW: list[Any] = ["x2", 0, [["WrMsr", 0x830, 0x40]]]
FIRST = {"hits": [[0, 64, 1]], "fault": None, "returned": 0, "icr": 1, "hc": 0}


@pytest.mark.parametrize("name", ["outcomes.json", "outcomes.json.gz"])
def test_a_written_file_is_read_back(tmp_path: Path, name: str) -> None:
    """A name that ends with .gz makes it compressed."""
    write(STORED, tmp_path / name)

    assert read(tmp_path / name) == STORED
    assert (tmp_path / name).read_bytes().startswith(b"\x1f\x8b") == name.endswith("gz")


def test_the_first_format_is_two_lists(tmp_path: Path) -> None:
    """Its scenes are known by name, and a lost guest has only a reason."""
    faulting = FIRST | {"fault": [13, 2]}
    path = tmp_path / "first.json"
    path.write_text(json.dumps([[ROW, ROW, ROW], [FIRST, faulting, {"lost": "gone"}]]))

    assert read(path) == Stored(
        scenes=FIRST_SCENES,
        trials=(Trial("x2", [(0, (WrMsr(0x830, 0x40),))]),) * 3,
        outcomes=(
            Outcome({(0, 64): 1}, (Ending(),)),
            Outcome({(0, 64): 1}, (Ending(0, 13, 2),)),
            Outcome(lost="gone"),
        ),
    )


def of_trials(*rows: Any) -> Any:
    """A file of the first format with an outcome for each row."""
    return [list(rows), [FIRST] * len(rows)]


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        pytest.param(1, "it has no version 2", id="a-number"),
        pytest.param({}, "it has no version 2", id="no-version"),
        pytest.param({"version": 3}, "it has no version 2", id="a-later-version"),
        pytest.param({"version": 2}, "an object of kernel, boots", id="no-content"),
        pytest.param([[]], "a row has 1 columns, not 2", id="one-list"),
        pytest.param([[], [FIRST]], "more outcomes than trials", id="too-many-outcomes"),
        pytest.param(of_trials(["x3", 0, []]), "no scene 'x3'", id="unknown-scene"),
        pytest.param(of_trials(["x2", 8, []]), "are no CPUs of x2", id="no-such-cpu"),
        pytest.param(of_trials(["x2", -1, []]), "-1 is not an integer", id="negative-cpu"),
        pytest.param(of_trials(["x2", []]), "are no CPUs of x2", id="no-program"),
        pytest.param(
            of_trials(["x2", [[0, []], [0, []]]]), "are no CPUs of x2", id="one-cpu-twice"
        ),
        pytest.param(
            of_trials(["x2", [[0, []], [1, []]]]), "one ending for each program", id="endings"
        ),
        pytest.param(of_trials(["x2", 0, [["Halt"]]]), "ops cannot be read", id="unknown-op"),
        pytest.param(
            of_trials(["x2", 0, [["WrMsr", 1, 1 << 64]]]), "ops cannot be read", id="too-large"
        ),
        pytest.param(
            of_trials(["x2", 0, [["KernelSend", 0x40, [1 << 63]]]]),
            "only a running Linux kernel",
            id="kernel-send",
        ),
        pytest.param([[ROW], [{}]], "an object of hits", id="empty-outcome"),
        pytest.param([[ROW], [FIRST | {"hits": [[0, 1]]}]], "2 columns", id="short-hit"),
        pytest.param(
            [[ROW], [FIRST | {"hits": [[0, 256, 1]]}]], "in 0..255", id="vector-above-255"
        ),
        pytest.param([[ROW], [FIRST | {"returned": -1}]], "returned: -1", id="negative-result"),
    ],
)
def test_data_of_another_form_are_refused_in_one_sentence(
    tmp_path: Path, data: Any, reason: str
) -> None:
    """The sentence names the file and what is wrong in it."""
    path = tmp_path / "bad.json"
    path.write_text(json.dumps(data))

    with pytest.raises(UsageError, match=r"bad\.json is no file of outcomes") as error:
        read(path)

    assert reason in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        pytest.param(b"", "Expecting value", id="empty"),
        pytest.param(b"\xff", "can't decode", id="not-text"),
        pytest.param(b"[NaN]", "NaN", id="nan"),
        pytest.param(b"[" * 90_000, "nested", id="nested"),
    ],
)
def test_a_file_that_is_not_json_is_refused(
    tmp_path: Path, content: bytes, reason: str
) -> None:
    """It may be damaged."""
    path = tmp_path / "bad.json.gz"
    path.write_bytes(content)

    with pytest.raises(UsageError, match="is not JSON") as error:
        read(path)

    assert reason in str(error.value)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        pytest.param(gzip.compress(b"[]")[:-9], "cannot be unpacked: ", id="cut-off"),
        pytest.param(
            gzip.compress(bytes(1 << 27) + b" "), "cannot be read: it has more than", id="bomb"
        ),
    ],
)
def test_a_compressed_file_that_cannot_be_unpacked_is_refused(
    tmp_path: Path, content: bytes, sentence: str
) -> None:
    """It may be damaged, or made to take memory."""
    path = tmp_path / "bad.json.gz"
    path.write_bytes(content)

    with pytest.raises(UsageError, match=f"{path} {sentence}"):
        read(path)


def test_a_new_file_has_a_name_that_no_other_has(tmp_path: Path) -> None:
    """It is removed if an error comes before its content."""
    stem = str(tmp_path / "a")
    (tmp_path / "a.json.gz").touch()
    with created(None, stem) as second:
        second.write_bytes(b"x")
    with pytest.raises(KeyError), created(None, stem) as third:
        raise KeyError
    with created(str(tmp_path / "b"), stem) as named:
        pass

    assert [path.name for path in (second, third, named)] == ["a-2.json.gz", "a-3.json.gz", "b"]
    assert sorted(os.listdir(tmp_path)) == ["a-2.json.gz", "a.json.gz", "b"]


def test_a_file_that_exists_is_not_replaced(tmp_path: Path) -> None:
    """As by a run."""
    (tmp_path / "a.json").write_bytes(b"x")
    with pytest.raises(UsageError, match=r"a\.json exists\. Give another -o FILE"):
        created(str(tmp_path / "a.json"), "").__enter__()
    assert (tmp_path / "a.json").read_bytes() == b"x"


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    """The system's reason is given."""
    with pytest.raises(UsageError, match=r"none\.json cannot be read: No such file"):
        read(tmp_path / "none.json")


def test_a_file_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    """The directory is missing."""
    with pytest.raises(UnavailableError, match=r"cannot be written.*Give another place"):
        write(STORED, tmp_path / "none" / "outcomes.json")
