"""Kernels in the cache: listed, removed, replaced and damaged."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pvbench.errors import UnavailableError
from pvbench.qemu import kernel_cache
from pvbench_site_lab.find import find
from support.fake_apt import FakeApt
from support.kernel_package import IMAGE, PACKAGE, RELEASE, names
from support.runs import Cli, call

pytestmark = pytest.mark.usefixtures("mirror")


def test_an_older_kernel_stays_if_the_new_one_cannot_be_added(
    cli: Cli, mirror: FakeApt
) -> None:
    """A kernel is replaced whole or not at all."""
    cli("lab", "add", "6.1")
    before = names()
    mirror.add(PACKAGE, {})

    assert cli("lab", "add", "6.1").status == 5
    assert names() == before


def test_leftovers_of_killed_commands_are_removed(cli: Cli) -> None:
    """The next command that adds a kernel does it."""
    leftover = kernel_cache.folder() / ".6.12.new.tmp"
    leftover.mkdir(parents=True)

    assert cli("lab", "add", "6.1").status == 0
    assert not leftover.exists()


def test_the_list_has_a_row_for_each_kernel(cli: Cli) -> None:
    """Programs use --json; files and folders of other names are left out."""
    empty = cli("lab", "list")
    cli("lab", "add", "6.1")
    (kernel_cache.folder() / ".other.new.tmp").mkdir()
    (kernel_cache.folder() / "file").touch()
    (row,) = json.loads(cli("lab", "list", "--json").out)

    assert "There is no kernel in the cache" in empty.out
    assert (row["name"], row["release"], row["from"]) == ("6.1", RELEASE, f"{PACKAGE} 1-1")
    words = cli("lab", "list").out.splitlines()[2].split()
    assert words[:4] == ["6.1", RELEASE, "Debian", "1-1"]


@pytest.mark.parametrize("columns", [40, 72, 100, 200])
def test_no_line_of_the_list_is_wider_than_the_terminal(cli: Cli, columns: int) -> None:
    """It goes through the renderers, as every table does."""
    cli("lab", "add", "6.1", "--name", "a-kernel-with-quite-a-long-name")
    printed = call("lab", "list", columns=columns).out

    assert RELEASE in printed
    assert [line for line in printed.splitlines() if len(line) > columns] == []


def test_a_removed_kernel_is_gone(cli: Cli) -> None:
    """A name that does not exist is refused."""
    cli("lab", "add", "6.1")

    assert cli("lab", "remove", "6.1").out == f"removed lab:6.1 ({RELEASE})\n"
    assert kernel_cache.kernels() == []
    assert "there is no kernel called '6.1'" in cli("lab", "remove", "6.1").err


def test_a_cache_that_cannot_be_written_is_one_sentence(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file is where the folder would be."""
    (tmp_path / "vmlinuz").write_bytes(IMAGE)
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))

    for kernel in ("6.1", "./vmlinuz"):
        output = cli("lab", "add", kernel)
        assert (output.status, "cannot be written" in output.err) == (5, True), output.err


def damage(name: str) -> str:
    """Damage a file of the kernel mine; the message of a lab that would boot it."""
    path = kernel_cache.folder() / "mine" / name
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(UnavailableError) as caught:
        find("mine")
    return str(caught.value).removeprefix(f"{path} ")


@pytest.mark.parametrize("name", ["vmlinuz", "modules/ccp.ko.xz"])
def test_a_damaged_file_is_named_with_the_command_that_replaces_it(cli: Cli, name: str) -> None:
    """It is downloaded again, and works then."""
    cli("lab", "add", "6.1", "--name", "mine")
    find("mine")

    assert damage(name) == (
        "is damaged: its content is not what was stored. "
        "Add the kernel again: `pvbench lab add 6.1.0-56 --name mine`."
    )
    cli("lab", "add", "6.1.0-56", "--name", "mine")
    find("mine")


def test_a_damaged_kernel_is_added_again_by_its_version(cli: Cli) -> None:
    """If it is called like that."""
    cli("lab", "add", "6.1")
    (kernel_cache.folder() / "6.1/vmlinuz").write_bytes(b"")
    with pytest.raises(UnavailableError, match=r"again: `pvbench lab add 6\.1`"):
        find("6.1")


def test_a_kernel_that_was_added_from_a_file_is_removed_if_it_is_damaged(
    cli: Cli, tmp_path: Path
) -> None:
    """Only the user has another copy.  A missing file is damage too."""
    (tmp_path / "vmlinuz").write_bytes(IMAGE)
    cli("lab", "add", "./vmlinuz", "--name", "mine")
    fix = "Remove it, `pvbench lab remove mine`, and add or build it again."

    assert damage("vmlinuz").endswith(fix)
    (kernel_cache.folder() / "mine/vmlinuz").unlink()
    with pytest.raises(UnavailableError, match="vmlinuz is damaged: No such file"):
        find("mine")
    assert cli("lab", "remove", "mine").status == 0


@pytest.mark.parametrize("digests", [{}, {"modules/kvm.ko": ""}], ids=["none", "partial"])
def test_a_kernel_whose_image_has_no_digest_is_damaged(
    cli: Cli, digests: dict[str, str]
) -> None:
    """The command that adds it again is named, and helps."""
    cli("lab", "add", "6.1")
    path = kernel_cache.folder() / "6.1/kernel.json"
    facts = json.loads(path.read_text()) | {"sha256": digests}
    path.write_text(json.dumps(facts))
    with pytest.raises(UnavailableError) as caught:
        find("6.1")
    cli("lab", "add", "6.1")

    assert str(caught.value) == (
        f"{path} is damaged: it has no digests of the other files. "
        "Add the kernel again: `pvbench lab add 6.1`."
    )
    assert find("6.1").name == "6.1"


@pytest.mark.parametrize(
    "content", ["[]", "{}", "{", "\xff", '{"release": 1, "origin": 2, "sha256": []}']
)
def test_a_kernel_whose_facts_are_damaged_is_named_listed_and_removed(
    cli: Cli, content: str
) -> None:
    """No other kernel is suggested, and it can be added again."""
    cli("lab", "add", "6.1")
    cli("lab", "add", "6.1", "--name", "6.1-other")
    path = kernel_cache.folder() / "6.1/kernel.json"
    path.write_text(content, encoding="latin-1")
    fix = "Remove it, `pvbench lab remove 6.1`, and add or build it again."
    with pytest.raises(UnavailableError) as caught:
        find("6.1")
    rows = json.loads(cli("lab", "list", "--json").out)

    assert str(caught.value) == (
        f"{path} is damaged: it has no digests of the other files. {fix}"
    )
    assert [(row["name"], row["release"], row["from"]) for row in rows] == [
        ("6.1", "unknown", "unknown"),
        ("6.1-other", RELEASE, f"{PACKAGE} 1-1"),
    ]
    assert cli("lab", "remove", "6.1").out == "removed lab:6.1 (unknown)\n"
    assert cli("lab", "add", "6.1").status == 0
    assert find("6.1").release == RELEASE
