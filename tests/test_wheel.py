"""What wheel and sdist have: modules of pvbench and its plugins, and nothing that is GPL."""

from __future__ import annotations

import subprocess
import sys
import tarfile
from pathlib import Path
from zipfile import ZipFile

import pytest

import hatch_build
from support.helpers import DEADLINE_S

ROOT = Path(__file__).parents[1]


def built(kind: str, folder: Path) -> Path:
    """The wheel or the sdist of this tree."""
    build = [sys.executable, "-m", "hatchling", "build", "-t", kind, "-d", str(folder)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True, timeout=DEADLINE_S)
    (path,) = folder.iterdir()
    return path


@pytest.fixture(scope="module")
def names(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """The files in the wheel of this tree."""
    with ZipFile(built("wheel", tmp_path_factory.mktemp("wheel"))) as archive:
        return archive.namelist()


def test_the_wheel_installs_nothing_under_a_foreign_name(names: list[str]) -> None:
    """Tests, documentation and results at the top would be in everybody's way."""
    top = {name.partition("/")[0] for name in names}

    assert {name for name in top if not name.startswith("pvbench")} == set()


@pytest.mark.parametrize(
    "name",
    [
        "pvbench/py.typed",
        "pvbench/published/norov-2018.json",
        "pvbench/recorded/membarrier-60.recording",
        "pvbench/published/proposals-6.12.json.gz",
        "pvbench/plugin/templates/sender.py.txt",
        "pvbench_deliver_kvm/guest/window.h",
        "pvbench_deliver_kvm/guest/senders/x2apic_cluster.c",
        "pvbench_deliver_model/cost_profiles/skylake-2018.toml",
        "pvbench_suite_norov.py",
    ],
)
def test_the_wheel_has_the_data_that_modules_read(names: list[str], name: str) -> None:
    """A tree has them beside the modules; an installation must have them too."""
    assert name in names


@pytest.mark.parametrize("place", [hatch_build.MAN_PAGE, *hatch_build.COMPLETIONS.values()])
def test_the_wheel_has_the_man_page_and_the_completions(names: list[str], place: str) -> None:
    """An installation puts them where man and the shells search."""
    assert [name for name in names if name.endswith(f".data/data/{place}")]


def test_the_patches_of_the_kernel_are_in_no_package(names: list[str], tmp_path: Path) -> None:
    """They are GPL-2.0, and a package says that it is MIT."""
    with tarfile.open(built("sdist", tmp_path)) as archive:
        files = {name.partition("/")[2] for name in archive.getnames()}
    ends = (".patch", "patches/LICENSE", "patches/README.md")

    assert {"LICENSE", "pvbench/errors.py", "tests/test_wheel.py"} < files
    assert {hatch_build.MAN_PAGE, *hatch_build.COMPLETIONS.values()} < files
    assert [name for name in (*files, *names) if name.endswith(ends)] == []
