"""A folder is replaced whole or not at all."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from pvbench_site_lab.folders import remove_leftovers, replacing_folder


def fill(place: Path, name: str) -> None:
    """Replace *place* by a folder with one file."""
    with replacing_folder(place) as new:
        (new / name).touch()


def test_a_folder_takes_the_place_of_another(tmp_path: Path) -> None:
    """Nothing else is left."""
    place = tmp_path / "below/a"
    fill(place, "first")
    fill(place, "second")

    assert os.listdir(place) == ["second"]
    assert os.listdir(place.parent) == ["a"]


def test_an_older_folder_stays_after_an_error(tmp_path: Path) -> None:
    """The new one is removed."""
    fill(tmp_path / "a", "first")
    with pytest.raises(ValueError, match="no more"), replacing_folder(tmp_path / "a"):
        raise ValueError("no more")

    assert os.listdir(tmp_path / "a") == ["first"]
    assert os.listdir(tmp_path) == ["a"]


@pytest.mark.parametrize("has_place", [True, False])
def test_leftovers_of_a_killed_process_do_no_harm(tmp_path: Path, has_place: bool) -> None:
    """It may have been killed between its two renames; then the older folder comes back."""
    for folder in ("a", ".a.old.tmp", ".a.new.tmp") if has_place else (".a.old.tmp",):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / folder).touch()
    remove_leftovers(tmp_path / "a")

    assert os.listdir(tmp_path) == ["a"]
    assert os.listdir(tmp_path / "a") == ["a" if has_place else ".a.old.tmp"]
