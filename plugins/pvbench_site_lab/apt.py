"""
APT with folders of its own in the user's cache.

It needs no privileges, and it changes nothing of the system: it takes the address of the
mirror and the keys from the system's configuration, and nothing else is shared.
"""

from __future__ import annotations

import time
from contextlib import suppress
from pathlib import Path
from typing import Final

import attrs

from pvbench import notices
from pvbench.errors import UnavailableError, UsageError, not_writable
from pvbench_site_lab import programs
from pvbench_site_lab.apt_messages import (
    OFFLINE,
    OWN,
    Completed,
    failure,
    is_complete,
    reason,
)
from pvbench_site_lab.folders import replacing_folder
from pvbench_site_lab.locks import locked
from pvbench_site_lab.releases import (
    SOURCE,
    mirrors,
    newest,
    parts,
    release_in,
    source_versions,
    sources,
    versions,
)
from pvbench_site_lab.store import FIX

KEYRING: Final = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
_CONFIGURATION: Final = """\
Dir::State "{root}/state";
Dir::State::lists "{root}/state/lists";
Dir::State::status "{root}/status";
Dir::Cache "{root}/cache";
Dir::Cache::archives "{root}/cache/archives";
Dir::Cache::pkgcache "pkgcache.bin";
Dir::Etc::sourcelist "{root}/sources.list";
Dir::Etc::sourceparts "-";
APT::Architecture "amd64";
Acquire::Languages "none";
#clear APT::Update::Pre-Invoke;
#clear APT::Update::Post-Invoke;
#clear APT::Update::Post-Invoke-Success;
#clear DPkg::Post-Invoke;
"""
_SOURCES: Final = "sources.list"
_FOLDERS: Final = ("state/lists/partial", "cache/archives/partial")
_FRESH_S: Final = 12 * 3600  # lists that are older are fetched again
_LIMIT_S: Final = 900.0


@attrs.frozen
class Package:
    """A package of a version, with the packages of the same kernel that it depends on."""

    name: str
    version: str
    parts: tuple[str, ...]


@attrs.frozen
class Apt:
    """APT in the folder *root*."""

    root: Path

    def prepare(self, mirror: str = "") -> None:
        """
        Write the configuration, and fetch the lists of packages unless they are fresh.

        Raises:
            UnavailableError: apt or a mirror is missing, or no list can be fetched.
        """
        listing = _sources(mirror)
        try:
            self.root.parent.mkdir(parents=True, exist_ok=True)
            with locked(self.root.with_name(f".{self.root.name}.lock")):
                if self._sources_list() != listing:
                    self._fetch_anew(listing)
                elif not self._is_fresh():
                    self._update()
                self._configure(listing)
        except OSError as error:
            raise not_writable(Path(error.filename or self.root), error, FIX) from None

    def newest(self, version: str) -> str:
        """
        The name of the newest package of *version*.

        Raises:
            UsageError: there is none.
        """
        names = self._output("apt-cache", "pkgnames", "linux-image-").split()
        if name := newest(names, version):
            return name
        raise UsageError(
            f"the package lists have no kernel {version}",
            fix=f"There are {', '.join(versions(names)) or 'none'}.",
        )

    def source(self, version: str) -> str:
        """
        The name of the package that has the sources of *version*.

        Raises:
            UsageError: there is none.
        """
        names = self._output("apt-cache", "pkgnames", SOURCE).split()
        if (name := f"{SOURCE}{version}") in names:
            return name
        raise UsageError(
            f"the package lists have no sources of kernel {version}",
            fix=f"There are {', '.join(source_versions(names)) or 'none'}.",
        )

    def package(self, name: str) -> Package:
        """
        The newest version of the package called *name*.

        Raises:
            UnavailableError: APT does not show it.
        """
        text = self._output("apt-cache", "show", "--no-all-versions", name)
        fields = dict(line.split(": ", 1) for line in text.splitlines() if ": " in line)
        release = release_in(name) or ""
        return Package(
            name, fields["Version"], tuple(parts(fields.get("Depends", ""), release))
        )

    def download(self, name: str, folder: Path) -> Path:
        """
        Download the package called *name* into *folder*.

        Raises:
            UnavailableError: it cannot be downloaded.
        """
        self._output("apt-get", "download", name, folder=folder)
        for path in folder.glob(f"{name}_*.deb"):
            return path
        raise UnavailableError(f"apt-get did not write the package {name}")

    def _sources_list(self) -> str:
        """The sources.list of the last lists that were fetched; '' if there are none."""
        with suppress(OSError, ValueError):
            return (self.root / _SOURCES).read_text()
        return ""

    def _fetch_anew(self, listing: str) -> None:
        """Fetch the lists of other sources; those that there are stay if that fails."""
        with replacing_folder(self.root) as folder:
            new = Apt(folder)
            new._configure(listing)
            new._update()

    def _configure(self, listing: str) -> None:
        """Write the files that APT reads."""
        for folder in _FOLDERS:
            (self.root / folder).mkdir(parents=True, exist_ok=True)
        (self.root / "status").touch()
        (self.root / "apt.conf").write_text(_CONFIGURATION.format(root=self.root))
        (self.root / _SOURCES).write_text(listing)

    def _is_fresh(self) -> bool:
        with suppress(OSError):
            return time.time() - (self.root / "fetched").stat().st_mtime < _FRESH_S
        return False

    def _update(self) -> None:
        """Fetch the lists; a suite that the mirror does not have is no error."""
        notices.say("fetching Debian's package lists")
        done = self._run("apt-get", "update", "-q")
        if not any((self.root / "state/lists").glob("*Packages*")):
            raise failure("no package list can be fetched", done)
        if is_complete(done):
            (self.root / "fetched").touch()
        else:
            notices.say(f"not all package lists can be fetched: {reason(done)}")

    def _output(self, *command: str, folder: Path | None = None) -> str:
        done = self._run(*command, folder=folder)
        if done.returncode:
            raise failure(f"{' '.join(command[:2])} {command[-1]} fails", done)
        return done.stdout

    def _run(self, program: str, *arguments: str, folder: Path | None = None) -> Completed:
        options = ["-c", str(self.root / "apt.conf")]
        return run([program, *options, *arguments], folder or self.root)


def run(command: list[str], folder: Path, limit_s: float = _LIMIT_S) -> Completed:
    """
    Run a program of APT.

    Raises:
        UnavailableError: it is missing, or takes too long.
    """
    missing = f"Use a machine with Debian's apt, or {OWN}"
    return programs.run(command, folder, limit_s, missing=missing, late=OFFLINE)


def _sources(mirror: str) -> str:
    """
    The sources.list; the mirror is that of the system unless another one is named.

    Raises:
        UnavailableError: the system has none of Debian.
    """
    main, security = mirrors(run(["apt-get", "update", "--print-uris"], Path("/")).stdout)
    main, security = (mirror, "") if mirror else (main, security)
    if not main:
        raise UnavailableError(
            "the package sources of this system have no mirror of Debian",
            fix="Name one: `pvbench lab add VERSION --mirror ADDRESS`.",
        )
    return sources(main, security, str(KEYRING) if KEYRING.exists() else "")
