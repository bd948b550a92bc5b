"""Kernels that are built from a tree of the user's, with programs that only copy files."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from pvbench.errors import PvbenchError, UnavailableError, UsageError
from pvbench_site_lab import make
from pvbench_site_lab.tree import Tree, built, tree_at
from support.fake_make import FakeTree
from support.fifo import has_no_writer
from support.runs import Cli


@pytest.fixture
def sources(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeTree:
    """Sources whose image is ``first``, and an empty cache."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return FakeTree(tmp_path / "linux", tmp_path / "programs", monkeypatch)


def tree_of(sources: FakeTree, revision: str = "") -> Tree:
    """The tree at the address of *sources*."""
    address = f"{sources.folder}@{revision}" if revision else str(sources.folder)
    tree = tree_at(address)
    assert tree is not None
    return tree


def test_the_sources_of_a_kernel_are_a_tree(sources: FakeTree, tmp_path: Path) -> None:
    """They are one with a revision or without; other folders are none."""
    assert tree_of(sources) == Tree(sources.folder)
    assert tree_of(sources, "v6.1") == Tree(sources.folder, "v6.1")
    assert tree_at(str(tmp_path)) is None
    assert tree_at(f"{tmp_path}@v6.1") is None
    assert tree_at("6.1") is None


def test_a_tree_is_built_outside_of_it(sources: FakeTree) -> None:
    """Each use builds what has changed since; nothing is written to the tree."""
    before = sorted(path.name for path in sources.folder.iterdir())
    kernel = built(tree_of(sources))
    (sources.folder / "code").write_text("second")
    changed = built(tree_of(sources))

    assert (kernel.release, kernel.modules) == ("6.99.0", None)
    assert kernel.facts == {"lab_kernel_from": str(sources.folder)}
    assert changed.image.read_text() == "second"
    assert sorted(path.name for path in sources.folder.iterdir()) == before


def test_a_revision_is_built_once(sources: FakeTree) -> None:
    """Its image is kept by its commit, whatever is checked out in the tree."""
    commit = sources.commit("base", code="base")
    sources.commit("patch", code="patch")
    kernels = [built(tree_of(sources, name)) for name in ("base", "patch", "base", commit)]

    assert [kernel.image.read_text() for kernel in kernels] == ["base", "patch", "base", "base"]
    assert kernels[0].facts == {"lab_kernel_from": f"{sources.folder}@{commit[:12]}"}
    assert sources.builds() == 2


def test_the_files_as_they_are_are_a_revision_of_a_repository(sources: FakeTree) -> None:
    """
    Changed, new and removed files count; neither the index nor a branch of the user changes.

    Without a change they are HEAD, and the same files are built once.
    """
    head = sources.commit("base", code="base", old="")
    clean = built(tree_of(sources))
    (sources.folder / "code").write_text("changed")
    (sources.folder / "new").touch()
    (sources.folder / "old").unlink()
    status, branches = sources.git("status", "--short"), sources.git("branch", "--verbose")
    changed, again = built(tree_of(sources)), built(tree_of(sources))
    of_head = built(tree_of(sources, "HEAD"))

    assert clean.facts == of_head.facts == {"lab_kernel_from": f"{sources.folder}@{head[:12]}"}
    assert [kernel.image.read_text() for kernel in (clean, changed, of_head)] == [
        "base",
        "changed",
        "base",
    ]
    worktree = tree_of(sources).folder / "source"
    assert (worktree / "new").exists()
    assert not (worktree / "old").exists()
    assert again == changed
    assert sources.builds() == 2
    assert sources.git("status", "--short") == status
    assert sources.git("branch", "--verbose") == branches


def test_a_repository_without_a_commit_has_no_revision_of_its_files(sources: FakeTree) -> None:
    """There is nothing that the commit would be on top of."""
    sources.git("init", "--quiet")

    with pytest.raises(UnavailableError, match=r"git cannot read the files of .* first commit"):
        built(tree_of(sources))


@pytest.mark.parametrize("revision", ["", "base"])
def test_a_kernel_is_not_built_where_nothing_may_be_compiled(
    sources: FakeTree, revision: str
) -> None:
    """One that is built already can be used; files in no repository may have changed since."""
    tree = tree_of(sources)
    with pytest.raises(UnavailableError, match="would be built first"):
        built(tree, may_build=False)
    sources.commit("base")
    tree = tree_of(sources, revision)
    with pytest.raises(UnavailableError, match=rf"the kernel of {tree} would be built first"):
        built(tree, may_build=False)
    kernel = built(tree)

    assert built(tree, may_build=False) == kernel
    assert sources.builds() == 1


def test_the_functions_of_a_kernel_are_kept_beside_its_image(sources: FakeTree) -> None:
    """An object file that cannot be read has none."""
    sources.commit("base")
    for revision in ("", "base"):
        kernel = built(tree_of(sources, revision))
        assert kernel.functions is not None
        assert kernel.functions.read_text() == "{}"
    shutil.rmtree(sources.folder / ".git")
    files = built(tree_of(sources))

    assert files.functions == files.image.with_name("vmlinux.functions")


def test_the_files_of_a_revision_are_written_again_after_the_cache_is_lost(
    sources: FakeTree,
) -> None:
    """Git remembers the worktree that is gone."""
    sources.commit("base", code="base")
    built(tree_of(sources, "base"))
    shutil.rmtree(tree_of(sources).folder)

    assert built(tree_of(sources, "base")).image.read_text() == "base"


@pytest.mark.parametrize("revision", ["none", "-x", "--all", "HEAD:code"])
def test_a_revision_that_does_not_exist_is_refused(sources: FakeTree, revision: str) -> None:
    """A tree that is no repository has none."""
    with pytest.raises(UsageError, match="has no git revision"):
        built(tree_of(sources, revision))
    sources.commit("base")

    with pytest.raises(UsageError, match="has no git revision"):
        built(tree_of(sources, revision))


def test_a_kernel_that_does_not_compile_is_one_sentence(sources: FakeTree) -> None:
    """With the first error of the compiler, and the file that has all of them."""
    (sources.folder / "broken").touch()

    with pytest.raises(UnavailableError, match="it is broken") as caught:
        built(tree_of(sources))
    assert "make allnoconfig fails" in str(caught.value)
    assert "allnoconfig.log has the output of make" in str(caught.value)


def test_the_compilers_of_a_build_that_takes_too_long_end_with_it(
    sources: FakeTree, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The sentence names the file with the output of make."""
    os.mkfifo(tmp_path / "fifo")
    sources.program("make", f"sleep 100000 > {tmp_path}/fifo; true")
    monkeypatch.setattr(make, "_LIMIT_S", 0.5)
    with open(os.open(tmp_path / "fifo", os.O_RDONLY | os.O_NONBLOCK), "rb") as reader:
        (tmp_path / "fifo").open("wb").close()  # from now on a missing writer is a hang-up
        with pytest.raises(UnavailableError, match=r"make is not done within 0\.5 s\. .*\.log"):
            built(tree_of(sources))

        assert has_no_writer(reader)


def test_a_kernel_without_kvm_is_refused(sources: FakeTree) -> None:
    """An old kernel lacks an option, or one of another architecture."""
    (sources.folder / "options").write_text("CONFIG_PVH=y\n")

    with pytest.raises(UnavailableError, match="its configuration has no KVM_AMD, BLK_DEV"):
        built(tree_of(sources))


def test_missing_programs_are_named_with_the_command_that_installs_them(
    sources: FakeTree, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A package is named once, and a header is looked for by the compiler."""
    sources.program("gcc", "exit 1")
    for name in ("flex", "bison"):
        (sources.programs / name).unlink()
    monkeypatch.setenv("PATH", str(sources.programs))

    with pytest.raises(UnavailableError) as caught:
        built(tree_of(sources))
    assert str(caught.value) == (
        "a kernel cannot be built here: flex, bison, libelf-dev are missing. "
        "apt-get install --no-install-recommends flex bison libelf-dev"
    )


def test_without_git_there_are_no_revisions(
    sources: FakeTree, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The files as they are need none."""
    monkeypatch.setenv("PATH", str(sources.programs))

    with pytest.raises(UnavailableError, match=r"no program git\. apt-get install git"):
        built(tree_of(sources, "base"))


def test_a_cache_that_cannot_be_written_builds_nothing(
    sources: FakeTree, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file is where the folder would be."""
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))

    with pytest.raises(PvbenchError, match="cannot be written"):
        built(tree_of(sources))


def test_git_that_fails_is_one_sentence(sources: FakeTree) -> None:
    """As on a disk that is full."""
    sources.commit("base")
    git = shutil.which("git")
    sources.program(
        "git", f'case "$*" in *worktree*) echo "disk full" >&2; exit 1 ;; esac\nexec {git} "$@"'
    )

    with pytest.raises(UnavailableError, match="disk full"):
        built(tree_of(sources, "base"))


def test_the_configuration_has_no_option_twice() -> None:
    """The last value would win."""
    lines = make.CONFIGURATION.read_text().splitlines()
    options = [line for line in lines if line.startswith("CONFIG_")]

    assert len(options) == len({option.partition("=")[0] for option in options})
    assert all(line.startswith(("#", "CONFIG_")) or not line for line in lines)


def test_the_images_of_the_same_sources_are_equal(sources: FakeTree) -> None:
    """Neither time, user nor host of a build are in them."""
    built(tree_of(sources))
    calls = (sources.programs / "calls").read_text()

    for word in ("KBUILD_BUILD_TIMESTAMP=", "KBUILD_BUILD_USER=", "KBUILD_BUILD_HOST="):
        assert word in calls
    assert os.environ.get("USER", "root") not in calls.split("KBUILD_BUILD_USER=")[1][:8]


def test_the_command_builds_a_tree(sources: FakeTree, cli: Cli) -> None:
    """And says how a run names it."""
    output = cli("lab", "build", str(sources.folder))

    assert (output.status, output.out) == (0, f"built lab:{sources.folder} (6.99.0)\n")
    assert "the first build takes minutes" in output.err


@pytest.mark.parametrize(
    "words", [("doctor", "--no-probe"), ("run", "smoke", "--delivery", "kvm", "--dry-run")]
)
def test_commands_that_compile_nothing_say_what_would_be_built(
    sources: FakeTree, cli: Cli, qemu: object, words: tuple[str, ...]
) -> None:
    """They name the command that builds it."""
    output = cli(*words, "--site", f"lab:{sources.folder}")

    assert output.status == 5
    assert output.err == (
        f"pvbench: the kernel of {sources.folder} would be built first: that compiles, and "
        f"nothing may be compiled now. Build it: `pvbench lab build {sources.folder}`.\n"
    )
    assert not (sources.programs / "calls").exists()


@pytest.mark.parametrize(
    ("address", "sentence"),
    [
        (".", ". is not a tree of a kernel: a tree has a file Kconfig and a folder"),
        (".@v6.1", ". is not a tree of a kernel: a tree has a file Kconfig and a folder"),
        ("./file", "file is not a tree of a kernel: a tree has"),
        ("./none", "there is no folder none"),
        ("./none@v6.1", "there is no folder none"),
        ("@v6.1", "there is no folder @v6.1"),
    ],
)
def test_a_folder_that_is_no_tree_is_refused(
    cli: Cli, tmp_path: Path, address: str, sentence: str
) -> None:
    """With the files that a tree has, also if a site names it with a revision."""
    (tmp_path / "file").touch()
    commands = [("lab", "build", address)]
    if "@" in address:
        commands.append(("doctor", "--site", f"lab:{address}"))
    for command in commands:
        output = cli(*command)
        assert (output.status, sentence in output.err) == (2, True), output.err
        assert "Name the folder with the sources, or TREE@REV." in output.err
