"""Modules by name or by the path of a file, and the deliveries that they offer."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from pvbench.errors import UnavailableError
from pvbench.importing import delivery_of, imported

OFFERS = """
from types import SimpleNamespace
def pvbench_deliveries():
    return [SimpleNamespace(name="first"), SimpleNamespace(name="second")]
"""


def test_a_file_is_a_module_whose_name_no_other_module_has(tmp_path: Path) -> None:
    """A file may be called as a module of Python."""
    path = tmp_path / "json.py"
    path.write_text("value = 7\n")
    module = imported(str(path))

    assert (module.__dict__["value"], module.__name__) == (7, "pvbench_file_json")
    assert sys.modules["pvbench_file_json"] is module
    assert imported("json").__name__ == "json"


def test_a_fifo_is_not_opened(tmp_path: Path) -> None:
    """Opening it would wait for a writer."""
    path = tmp_path / "fifo.py"
    os.mkfifo(path)

    with pytest.raises(ImportError, match=r"fifo\.py is not a regular file"):
        imported(str(path))


def test_a_large_file_is_not_read(tmp_path: Path) -> None:
    """Python would read all of it."""
    path = tmp_path / "large.py"
    path.touch()
    os.truncate(path, (4 << 20) + 1)

    with pytest.raises(ImportError, match=r"large\.py has more than 4194304 bytes"):
        imported(str(path))


def test_a_delivery_is_found_by_its_module_and_its_name(tmp_path: Path) -> None:
    """A module may offer several."""
    path = tmp_path / "offers.py"
    path.write_text(OFFERS)

    assert delivery_of(str(path), "second").name == "second"
    assert delivery_of("pvbench_deliver_model", "model").name == "model"


def test_a_file_that_the_site_lacks_is_named(tmp_path: Path) -> None:
    """The manager may be on another machine."""
    path = tmp_path / "gone.py"

    with pytest.raises(UnavailableError, match=f"the site has no file {path}"):
        delivery_of(str(path), "gone")
