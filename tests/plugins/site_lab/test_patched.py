"""Patches that git applies to sources and takes back."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from pvbench.errors import UsageError
from pvbench_site_lab.patched import PatchedSources
from pvbench_site_lab.series import Patch
from support.fake_source import CONTENT, FILE, patch_of

FIRST = Patch("first.patch", patch_of(5, "five"))
SECOND = Patch("second.patch", patch_of(15, "fifteen"))
AGAIN = Patch("again.patch", patch_of(5, "FIVE", old="five"))


class Unpacked:
    """Sources in the cache; counts how often they were unpacked."""

    def __init__(self, folder: Path) -> None:
        self.sources = PatchedSources(folder)
        self.times = 0
        self.content = CONTENT

    def __call__(self, folder: Path) -> None:
        self.times += 1
        (folder / FILE).write_text(self.content)

    def become(self, *patches: Patch, origin: str = "linux-source-6.12 1") -> str:
        """The lines that differ after *patches*."""
        self.sources.become(origin, patches, self)
        return self.differences()

    def differences(self) -> str:
        """The lines that differ now."""
        lines = (self.sources.source / FILE).read_text().splitlines()
        return " ".join(line for line in lines if not line.startswith("line "))


@pytest.fixture
def unpacked(tmp_path: Path) -> Unpacked:
    """No sources yet."""
    return Unpacked(tmp_path / "sources/6.12")


def test_another_series_is_applied_to_the_same_sources(unpacked: Unpacked) -> None:
    """In order; what it does not have is taken back, the last patch first."""
    states = [
        unpacked.become(FIRST, AGAIN),
        unpacked.become(FIRST),
        unpacked.become(SECOND),
        unpacked.become(),
        unpacked.become(FIRST, SECOND),
    ]

    assert states == ["FIVE", "five", "fifteen", "", "five fifteen"]
    assert unpacked.times == 1


def test_what_does_not_change_is_not_written(unpacked: Unpacked) -> None:
    """It would be compiled again."""
    unpacked.become(FIRST)
    file = unpacked.sources.source / FILE
    before = file.stat().st_mtime_ns, file.stat().st_ino
    unpacked.become(FIRST)

    assert (file.stat().st_mtime_ns, file.stat().st_ino) == before


def test_sources_of_another_package_are_unpacked(unpacked: Unpacked) -> None:
    """With their objects: a file may be older than the object of its predecessor."""
    unpacked.become(FIRST)
    unpacked.sources.objects.mkdir()
    unpacked.become(FIRST, origin="linux-source-6.12 2")

    assert (unpacked.times, unpacked.differences()) == (2, "five")
    assert not unpacked.sources.objects.exists()


def test_a_patch_that_does_not_apply_is_named_with_its_hunk(unpacked: Unpacked) -> None:
    """Those before it stay, and the next series starts from there."""
    with pytest.raises(UsageError) as caught:
        unpacked.become(FIRST, Patch("0002-bad.patch", patch_of(15, "x", old="none")))

    assert str(caught.value) == (
        "patch 0002-bad.patch does not apply to linux-source-6.12 1: its hunk does not match "
        f"at line 12 of {FILE}. Hunks are never applied with fuzz: rebase the series onto that "
        "kernel."
    )
    assert unpacked.differences() == "five"
    assert unpacked.become(SECOND) == "fifteen"
    assert unpacked.times == 1


def test_no_hunk_is_applied_with_fuzz(unpacked: Unpacked) -> None:
    """The farthest line of the context is another one; patch(1) would apply it."""
    unpacked.content = CONTENT.replace("line 12\n", "other\n")

    with pytest.raises(UsageError, match="hunk does not match at line 12"):
        unpacked.become(SECOND)


def test_a_hunk_may_have_moved(unpacked: Unpacked) -> None:
    """Its context is the same, at another line."""
    unpacked.content = "line 0\n" * 3 + CONTENT

    assert unpacked.become(FIRST) == "five"


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("", "No valid patches in input"),
        ("no patch\n", "No valid patches in input"),
        (patch_of(5, "five").partition(" line 6")[0], "corrupt patch at"),
        (patch_of(5, "five", file="none.c"), "none.c: No such file or directory"),
    ],
)
def test_what_is_no_patch_is_one_sentence(
    unpacked: Unpacked, content: str, reason: str
) -> None:
    """The reason is the first error of git."""
    with pytest.raises(UsageError, match=r"patch a\.patch does not apply") as caught:
        unpacked.become(Patch("a.patch", content))

    assert reason in str(caught.value)


def test_a_patch_of_a_file_outside_of_the_sources_is_refused(unpacked: Unpacked) -> None:
    """The file there stays as it is."""
    unpacked.become()
    outside = unpacked.sources.folder / "outside"
    outside.write_text(CONTENT)
    with pytest.raises(UsageError, match="invalid path"):
        unpacked.become(Patch("a.patch", patch_of(5, "five", file="../outside")))

    assert outside.read_text() == CONTENT


def test_sources_that_were_being_changed_are_unpacked_again(unpacked: Unpacked) -> None:
    """The command was killed, and nothing says what they are."""
    unpacked.become(FIRST)

    def fail(folder: Path) -> None:
        raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space"):
        unpacked.sources.become("linux-source-6.12 2", [], fail)

    assert unpacked.become(FIRST) == "five"
    assert unpacked.times == 2


def test_sources_that_somebody_has_changed_are_unpacked_again(unpacked: Unpacked) -> None:
    """The patches cannot be taken back."""
    unpacked.become(FIRST)
    (unpacked.sources.source / FILE).write_text("own\n")

    assert unpacked.become(SECOND) == "fifteen"
    assert unpacked.times == 2


@pytest.mark.parametrize("state", ["", "[]", "{}", '{"origin": "x", "patches": [1]}', "\xff"])
def test_a_damaged_state_is_none(unpacked: Unpacked, state: str) -> None:
    """The sources are unpacked again."""
    unpacked.become(FIRST)
    (unpacked.sources.folder / "state.json").write_text(state, "latin-1")

    assert unpacked.become(FIRST) == "five"
    assert unpacked.times == 2


def test_a_repository_around_the_cache_does_not_matter(
    unpacked: Unpacked, tmp_path: Path
) -> None:
    """Git would apply patches to its files only, and say nothing."""
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)

    assert unpacked.become(FIRST) == "five"
