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

PAUSE, CLEAR = (f'__asm__ volatile("{name}");' for name in ("pause", "cld"))


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


# Changes whose names no instruction has, that move other code, and that are not timed.
OUTSIDE = {
    r"\bmap_clusters\b|\bsend_burst\b": r"\g<0>_2",
    r"^void op_fence\(struct ops \*ops\)$": (
        f"void unused(void);\nvoid unused(void) {{ {PAUSE} }}\n\\g<0>"
    ),
    r"^\tstruct source_run run;$": f"\\g<0>\n\t{PAUSE}",
}


def test_changes_outside_of_the_window_are_ignored(guest: Image, sources: Path) -> None:
    """Names and addresses are not executed, and the preparation is not timed."""
    for pattern, text in OUTSIDE.items():
        replaced(sources, pattern, text)

    assert compare(guest, compiled(sources))


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param(
            {
                (r"^(\tsent = rdtsc_ordered)", f"\t{PAUSE}\n\\1"): "+pause",
                (r"^\tpushq\t%rdx$", r"\g<0>\n\tnegq\t%rdx"): "+neg %rdx",
                ("KVM_IPI_CLUSTER_SIZE 128", "KVM_IPI_CLUSTER_SIZE 127"): " is not none",
                ("CLOCK_READ 4096", "CLOCK_READ 512"): "+test $0x1ff",
            },
            id="source-entry-callback-constant",
        ),
        pytest.param(
            {
                (
                    r"^(\tops->icr_writes \+= address == ICR_ADDRESS;)",
                    f"\\1\n\t{CLEAR}",
                ): "+cld",
                (r"^(\tu64 entered = rdtsc_ordered\(\);)$", f"\\1\n\t{PAUSE}"): "+pause",
            },
            id="op-handler",
        ),
        pytest.param({("case OP_FENCE:", "case 77:"): "source: "}, id="jump-table"),
    ],
)
def test_changes_in_the_window_are_reported(
    guest: Image,
    sources: Path,
    capsys: pytest.CaptureFixture[str],
    changes: dict[tuple[str, str], str],
) -> None:
    """A changed instruction, constant or jump is reported, each by what only it prints."""
    for pattern, text in changes:
        replaced(sources, pattern, text)

    assert not compare(guest, compiled(sources))
    printed = capsys.readouterr().out
    assert [output for output in changes.values() if output not in printed] == []


def test_a_revision_is_compiled_as_it_was_committed() -> None:
    """The guest of the last commit is equal to itself."""
    git = ["git", "rev-parse", "HEAD"]
    if subprocess.run(git, check=False, cwd=TESTS, capture_output=True).returncode:
        pytest.skip("the tests do not run in a git work tree")

    assert main(["HEAD", "HEAD"]) == 0
