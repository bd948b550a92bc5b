"""
Kernels that are built from a source tree of the user's, with a small configuration.

Objects are kept beside the tree's images in the user's cache, and nothing is written to the
tree.  The revisions of a git repository are built one after the other in one worktree, so
that each takes only as long as its changes need.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
from pathlib import Path
from typing import Final

import attrs

from pvbench import notices
from pvbench.errors import UnavailableError, UsageError, not_writable
from pvbench.host.cache import cache_folder
from pvbench.host.files import replacing
from pvbench.text import one_line
from pvbench_site_lab import make, programs
from pvbench_site_lab.kernels import Kernel
from pvbench_site_lab.store import FIX, locked

_GIT_S: Final = 600.0


@attrs.frozen
class Tree:
    """
    The sources in the folder *source*.

    Args:
        revision: of its git repository, as a user writes it; '' are the files as they are.
    """

    source: Path
    revision: str = ""

    def __str__(self) -> str:
        return f"{self.source}@{self.revision}" if self.revision else str(self.source)

    @property
    def folder(self) -> Path:
        """The folder in the cache for this tree."""
        digest = hashlib.sha256(os.fsencode(self.source.resolve())).hexdigest()[:12]
        return cache_folder() / "trees" / digest


def tree_at(address: str) -> Tree | None:
    """The tree that ``TREE`` or ``TREE@REV`` names; None if the sources of no kernel do."""
    path, _, revision = address.rpartition("@")
    for tree in (Tree(Path(address)), Tree(Path(path), revision)):
        if (tree.source / "Kconfig").is_file() and (tree.source / "arch/x86/kvm").is_dir():
            return attrs.evolve(tree, source=tree.source.resolve())
    return None


def built(tree: Tree) -> Kernel:
    """
    The kernel of *tree*, built if it has changed.

    Raises:
        UsageError: there is no such revision.
        UnavailableError: something is missing here, or the kernel does not compile.
    """
    try:
        tree.folder.mkdir(parents=True, exist_ok=True)
        with locked(tree.folder / ".lock"):
            return _built_revision(tree) if tree.revision else _built_files(tree)
    except OSError as error:
        raise not_writable(Path(error.filename or tree.folder), error, FIX) from None


def _built_files(tree: Tree) -> Kernel:
    """The kernel of the files as they are; make finds out what has changed."""
    objects = tree.folder / "objects"
    make.vmlinux(tree.source, objects, str(tree))
    return _kernel(tree, objects / "vmlinux", make.release(objects), str(tree))


def _built_revision(tree: Tree) -> Kernel:
    """The kernel of a revision, which is kept by its commit."""
    commit = _commit(tree)
    image = tree.folder / f"{commit}-{make.key()}"
    record = image.with_suffix(".release")
    if not record.exists():
        source = _worktree(tree, commit)
        objects = tree.folder / "objects-of-revisions"
        make.vmlinux(source, objects, str(tree))
        with replacing(image) as file:
            file.write((objects / "vmlinux").read_bytes())
        record.write_text(make.release(objects))
    return _kernel(tree, image, record.read_text(), f"{tree.source}@{commit[:12]}")


def _kernel(tree: Tree, image: Path, release: str, origin: str) -> Kernel:
    facts = {"lab_kernel_from": origin}
    return Kernel(name=str(tree), release=release, image=image, facts=facts)


def _commit(tree: Tree) -> str:
    """
    The commit that the revision of *tree* is.

    Raises:
        UsageError: it is none.
    """
    words = ("rev-parse", "--verify", "--quiet", f"{tree.revision}^{{commit}}")
    done = _git(tree.source, *words)
    commit = done.stdout.strip()
    if done.returncode or tree.revision.startswith("-") or not commit.isalnum():
        raise UsageError(
            f"{tree.source} has no git revision {tree.revision!r}",
            why=one_line(done.stderr),
            fix="Name a branch, a tag or a commit of that repository.",
        )
    return commit


def _worktree(tree: Tree, commit: str) -> Path:
    """The worktree in the cache, with the files of *commit*."""
    source = tree.folder / "source"
    if (source / ".git").exists():
        done = _git(source, "checkout", "--quiet", "--detach", "--force", commit)
    else:
        shutil.rmtree(source, ignore_errors=True)
        notices.say(f"writing the files of {tree} to a worktree")
        options = ("--force", "--detach", "--quiet")
        done = _git(tree.source, "worktree", "add", *options, str(source), commit)
    if done.returncode:
        raise UnavailableError(
            f"git cannot write the files of {tree} to {source}", why=one_line(done.stderr)
        )
    return source


def _git(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return programs.run(["git", *words], folder, _GIT_S, missing="apt-get install git")
