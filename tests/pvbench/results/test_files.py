"""Result files: plain pyperf suites, written at one stroke, read with suspicion."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path
from types import ModuleType

import pytest

from golden import content
from pvbench import shapes
from pvbench.errors import UnavailableError, UsageError
from pvbench.results import files as result_files
from pvbench.run.outcome import Outcome
from support.runs import HOST_FOLDER, row_of, suite_of

NAME = "norov.broadcast x2apic-physical a test's"
OK = Outcome("ok")


def test_a_file_is_replaced_at_one_stroke(tmp_path: Path) -> None:
    """Nothing else is left in the directory, and pyperf reads it."""
    path = tmp_path / "a.json"
    path.write_text("old")
    result_files.write(suite_of(row_of("broadcast", "x2apic-physical", 2e-9)), path)

    assert os.listdir(tmp_path) == ["a.json"]
    assert len(result_files.read(str(path))) == 1


def test_the_content_of_a_file_is_that_of_pyperf(tmp_path: Path) -> None:
    """Byte for byte, although pvbench encodes it itself."""
    suite = suite_of(row_of("broadcast", "x2apic-physical", 2e-9, label="é"))
    suite.dump(str(tmp_path / "theirs.json"))
    result_files.write(suite, tmp_path / "ours.json")

    assert (tmp_path / "ours.json").read_bytes() == (tmp_path / "theirs.json").read_bytes()


@pytest.mark.parametrize(
    ("module", "limit", "why"),
    [
        pytest.param(shapes, "MOST_VALUES", "it has more than 30 values", id="values"),
        pytest.param(result_files, "LARGEST", "it has more than 30 bytes", id="bytes"),
    ],
)
def test_a_file_that_could_not_be_read_is_not_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, module: ModuleType, limit: str, why: str
) -> None:
    """The limits of the reader are those of the writer, and the old file stays."""
    path = tmp_path / "a.json"
    path.write_text("old")
    monkeypatch.setattr(module, limit, 30)
    with pytest.raises(UnavailableError, match=f"would be too large to be read: {why}"):
        result_files.write(suite_of(row_of("broadcast", "x2apic-physical", 2e-9)), path)

    assert (path.read_text(), os.listdir(tmp_path)) == ("old", ["a.json"])


def test_a_reader_never_sees_half_a_file(tmp_path: Path) -> None:
    """The new file takes the place of the old one, which an open descriptor still has."""
    path = tmp_path / "a.json"
    path.write_text("old")
    with path.open() as reader:
        result_files.write(suite_of(row_of("broadcast", "x2apic-physical", 2e-9)), path)

        assert reader.read() == "old"


def test_a_file_has_the_permissions_of_any_other(tmp_path: Path) -> None:
    """Results are there to be shared."""
    (tmp_path / "plain").touch()
    result_files.write(
        suite_of(row_of("broadcast", "x2apic-physical", 2e-9)), tmp_path / "a.json"
    )
    plain, result = (stat.S_IMODE((tmp_path / n).stat().st_mode) for n in ("plain", "a.json"))

    assert plain == result


def test_a_full_disk_leaves_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A complete old result is worth more than half of a new one."""
    path = tmp_path / "a.json"
    path.write_text("old")

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(UnavailableError, match=r"a\.json cannot be written: No space left"):
        result_files.write(suite_of(row_of("broadcast", "x2apic-physical", 2e-9)), path)

    assert (os.listdir(tmp_path), path.read_text()) == (["a.json"], "old")


def test_a_run_without_a_name_goes_to_the_machine_s_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """./results/MACHINE/TIME-SUITE-LABEL.json, never over another run."""
    monkeypatch.chdir(tmp_path)
    names = [result_files.claim(None, "norov", "before").name for _ in range(3)]

    assert len(set(names)) == 3
    assert all(n[8] == "T" and "Z-norov-before" in n and n.endswith(".json") for n in names)
    assert len(os.listdir(HOST_FOLDER)) == 3


def test_git_ignores_a_results_folder_that_a_run_creates(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A user's own tree stays clean; who removes the file keeps results in git."""
    monkeypatch.chdir(tmp_path)
    result_files.claim(None, "norov", None)
    ignored = Path("results/.gitignore")
    content = ignored.read_text()
    ignored.unlink()
    result_files.claim(None, "norov", None)

    assert content == "*\n"
    assert not ignored.exists()


def test_git_ignores_the_folder_of_a_machine_in_a_results_folder_of_somebody_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The user's own files in ./results stay visible."""
    monkeypatch.chdir(tmp_path)
    Path("results").mkdir()
    result_files.claim(None, "norov", None, "noise")

    assert (HOST_FOLDER / ".gitignore").read_text() == "*\n"
    assert not Path("results/.gitignore").exists()


def test_the_last_runs_are_those_that_measured_something(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An empty file belongs to a run under way; times in names sort."""
    monkeypatch.chdir(tmp_path)
    folder = HOST_FOLDER
    folder.mkdir(parents=True)
    for day in (1, 2, 3):
        (folder / f"2026010{day}T000000Z-norov.json").write_text("{}")
    (folder / "20260104T000000Z-norov.json").touch()

    assert [path.name[:8] for path in result_files.latest(2)] == ["20260102", "20260103"]


def test_two_runs_of_one_second_are_in_the_order_they_were_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`compare` takes the later one as what changed."""
    monkeypatch.chdir(tmp_path)
    folder = HOST_FOLDER
    folder.mkdir(parents=True)
    names = ["20260101T000000Z-norov.json", "20260101T000000Z-norov-2.json"]
    for name in names:
        (folder / name).write_text("{}")

    assert [path.name for path in result_files.latest(2)] == names


def test_of_two_suites_in_one_second_the_last_run_is_the_one_that_ended_last(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The numbers of names count the runs of one suite only."""
    monkeypatch.chdir(tmp_path)
    HOST_FOLDER.mkdir(parents=True)
    names = ["norov.json", "norov-2.json", "fanout.json"]
    for seconds, name in enumerate(names):
        path = HOST_FOLDER / f"20260101T000000Z-{name}"
        path.write_text("{}")
        os.utime(path, (seconds, seconds))

    assert result_files.latest(1)[0].name == "20260101T000000Z-fanout.json"


def test_a_published_file_is_located_by_its_name() -> None:
    """It is found in a checkout and in a wheel alike."""
    assert result_files.locate("published:norov-2018").name == "norov-2018.json"


def test_a_published_file_may_be_compressed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A dot in its name stays."""
    (tmp_path / "lab-6.12.json.gz").touch()
    monkeypatch.setattr(result_files, "_published", lambda: tmp_path)

    assert result_files.locate("published:lab-6.12") == tmp_path / "lab-6.12.json.gz"


def test_an_unknown_published_file_is_refused_with_the_nearest() -> None:
    """The list of what there is is short enough to be shown."""
    with pytest.raises(
        UsageError, match=r"Did you mean 'norov-2018'\? Published: .*norov-2018"
    ):
        result_files.locate("published:norov")


def test_content_is_compared_without_software_facts() -> None:
    """Two versions of pvbench may make the same results."""
    old, new = (
        content(suite_of(row_of("broadcast", "x2apic-physical", 2e-9, version=version)))
        for version in ("0.1.0", "0.2.0")
    )

    assert old == new


@pytest.mark.parametrize("name", ["29990101T000000Z-norov.json", "mine.json"])
def test_a_file_without_a_past_time_in_its_name_is_not_the_last_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """A clock that was wrong once would decide for ever."""
    monkeypatch.chdir(tmp_path)
    folder = HOST_FOLDER
    folder.mkdir(parents=True)
    for file_name in ("20260101T000000Z-norov.json", name):
        (folder / file_name).write_text("{}")

    assert result_files.latest(1) == [folder / "20260101T000000Z-norov.json"]


def test_only_regular_files_are_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A dangling link or a FIFO in the folder of a machine is passed over."""
    monkeypatch.chdir(tmp_path)
    folder = HOST_FOLDER
    folder.mkdir(parents=True)
    (folder / "20260101T000000Z-norov.json").symlink_to("gone")
    os.mkfifo(folder / "20260102T000000Z-norov.json")

    assert result_files.latest(1) == []


@pytest.mark.parametrize("output", ["a.json", None])
def test_of_two_runs_that_claim_one_file_the_second_is_refused_or_gets_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, output: str | None
) -> None:
    """Also if the other run creates it after this one has looked for it."""
    monkeypatch.chdir(tmp_path)
    first = result_files.claim(output, "norov", None)
    first.write_text("results")
    lexists = os.path.lexists
    monkeypatch.setattr(os.path, "lexists", lambda path: Path(path) != first and lexists(path))
    if output is None:
        assert result_files.claim(output, "norov", None) != first
    else:
        with pytest.raises(UsageError, match=r"^a\.json exists\. Give another -o FILE"):
            result_files.claim(output, "norov", None)

    assert first.read_text() == "results"


def test_a_folder_without_a_free_name_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each name is tried once."""
    tried: list[Path] = []

    def create(path: Path) -> Path:
        tried.append(path)
        raise UsageError(f"{path} exists")

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(result_files, "create", create)

    with pytest.raises(UnavailableError, match="already has a thousand runs of this second"):
        result_files.claim(None, "norov", None)
    assert len(set(tried)) == len(tried) == 999
