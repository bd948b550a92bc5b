"""The check of the measured window detects changes in it and ignores all others."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from guest_image import Image, compiled
from guest_window import compare, main
from support.c_facts import needs_c
from support.guest_native import GUEST, TESTS

PAUSE = '__asm__ volatile("pause");'


@pytest.fixture(scope="module")
def guest() -> Image:
    """The guest of the tree."""
    needs_c("abi.h")
    return compiled(GUEST)


@pytest.fixture
def sources(tmp_path: Path) -> Path:
    """A copy of the guest's sources."""
    return shutil.copytree(GUEST, tmp_path / "guest")


def replaced(folder: Path, pattern: str, text: str) -> None:
    """Replace *pattern* in all sources; it must occur."""
    count = 0
    for path in folder.rglob("*.[chS]"):
        changed, times = re.subn(pattern, text, path.read_text(), flags=re.M)
        path.write_text(changed)
        count += times
    assert count, pattern


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        pytest.param(r"\bmap_clusters\b|\bsend_burst\b", r"\g<0>_2", id="other-names"),
        pytest.param(
            r"^void op_fence\(struct ops \*ops\)$",
            f"void unused(void);\nvoid unused(void) {{ {PAUSE} }}\n\\g<0>",
            id="other-addresses",
        ),
        pytest.param(r"^\tstruct source_run run;$", f"\\g<0>\n\t{PAUSE}", id="preparation"),
    ],
)
def test_a_change_outside_of_the_window_is_ignored(
    guest: Image, sources: Path, pattern: str, text: str
) -> None:
    """Names and addresses are not executed, and the preparation is not timed."""
    replaced(sources, pattern, text)

    assert compare(guest, compiled(sources))


@pytest.mark.parametrize(
    ("pattern", "text", "output"),
    [
        pytest.param(r"^(\tsent = rdtsc_ordered)", f"\t{PAUSE}\n\\1", "+pause", id="source"),
        pytest.param(r"^(\tops->icr_writes\+\+;)", f"\\1\n\t{PAUSE}", "+pause", id="op"),
        pytest.param(
            r"^(\tu64 entered = rdtsc_ordered\(\);)$", f"\\1\n\t{PAUSE}", "+pause", id="handler"
        ),
        pytest.param(r"^\tpushq\t%rdx$", r"\g<0>\n\tnegq\t%rdx", "+neg %rdx", id="entry"),
        pytest.param(
            r"KVM_IPI_CLUSTER_SIZE 128",
            "KVM_IPI_CLUSTER_SIZE 127",
            " is not none",
            id="callback",
        ),
        pytest.param(r"CLOCK_READ 4096", "CLOCK_READ 512", "+test ", id="constant"),
        pytest.param("case OP_FENCE:", "case 10:", "source: ", id="jump-table"),
    ],
)
def test_a_change_in_the_window_is_reported(
    guest: Image,
    sources: Path,
    capsys: pytest.CaptureFixture[str],
    *,
    pattern: str,
    text: str,
    output: str,
) -> None:
    """A changed instruction, constant or jump is reported."""
    replaced(sources, pattern, text)

    assert not compare(guest, compiled(sources))
    assert output in capsys.readouterr().out


def test_a_revision_is_compiled_as_it_was_committed() -> None:
    """The guest of the last commit is equal to itself."""
    git = ["git", "rev-parse", "HEAD"]
    if subprocess.run(git, check=False, cwd=TESTS, capture_output=True).returncode:
        pytest.skip("the tests do not run in a git work tree")

    assert main(["HEAD", "HEAD"]) == 0
