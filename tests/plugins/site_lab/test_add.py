"""`pvbench lab add`, list and remove, with programs of APT that serve made packages."""

from __future__ import annotations

import json
import lzma
import os
from pathlib import Path

import pytest

from pvbench.errors import UnavailableError
from pvbench.host.cache import cache_folder
from pvbench_site_lab import apt, kernel_store
from pvbench_site_lab.find import find
from support.fake_apt import FakeApt, write_archive
from support.kernels import bz_image
from support.runs import Cli

IMAGE = bz_image(b"x" * 8)
RELEASE = "6.1.0-56-amd64"
PACKAGE = f"linux-image-{RELEASE}"
MODULES = f"./lib/modules/{RELEASE}/kernel"


def module(*depends: str) -> bytes:
    """The part of a module that names its dependencies."""
    return b"\x7fELF\0depends=" + ",".join(depends).encode() + b"\0"


FILES = {
    f"./boot/vmlinuz-{RELEASE}": IMAGE,
    f"./boot/System.map-{RELEASE}": b"symbols",
    f"{MODULES}/arch/x86/kvm/kvm-amd.ko": module("kvm", "ccp"),
    f"{MODULES}/arch/x86/kvm/kvm.ko": module("irqbypass"),
    f"{MODULES}/arch/x86/kvm/kvm-intel.ko": module("kvm"),
    f"{MODULES}/drivers/crypto/ccp/ccp.ko.xz": lzma.compress(module()),
    f"{MODULES}/virt/lib/irqbypass.ko": module(),
}


@pytest.fixture(autouse=True)
def mirror(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeApt:
    """A mirror with one package, and an empty cache."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    fake = FakeApt(tmp_path / "mirror", monkeypatch)
    fake.add(PACKAGE, FILES)
    return fake


def names(name: str = "6.1") -> list[str]:
    """The files of a kernel in the cache."""
    place = kernel_store.folder() / name
    return sorted(str(p.relative_to(place)) for p in place.rglob("*") if p.is_file())


def test_a_version_adds_the_image_and_the_modules_that_kvm_needs(cli: Cli) -> None:
    """Nothing else of the package is kept, and no other file is left."""
    output = cli("lab", "add", "6.1")
    stored = kernel_store.stored("6.1")

    assert (output.status, output.out[:31]) == (0, f"added lab:6.1 ({RELEASE}, ")
    assert names() == [
        "kernel.json",
        *(f"modules/{name}" for name in ("ccp.ko.xz", "irqbypass.ko", "kvm.ko", "kvm_amd.ko")),
        "vmlinuz",
    ]
    assert stored is not None
    assert stored.kernel.image.read_bytes() == IMAGE
    assert (stored.kernel.release, stored.origin) == (RELEASE, f"{PACKAGE} 1-1")
    assert sorted(os.listdir(kernel_store.folder())) == [".lock", "6.1"]


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


def test_a_package_in_parts_is_followed(cli: Cli, mirror: FakeApt) -> None:
    """From 7.0 on the image is in one package, and the modules are in another one."""
    release = "7.3.4+deb13-amd64"
    folder = f"./usr/lib/modules/{release}"
    binary, modules = f"linux-binary-{release}", f"linux-modules-{release}"
    mirror.add(f"linux-image-{release}", {}, f"dracut, {binary} (= 1-1), {modules} (= 1-1)")
    mirror.add(binary, {f"{folder}/vmlinuz": IMAGE})
    mirror.add(modules, {f"{folder}/kernel/arch/x86/kvm/kvm-amd.ko": module()})

    assert cli("lab", "add", "7.3").status == 0
    assert names("7.3") == ["kernel.json", "modules/kvm_amd.ko", "vmlinuz"]


def test_files_outside_of_their_places_are_not_used(cli: Cli, mirror: FakeApt) -> None:
    """A package that names other paths has no kernel; nothing is written there."""
    mirror.add(
        "linux-image-6.5.1-amd64",
        {
            "./boot/../../vmlinuz-6.5.1": IMAGE,
            "/boot/vmlinuz-6.5.1": IMAGE,
            "./lib/modules/6.5.1/kernel/../../../kvm-amd.ko": module(),
        },
    )
    output = cli("lab", "add", "6.5")

    assert (output.status, kernel_store.kernels()) == (5, [])
    assert "package linux-image-6.5.1-amd64 has no kernel image" in output.err


def test_a_module_that_is_missing_is_named(cli: Cli, mirror: FakeApt) -> None:
    """The kernel is not added."""
    files = {name: content for name, content in FILES.items() if "irqbypass" not in name}
    mirror.add(PACKAGE, files)
    output = cli("lab", "add", "6.1")

    assert (output.status, kernel_store.kernels()) == (5, [])
    assert f"package {PACKAGE} has no module irqbypass" in output.err


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
    leftover = kernel_store.folder() / ".6.12.new.tmp"
    leftover.mkdir(parents=True)

    assert cli("lab", "add", "6.1").status == 0
    assert not leftover.exists()


@pytest.mark.parametrize(
    ("program", "script", "sentence"),
    [
        ("apt-get", "echo 'E: no network' >&2; exit 100", "no mirror of Debian"),
        (
            "apt-cache",
            "echo 'E: broken' >&2; exit 100",
            "apt-cache pkgnames linux-image- fails",
        ),
        ("dpkg-deb", "echo 'not an archive' >&2; exit 2", "cannot be unpacked: not an archive"),
        ("dpkg-deb", "echo text", "cannot be unpacked"),
        ("dpkg-deb", 'head -c 1500 "$2"', "cannot be unpacked"),
    ],
)
def test_a_program_that_fails_is_one_sentence(
    cli: Cli, mirror: FakeApt, program: str, script: str, sentence: str
) -> None:
    """Without a traceback, and nothing is added."""
    mirror.program(program, script)
    output = cli("lab", "add", "6.1")

    assert (output.status, kernel_store.kernels()) == (5, [])
    assert sentence in output.err
    assert "Traceback" not in output.err


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


def test_a_program_that_is_missing_is_named(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Other systems have no APT."""
    monkeypatch.setenv("PATH", str(tmp_path))
    output = cli("lab", "add", "6.1")

    assert output.status == 5
    assert "there is no program apt-get" in output.err


def test_a_program_that_takes_too_long_is_ended(tmp_path: Path) -> None:
    """Its limit is some minutes."""
    with pytest.raises(UnavailableError, match=r"sleep is not done within 0\.01 s"):
        apt.run(["sleep", "60"], tmp_path, 0.01)


@pytest.mark.parametrize(
    ("arguments", "status", "sentence"),
    [
        (("6.11",), 2, "the package lists have no kernel 6.11. There are 6.1."),
        (("six",), 2, "'six' is neither a version nor a file"),
        (("./vmlinuz",), 2, "kernel vmlinuz cannot be read"),
        (("6.1", "--name", "../x"), 2, "a kernel cannot be called '../x'"),
        (("6.1", "--name", ".x"), 2, "a kernel cannot be called '.x'"),
        (("./k", "--modules", "none"), 2, "none is not a folder"),
    ],
)
def test_wrong_arguments_are_refused(
    cli: Cli, arguments: tuple[str, ...], status: int, sentence: str
) -> None:
    """In one sentence that says what to write."""
    output = cli("lab", "add", *arguments)

    assert (output.status, sentence in output.err) == (status, True), output.err


def test_a_file_is_added_with_its_modules(cli: Cli, tmp_path: Path) -> None:
    """By its release, unless a name is given."""
    (tmp_path / "vmlinuz").write_bytes(IMAGE)
    (tmp_path / "there").mkdir()
    (tmp_path / "there/kvm-amd.ko").write_bytes(module("kvm"))
    (tmp_path / "there/kvm.ko").write_bytes(module())
    first = cli("lab", "add", "./vmlinuz", "--modules", "there")
    cli("lab", "add", "./vmlinuz", "--modules", "there", "--name", "mine")

    assert first.status == 0, first.err
    assert [kernel.kernel.name for kernel in kernel_store.kernels()] == [RELEASE, "mine"]
    assert names("mine") == [
        *("kernel.json", "modules/kvm.ko", "modules/kvm_amd.ko", "vmlinuz"),
    ]


def test_a_version_is_no_file_of_that_name(cli: Cli, tmp_path: Path) -> None:
    """``./6.1`` is the file."""
    (tmp_path / "6.1").write_bytes(IMAGE)
    cli("lab", "add", "6.1")
    stored = kernel_store.stored("6.1")

    assert stored is not None
    assert stored.origin == f"{PACKAGE} 1-1"
    assert "added lab:6.1.0-56-amd64 (" in cli("lab", "add", "./6.1").out


def test_a_kernel_with_kvm_built_in_has_no_modules(cli: Cli, tmp_path: Path) -> None:
    """`pvbench lab build` builds such kernels."""
    (tmp_path / "vmlinuz").write_bytes(IMAGE)

    assert cli("lab", "add", "./vmlinuz", "--name", "own").status == 0
    assert names("own") == ["kernel.json", "vmlinuz"]


def test_the_list_has_a_row_for_each_kernel(cli: Cli) -> None:
    """Programs use --json; files and folders of other names are left out."""
    empty = cli("lab", "list")
    cli("lab", "add", "6.1")
    (kernel_store.folder() / ".other.new.tmp").mkdir()
    (kernel_store.folder() / "file").touch()
    (row,) = json.loads(cli("lab", "list", "--json").out)

    assert "There is no kernel in the cache" in empty.out
    assert (row["name"], row["release"], row["from"]) == ("6.1", RELEASE, f"{PACKAGE} 1-1")
    assert cli("lab", "list").out.splitlines()[2].split()[:3] == ["6.1", RELEASE, PACKAGE]


def test_a_removed_kernel_is_gone(cli: Cli) -> None:
    """A name that does not exist is refused."""
    cli("lab", "add", "6.1")

    assert cli("lab", "remove", "6.1").out == f"removed lab:6.1 ({RELEASE})\n"
    assert kernel_store.kernels() == []
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


def test_a_file_that_is_too_large_is_not_read(
    cli: Cli, mirror: FakeApt, tmp_path: Path
) -> None:
    """The archive says how large it is, and may lie."""
    package = mirror.add(PACKAGE, FILES)
    content = bytearray(
        write_archive(tmp_path / "a.tar", {f"./boot/vmlinuz-{RELEASE}": b""}).read_bytes()
    )
    content[124:136] = b"77777777777\0"
    checksum = sum(content[:148]) + 8 * 32 + sum(content[156:512])
    content[148:156] = f"{checksum:06o}\0 ".encode()
    package.write_bytes(content)
    output = cli("lab", "add", "6.1")

    assert (output.status, "cannot be unpacked" in output.err) == (5, True), output.err


def damage(name: str) -> str:
    """Damage a file of the kernel mine; the message of a lab that would boot it."""
    path = kernel_store.folder() / "mine" / name
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
    (kernel_store.folder() / "6.1/vmlinuz").write_bytes(b"")
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
    (kernel_store.folder() / "mine/vmlinuz").unlink()
    with pytest.raises(UnavailableError, match="vmlinuz is damaged: No such file"):
        find("mine")
    assert cli("lab", "remove", "mine").status == 0


@pytest.mark.parametrize("digests", [{}, {"modules/kvm.ko": ""}], ids=["none", "partial"])
def test_a_kernel_whose_image_has_no_digest_is_damaged(
    cli: Cli, digests: dict[str, str]
) -> None:
    """The command that adds it again is named, and helps."""
    cli("lab", "add", "6.1")
    path = kernel_store.folder() / "6.1/kernel.json"
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
    path = kernel_store.folder() / "6.1/kernel.json"
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
