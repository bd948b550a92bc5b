"""The package lists of `pvbench lab add`, with programs of APT that are made for tests."""

from __future__ import annotations

import os

import pytest

from pvbench.host.cache import cache_folder
from support.fake_apt import FakeApt
from support.kernel_package import PACKAGE
from support.runs import Cli

pytestmark = pytest.mark.usefixtures("mirror")


def test_the_sources_are_the_mirrors_of_the_system(cli: Cli) -> None:
    """The mirror's address is not known to pvbench."""
    cli("lab", "add", "6.1")
    lines = (cache_folder() / "apt/sources.list").read_text().splitlines()

    assert {line.split("] ")[1].split()[0] for line in lines} == {
        "http://mirror.example/debian",
        "http://mirror.example/security",
    }


def test_package_lists_are_fetched_once(cli: Cli, mirror: FakeApt) -> None:
    """Until they are old, or another mirror is named."""
    for _ in range(2):
        assert cli("lab", "add", "6.1").status == 0
    once = sum(" update -q" in call for call in mirror.calls)
    cli("lab", "add", "6.1", "--mirror", "http://other.example/debian")
    twice = sum(" update -q" in call for call in mirror.calls)
    os.utime(cache_folder() / "apt/fetched", (0, 0))
    cli("lab", "add", "6.1", "--mirror", "http://other.example/debian")

    assert (once, twice) == (1, 2)
    assert sum(" update -q" in call for call in mirror.calls) == 3


def test_without_a_network_the_user_is_told_what_else_works(cli: Cli, mirror: FakeApt) -> None:
    """The first error of APT is the reason."""
    mirror.program(
        "apt-get",
        f'case "$*" in *--print-uris*) cat {mirror.folder}/uris; exit 0 ;; esac\n'
        "echo \"E: Failed to fetch http://mirror  Could not resolve 'x'\" >&2; exit 100",
    )
    output = cli("lab", "add", "6.1")

    assert output.status == 5
    assert output.err.splitlines()[-1] == (
        "pvbench: no package list can be fetched: Failed to fetch http://mirror "
        "Could not resolve 'x'. Check the network and the address of the mirror, or add a "
        "kernel that you have: `pvbench lab add ./vmlinuz`."
    )


MISSING = "E: The repository 'http://x sid Release' does not have a Release file."
REFUSED = "W: Failed to fetch http://x/InRelease  Connection refused"
FULL = (
    "E: Failed to fetch http://x  Error writing to file - write (28: No space left on device)"
)


def complain(mirror: FakeApt, *lines: str, also: str = "") -> None:
    """Let `apt-get update` print *lines* as errors, and execute the words *also*."""
    script = (mirror.folder / "bin/apt-get").read_text()
    text = "\n".join(lines)
    mirror.program(
        "apt-get",
        f'{script}\ncase "$*" in *update\\ -q) echo "{text}" >&2; {also} exit 0; esac',
    )


@pytest.mark.parametrize(
    ("lines", "notice"),
    [
        ((MISSING,), ""),
        ((MISSING, REFUSED), "Failed to fetch http://x/InRelease Connection refused"),
        ((MISSING, FULL), "No space left on device"),
    ],
    ids=["missing", "refused", "full"],
)
def test_older_lists_are_used_if_the_new_ones_cannot_be_fetched(
    cli: Cli, mirror: FakeApt, lines: tuple[str, ...], notice: str
) -> None:
    """The reason is shown, and the next try is soon.  A missing suite is no reason."""
    cli("lab", "add", "6.1")
    os.utime(cache_folder() / "apt/fetched", (0, 0))
    complain(mirror, *lines)
    output = cli("lab", "add", "6.1")
    again = cli("lab", "add", "6.1")

    assert output.status == again.status == 0
    said = f"pvbench: not all package lists can be fetched: {notice}\n"
    assert (said in output.err) is (said in again.err) is bool(notice)


@pytest.mark.parametrize(
    ("lines", "sentence"),
    [
        (
            (MISSING, REFUSED),
            "Failed to fetch http://x/InRelease Connection refused. Check the",
        ),
        ((MISSING, FULL), "No space left on device. Free some space"),
        ((MISSING,), "does not have a Release file. Check the network and the address of the"),
    ],
    ids=["refused", "full", "missing"],
)
def test_a_mirror_without_lists_is_refused_and_replaces_nothing(
    cli: Cli, mirror: FakeApt, lines: tuple[str, ...], sentence: str
) -> None:
    """The lists of the mirror before are still there."""
    cli("lab", "add", "6.1")
    before = (cache_folder() / "apt/sources.list").read_text()
    script = (mirror.folder / "bin/apt-get").read_text()
    complain(mirror, *lines, also='rm "${2%/*}/state/lists/mirror_Packages";')
    output = cli("lab", "add", "6.1", "--mirror", "http://dead.example/debian")
    mirror.program("apt-get", script)

    assert output.status == 5
    assert "no package list can be fetched: " in output.err
    assert sentence in output.err
    assert (cache_folder() / "apt/sources.list").read_text() == before
    assert (cache_folder() / "apt/state/lists/mirror_Packages").exists()
    assert cli("lab", "add", "6.1").err.count("fetching Debian's package lists") == 0
    assert not list(cache_folder().glob(".*.tmp"))


def test_a_download_that_writes_no_package_is_named(cli: Cli, mirror: FakeApt) -> None:
    """APT ends well, as it does when it only prints addresses."""
    script = (mirror.folder / "bin/apt-get").read_text()
    mirror.program("apt-get", f'case "$*" in *" download "*) exit 0; esac\n{script}')
    output = cli("lab", "add", "6.1")

    assert output.status == 5
    assert f"apt-get did not write the package {PACKAGE}" in output.err
