"""The file of a recording."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import attrs
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pvbench.errors import DamagedError, UnavailableError, UsageError
from pvbench.recording import stored
from pvbench.recording.operations import Operation, Operations
from pvbench.recording.recording import Loss, Recording
from support.recordings import Row, recording_of, rows_of

ROW = st.tuples(
    st.integers(0, 1 << 60),
    st.integers(0, 99),
    st.lists(st.integers(0, 99), min_size=1, unique=True).map(lambda x: tuple(sorted(x))),
    st.integers(0, 2),
)
LOSS = Loss(cpu=3, events=124, reason="CPU:3 [LOST 124 EVENTS]")


def full() -> Recording:
    """A recording with something in each field."""
    operations = Operations(
        time=np.array([5], np.int64),
        vcpu=np.array([-1], np.int32),
        operation=np.array([0], np.uint32),
        burst=np.array([0], np.uint32),
        table=(Operation("hypercall", (10, 1, 1 << 63, 1, 0xFC)),),
        missing="a sentence",
    )
    return recording_of(
        kernel="6.12.1",
        online=(0, 1, 3),
        apic_ids={0: 0, 3: 16},
        times="emulated",
        received={251: (1, 0, 2, 0)},
        losses=(LOSS,),
        accepted=True,
        events={"ipi_send_cpu": 4},
        notes=("a note",),
        texts={"cpuinfo": "processor\t: 0\n"},
        operations=operations,
    )


def header_of(recording: Recording) -> dict[str, Any]:
    """All of a recording that is not a column."""
    names = {"sets", "sent", "wanted", "operations"}
    return {
        name: value
        for name, value in attrs.asdict(recording, recurse=False).items()
        if name not in names
    }


def test_a_recording_is_read_as_it_was_written(tmp_path: Path) -> None:
    """A column that a recording lacks is lacking in the file too."""
    path = tmp_path / "a.recording"
    stored.write(full(), path)
    again = stored.read(path)

    assert header_of(again) == header_of(full())
    assert rows_of(again) == rows_of(full())
    assert again.operations.table == full().operations.table
    assert again.operations.vcpu.tolist() == [-1]
    assert (again.operations.missing, len(again.sent.count)) == ("a sentence", 0)


@settings(max_examples=20)  # each one is written to the disk
@given(st.lists(ROW, max_size=30))
def test_all_columns_survive(tmp_path_factory: pytest.TempPathFactory, rows: list[Row]) -> None:
    """Times need not ascend."""
    path = tmp_path_factory.getbasetemp() / "any.recording"
    stored.write(recording_of(rows, cpus=100), path)

    assert rows_of(stored.read(path)) == rows


def changed(path: Path, field: str, value: object) -> None:
    """Write the file of `full` with another value in its first line."""
    stored.write(full(), path)
    line, _, rest = gzip.decompress(path.read_bytes()).partition(b"\n")
    data = json.loads(line) | {field: value}
    text = json.dumps(data, separators=(",", ":"))
    path.write_bytes(gzip.compress(text.encode() + b"\n" + rest))


@pytest.mark.parametrize(
    ("field", "value", "why"),
    [
        ("pvbench_recording", 2, "its format is 2, and this pvbench reads 1"),
        ("cpus", 2, "an index is beyond its table"),
        ("cpus", 10**9, "cpus: 1000000000 is not an integer in 1..8192"),
        ("clock", "fortnights", "'fortnights' is not one of ns, ticks, none"),
        ("calls", [], "an index is beyond its table"),
        ("received", {"x": [1]}, "a name is not a number"),
        ("table", [["icr", [1]]], "an operation has the wrong number of arguments"),
        ("table", [], "an index is beyond its table"),
        ("notes", 5, "notes: 5 is not a list"),
        ("texts", {"cpuinfo": 5}, "it is not a text of at most 16777216 characters"),
    ],
)
def test_a_value_that_cannot_be_is_refused(
    tmp_path: Path, field: str, value: object, why: str
) -> None:
    """The sentence names the field."""
    path = tmp_path / "a.recording"
    changed(path, field, value)

    with pytest.raises(UsageError, match=r"a\.recording is not a recording") as caught:
        stored.read(path)
    assert why in str(caught.value)


def rows(**sizes: object) -> dict[str, object]:
    """The sizes of `full`, some of them changed."""
    sent: dict[str, object] = {"sent": 4, "wanted": 0, "operations": 1, "sets": 3, "width": 1}
    return sent | {"empty": ["sent.count"]} | sizes


@pytest.mark.parametrize(
    ("sizes", "error", "why"),
    [
        ({"sent": 5}, UsageError, "a.recording is"),
        ({"sent": 400}, DamagedError, "its end is missing"),
        ({"sent": 1 << 31}, UsageError, "its columns have more than 4294967296 bytes"),
        ({"operations": 0}, UsageError, "it goes on after its last column"),
    ],
)
def test_a_wrong_size_of_a_column_is_refused(
    tmp_path: Path, sizes: dict[str, object], error: type[Exception], why: str
) -> None:
    """No memory is taken for columns that a file promises and does not have."""
    path = tmp_path / "a.recording"
    changed(path, "rows", rows(**sizes))

    with pytest.raises(error, match=why):
        stored.read(path)


@pytest.fixture(scope="module")
def content_of_full(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The file of `full`."""
    path = tmp_path_factory.getbasetemp() / "full.recording"
    stored.write(full(), path)
    return path.read_bytes()


@given(data=st.data())
def test_a_damaged_file_is_refused(
    tmp_path_factory: pytest.TempPathFactory, content_of_full: bytes, data: st.DataObject
) -> None:
    """gzip has a check sum, so no change of a byte is read as other numbers."""
    path = tmp_path_factory.getbasetemp() / "damaged.recording"
    content = bytearray(content_of_full)
    place = data.draw(st.integers(10, len(content) - 1))
    if data.draw(st.booleans()):
        content[place] ^= data.draw(st.integers(1, 255))
    else:
        del content[place:]
    path.write_bytes(bytes(content))

    with pytest.raises(UsageError, match=r"damaged\.recording"):
        stored.read(path)


def test_files_that_are_none_are_refused(tmp_path: Path) -> None:
    """A missing file and one of another kind have sentences of their own."""
    (tmp_path / "a.json.gz").write_bytes(gzip.compress(b"{}\n"))
    (tmp_path / "a.txt").write_text("text")

    with pytest.raises(UsageError, match="it does not begin with"):
        stored.read(tmp_path / "a.json.gz")
    with pytest.raises(DamagedError, match="is cut off or damaged"):
        stored.read(tmp_path / "a.txt")
    with pytest.raises(UsageError, match="cannot be read: No such file"):
        stored.read(tmp_path / "none")
    with pytest.raises(UnavailableError, match="cannot be written"):
        stored.write(full(), tmp_path / "none" / "a")
