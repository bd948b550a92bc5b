"""What the wheel installs: modules of pvbench and its plugins, and nothing beside them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from zipfile import ZipFile

import pytest

from support.helpers import DEADLINE_S

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def names(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """The files in the wheel of this tree."""
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True, timeout=DEADLINE_S)
    (wheel,) = folder.iterdir()
    with ZipFile(wheel) as archive:
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
