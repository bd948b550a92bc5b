"""A folder with patches, and the series of this repository."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from pvbench.errors import UsageError
from pvbench_site_lab import series
from pvbench_site_lab.series import PROPOSALS, Series, series_in
from support.fake_source import write_series


def test_the_patches_of_a_folder_are_in_the_order_of_their_names(tmp_path: Path) -> None:
    """Other files there are none; the series is called as the folder."""
    folder = write_series(tmp_path / "mine", b="second", a="first")
    (folder / "README").write_text("no patch")
    read = series_in(folder)

    assert read.name == "mine"
    assert [(patch.name, patch.data) for patch in read.patches] == [
        ("a.patch", b"first"),
        ("b.patch", b"second"),
    ]
    assert read.facts == {"lab_patches": "a.patch, b.patch", "lab_patches_sha256": read.key}


def test_the_key_of_a_series_changes_with_what_it_applies(tmp_path: Path) -> None:
    """Names do not matter, and neither does where one patch ends in the text of all."""
    keys = [
        series_in(write_series(tmp_path / "x", **patches)).key
        for patches in (
            {"a": "first", "b": "second"},
            {"c": "first", "d": "second"},
            {"a": "firsts", "b": "econd"},
            {"a": "second", "b": "first"},
        )
    ]

    assert keys[0] == keys[1]
    assert len(set(keys)) == 3


def test_a_patch_need_not_be_utf_8(tmp_path: Path) -> None:
    """Old kernels have names of authors in other encodings."""
    (tmp_path / "a.patch").write_bytes(b"Kr\xe8m\xe1\xf8")

    (patch,) = series_in(tmp_path).patches
    assert patch.data == b"Kr\xe8m\xe1\xf8"


def test_sources_as_they_are_have_no_facts() -> None:
    """A series without patches stands for them."""
    assert Series().facts == {}


def test_a_folder_without_patches_is_refused(tmp_path: Path) -> None:
    """So is a file, and so is a folder that does not exist; each has its own reason."""
    (tmp_path / "file").touch()

    for name, sentence in {
        ".": "has no patches: no file there has a name that ends in .patch",
        "file": "file is not a folder",
        "none": "none does not exist",
    }.items():
        with pytest.raises(UsageError, match=rf"{sentence}\. Name a folder that `git"):
            series_in(tmp_path / name)


def test_a_patch_that_cannot_be_read_is_one_sentence(tmp_path: Path) -> None:
    """A FIFO would block for ever."""
    (tmp_path / "a.patch").mkdir()

    with pytest.raises(UsageError, match=r"a patch in .* cannot be read: Is a directory"):
        series_in(tmp_path)


def test_an_installed_pvbench_says_where_the_patches_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They are not in the wheel."""
    monkeypatch.setattr(series, "PROPOSALS", tmp_path / "none")

    with pytest.raises(UsageError) as caught:
        series_in(tmp_path / "none")
    assert str(caught.value) == (
        "the patches of the proposals are only in a checkout of pvbench: they are GPL-2.0, "
        "and pvbench is MIT. Check out pvbench, and name its folder patches/proposals with "
        "--patches."
    )


def test_each_patch_of_the_proposals_names_its_licence() -> None:
    """In its message, above the line that ends it."""
    read = series_in(PROPOSALS)
    messages = [patch.content.partition("\n---\n")[0] for patch in read.patches]

    assert [patch.name for patch in read.patches] == [
        "0001-pv-ipi-abi.patch",
        "0002-v3.patch",
        "0003-cluster128.patch",
        "0004-cluster192.patch",
    ]
    assert all("\nSPDX-License-Identifier: GPL-2.0-only" in message for message in messages)
    assert "Version 2, June 1991" in (PROPOSALS.parent / "LICENSE").read_text()


def test_the_proposals_are_the_values_of_the_parameter() -> None:
    """Each patch but the first adds one, and the readme explains all of them."""
    text = "".join(patch.content for patch in series_in(PROPOSALS).patches)
    values = re.findall(r'^\+\t\[PV_IPI_\w+\] = "(\w+)",$', text, re.MULTILINE)
    readme = (PROPOSALS.parent / "README.md").read_text()

    assert values == ["merged", "v3", "cluster128", "cluster192"]
    assert re.findall(r"^\| `(\w+)` \|", readme, re.MULTILINE) == values
