"""`pvbench lab build VERSION`, with packages that are made and programs that copy files."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pvbench.host.cache import cache_folder
from pvbench.qemu import kernel_cache
from pvbench_site_lab import kernel_store, series
from pvbench_site_lab.debian_source import remove_unused
from pvbench_site_lab.make import key
from support.fake_apt import FakeApt
from support.fake_make import FakeTree
from support.fake_source import CONTENT, add_source, patch_of, write_series
from support.runs import Cli


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeTree:
    """Sources of a kernel, and an empty cache."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return FakeTree(tmp_path / "linux", tmp_path / "bin", monkeypatch)


@pytest.fixture
def mirror(tmp_path: Path, tree: FakeTree, monkeypatch: pytest.MonkeyPatch) -> FakeApt:
    """A mirror that has the sources of 6.12."""
    fake = FakeApt(tmp_path / "mirror", monkeypatch)
    tree.program("gcc", "echo 'gcc (A) 12.2.0'; echo more")
    add_source(fake, "6.12", tree.folder)
    return fake


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A series called mine, of one patch."""
    return write_series(tmp_path / "mine", a=patch_of(5, "five"))


def image(name: str) -> str:
    """The image of a kernel in the cache."""
    return (kernel_cache.folder() / name / "vmlinuz").read_text()


PATCHED = CONTENT.replace("line 5\n", "five\n")


@pytest.mark.usefixtures("mirror")
def test_the_sources_of_a_version_are_built_with_patches(cli: Cli, folder: Path) -> None:
    """The kernel is called as version and folder, and has facts for results."""
    output = cli("lab", "build", "6.12", "--patches", str(folder))
    stored = kernel_cache.stored("6.12-mine")

    assert (output.status, output.out[:28]) == (0, "built lab:6.12-mine (6.99.0,"), output.err
    assert stored is not None
    assert image("6.12-mine") == PATCHED
    assert stored.kernel.facts == {
        "lab_kernel_from": "linux-source-6.12 1-1 with 1 patch of mine",
        "lab_config": key(),
        "lab_compiler": "gcc (A) 12.2.0",
        "lab_patches": "a.patch",
        "lab_patches_sha256": series.series_in(folder).key,
    }
    (row,) = json.loads(cli("lab", "list", "--json").out)
    assert (row["name"], row["from"]) == ("6.12-mine", stored.origin)


@pytest.mark.usefixtures("mirror")
def test_without_patches_the_sources_are_built_as_they_are(cli: Cli) -> None:
    """That kernel is the other side of a comparison."""
    output = cli("lab", "build", "6.12")
    stored = kernel_cache.stored("6.12-source")

    assert output.status == 0, output.err
    assert stored is not None
    assert image("6.12-source") == CONTENT
    assert stored.origin == "linux-source-6.12 1-1"
    assert "lab_patches" not in stored.kernel.facts


@pytest.mark.usefixtures("mirror")
def test_the_functions_of_a_kernel_are_stored_with_it(cli: Cli) -> None:
    """An object file that cannot be read has none."""
    cli("lab", "build", "6.12")
    stored = kernel_cache.stored("6.12-source")

    assert stored is not None
    assert stored.kernel.functions is not None
    assert stored.kernel.functions.read_text() == "{}"


def test_the_package_is_downloaded_once_for_all_series(
    cli: Cli, mirror: FakeApt, folder: Path
) -> None:
    """Nothing of it is kept but the sources."""
    cli("lab", "build", "6.12", "--patches", str(folder))
    cli("lab", "build", "6.12")
    sources = cache_folder() / "sources/6.12"

    assert sum(" download " in call for call in mirror.calls) == 1
    assert (image("6.12-mine"), image("6.12-source")) == (PATCHED, CONTENT)
    assert {path.name for path in sources.iterdir()} == {
        *("current.patch", "objects", "source", "state.json"),
    }


def test_a_kernel_is_built_again_only_if_something_has_changed(
    cli: Cli, tree: FakeTree, mirror: FakeApt, folder: Path
) -> None:
    """The patches, the compiler or the package."""
    command = ("lab", "build", "6.12", "--patches", str(folder))
    builds, outputs = [], []
    for change in (
        lambda: None,
        lambda: None,
        lambda: write_series(folder, b=patch_of(6, "six")),
        lambda: tree.program("gcc", "echo 'gcc (A) 13.1.0'"),
        lambda: (mirror.folder / "shown/linux-source-6.12").write_text("Version: 1-2\n"),
    ):
        change()
        outputs.append(cli(*command).out.split()[0])
        builds.append(tree.builds())

    assert builds == [1, 1, 2, 3, 4]
    assert outputs == ["built", "kept", "built", "built", "built"]
    assert image("6.12-mine") == CONTENT.replace("line 6\n", "six\n")


@pytest.mark.parametrize("damaged", ["vmlinuz", "functions.json", "kernel.json"])
def test_a_damaged_kernel_is_built_again(
    cli: Cli, tree: FakeTree, mirror: FakeApt, damaged: str
) -> None:
    """Although nothing has changed."""
    cli("lab", "build", "6.12")
    path = kernel_cache.folder() / "6.12-source" / damaged
    content = path.read_text()
    path.write_text("{}  ")
    output = cli("lab", "build", "6.12")

    assert output.out.startswith("built lab:6.12-source ("), output.err
    assert (tree.builds(), path.read_text()) == (2, content)
    assert mirror.calls


def test_a_kernel_without_its_functions_is_built_again(
    cli: Cli, tree: FakeTree, mirror: FakeApt
) -> None:
    """An earlier pvbench stored none."""
    cli("lab", "build", "6.12")
    stored = kernel_cache.stored("6.12-source")
    assert stored is not None
    assert stored.kernel.functions is not None
    stored.kernel.functions.unlink()
    facts = {name: fact for name, fact in stored.kernel.facts.items() if name[-4:] != "from"}
    kernel_store.finish(stored.place, stored.kernel.release, stored.origin, facts)
    output = cli("lab", "build", "6.12")

    assert output.out.startswith("built lab:6.12-source ("), output.err
    assert (tree.builds(), stored.kernel.functions.read_text()) == (2, "{}")
    assert mirror.calls


@pytest.mark.usefixtures("mirror")
def test_what_a_build_needs_is_looked_for_once(cli: Cli, tree: FakeTree) -> None:
    """The compiler looks for a header."""
    cli("lab", "build", "6.12")
    calls = (tree.programs / "calls").read_text().splitlines()

    assert sum(call.startswith("gcc -E") for call in calls) == 1


@pytest.mark.usefixtures("mirror")
def test_a_patch_that_does_not_apply_adds_nothing(cli: Cli, folder: Path) -> None:
    """The kernel of that name that was there stays."""
    command = ("lab", "build", "6.12", "--patches", str(folder))
    cli(*command)
    write_series(folder, a=patch_of(5, "x", old="y"))
    output = cli(*command)

    assert output.status == 2
    assert "patch a.patch does not apply to linux-source-6.12 1-1: its hunk" in output.err
    assert image("6.12-mine") == PATCHED


@pytest.mark.usefixtures("mirror")
def test_the_default_series_is_that_of_the_proposals(
    cli: Cli, folder: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """``--patches`` without a folder; here a shorter one is in its place."""
    monkeypatch.setattr("pvbench_site_lab.command.PROPOSALS", folder.rename(tmp_path / "props"))
    output = cli("lab", "build", "6.12", "--patches")

    assert output.out.startswith("built lab:6.12-props ("), output.err


@pytest.mark.usefixtures("mirror")
def test_the_name_of_the_kernel_can_be_chosen(cli: Cli) -> None:
    """As that of an added one."""
    assert cli("lab", "build", "6.12", "--name", "base").out.startswith("built lab:base (")


def test_a_removed_kernel_takes_its_sources_with_it(
    cli: Cli, mirror: FakeApt, folder: Path
) -> None:
    """They stay while another kernel is built from them, and a kernel of a package has none."""
    sources = cache_folder() / "sources/6.12"
    cli("lab", "build", "6.12", "--patches", str(folder))
    cli("lab", "build", "6.12")
    cli("lab", "remove", "6.12-source")
    stay = sources.is_dir()
    cli("lab", "remove", "6.12-mine")

    assert (stay, sources.exists()) == (True, False)
    assert mirror.calls


@pytest.mark.parametrize(
    "origin", ["/boot/vmlinuz", "linux-source-../kernels 1", "sources", ""]
)
def test_only_the_sources_of_a_version_are_removed(tree: FakeTree, origin: str) -> None:
    """A file in the cache says which ones."""
    kept = cache_folder() / "kernels"
    kept.mkdir(parents=True)
    (cache_folder() / "sources").mkdir()
    remove_unused(origin)

    assert kept.is_dir()
    assert tree.folder.is_dir()


@pytest.mark.parametrize(
    ("arguments", "status", "sentence"),
    [
        (("6.11",), 2, "the package lists have no sources of kernel 6.11. There are 6.12."),
        (("6.12.118",), 2, "have no sources of kernel 6.12.118"),
        (("6.12", "--patches", "none"), 2, "none does not exist"),
        (("6.12", "--patches", ""), 2, ". has no patches"),
        (("6.12", "--name", "../x"), 2, "a kernel cannot be called '../x'"),
        (("./linux", "--patches", "x"), 2, "or apply patches to ./linux with `git am`"),
        (("./linux", "--name", "x"), 2, "--patches and --name are for a version"),
        (("./linux", "--patches", ""), 2, "--patches and --name are for a version"),
    ],
)
@pytest.mark.usefixtures("mirror")
def test_wrong_arguments_are_refused(
    cli: Cli, arguments: tuple[str, ...], status: int, sentence: str
) -> None:
    """Before anything is downloaded."""
    output = cli("lab", "build", *arguments)

    assert (output.status, sentence in output.err) == (status, True), output.err


def test_what_a_build_needs_is_named_before_the_download(
    cli: Cli, tree: FakeTree, mirror: FakeApt, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The package is large."""
    (tree.programs / "bison").unlink()
    monkeypatch.setenv("PATH", f"{mirror.folder / 'bin'}:{tree.programs}:/nowhere")
    output = cli("lab", "build", "6.12")

    assert output.status == 5
    assert "bison is missing" in output.err
    assert not (mirror.folder / "calls").exists()


@pytest.mark.parametrize(
    ("files", "sentence"),
    [
        ({}, "package linux-source-6.12_1-1_amd64.deb has no sources of a kernel"),
        ({"./usr/src/../../linux-source-6.12.tar.xz": b"x"}, "has no sources of a kernel"),
        ({"./usr/src/linux-source-6.12.tar.xz": b"x"}, "linux-source-6.12 cannot be unpacked"),
    ],
)
def test_a_package_without_sources_is_one_sentence(
    cli: Cli, mirror: FakeApt, files: dict[str, bytes], sentence: str
) -> None:
    """And the next build downloads it again."""
    mirror.add("linux-source-6.12", files)
    outputs = [cli("lab", "build", "6.12") for _ in range(2)]

    assert {output.status for output in outputs} == {5}
    assert all(sentence in output.err for output in outputs), outputs[0].err
    assert sum(" download " in call for call in mirror.calls) == 2


def test_a_package_that_is_cut_off_is_one_sentence(cli: Cli, mirror: FakeApt) -> None:
    """Its list of files is complete."""
    path = "./usr/src/linux-source-6.12.tar.xz"
    package = mirror.add("linux-source-6.12", {path: b"x" * 100_000})
    package.write_bytes(package.read_bytes()[:50_000])
    output = cli("lab", "build", "6.12")

    assert (output.status, "cannot be unpacked" in output.err) == (5, True), output.err


@pytest.mark.usefixtures("mirror")
def test_a_cache_that_cannot_be_written_is_one_sentence(cli: Cli, tmp_path: Path) -> None:
    """A file is where the folder would be."""
    (tmp_path / "cache/pvbench").mkdir(parents=True)
    (tmp_path / "cache/pvbench/sources").touch()
    output = cli("lab", "build", "6.12")

    assert (output.status, "cannot be written" in output.err) == (5, True), output.err
