"""Names of Debian's kernel packages, and which of them a user means by a version."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

# Suites that may have kernels, the oldest first; a mirror need not have all of them.
CODENAMES: Final = ("bullseye", "bookworm", "trixie", "forky", "sid")
_PACKAGE: Final = re.compile(r"linux-image-([0-9]+\.[0-9]+\.[0-9]+[A-Za-z0-9.+~-]*)-amd64")
SOURCE: Final = "linux-source-"  # with a version after it, the name of a package
_NUMBERS: Final = re.compile(r"[0-9]+\.[0-9]+")
_VARIANT: Final = re.compile(r"-(cloud|rt)$")
_DEPENDENCY: Final = re.compile(r"([a-z0-9][a-z0-9.+~-]+)(?: \(= [^)]*\))?")
_VERSION: Final = re.compile(r"[0-9]+\.[0-9]+[A-Za-z0-9.+~-]*")
# ``'MIRROR/dists/SUITE/InRelease' FILE SIZE``, from apt-get update --print-uris
_INDEX: Final = re.compile(r"'(\S+?)/dists/([\w/-]+)/InRelease'")


def is_version(text: str) -> bool:
    """Whether *text* can be the version of a kernel."""
    return _VERSION.fullmatch(text) is not None


def release_in(package: str) -> str | None:
    """``6.1.0-56`` for ``linux-image-6.1.0-56-amd64``; None if it is no plain kernel."""
    match = _PACKAGE.fullmatch(package)
    return match[1] if match and not _VARIANT.search(match[1]) else None


def newest(packages: Iterable[str], version: str) -> str | None:
    """The package with the newest release of *version*; None if there is none."""
    version = version.removesuffix("-amd64")
    releases = {release_in(package): package for package in packages}
    if version in releases:
        return releases[version]
    matches = [release for release in releases if release and _is_of(release, version)]
    return releases[max(matches, key=_order)] if matches else None


def versions(packages: Iterable[str]) -> list[str]:
    """The versions of which there are packages, such as 6.1 and 6.12, in order."""
    releases = filter(None, map(release_in, packages))
    return sorted({".".join(re.findall("[0-9]+", r)[:2]) for r in releases}, key=_order)


def source_versions(packages: Iterable[str]) -> list[str]:
    """The versions of which there are packages with sources, in order."""
    names = (package.removeprefix(SOURCE) for package in packages)
    return sorted({name for name in names if _NUMBERS.fullmatch(name)}, key=_order)


def _is_of(release: str, version: str) -> bool:
    """6.12.90+deb13 is of version 6.12 and of 6.12.90, and not of 6.1."""
    rest = release.removeprefix(version)
    return release.startswith(version) and not rest[:1].isdigit()


def _order(release: str) -> list[int]:
    return [int(digits) for digits in re.findall("[0-9]+", release)]


def parts(depends: str, release: str) -> list[str]:
    """
    The packages of the same kernel among the dependencies of a package.

    From 7.0 on the package linux-image is empty and depends on them.
    """
    names = (_DEPENDENCY.match(word.strip()) for word in depends.split(","))
    return [m[1] for m in names if m and m[1].endswith(f"-{release}-amd64")]


def mirrors(uris: str) -> tuple[str, str]:
    """
    The mirrors of Debian and of its security updates, from ``apt-get update --print-uris``.

    One that the system does not use is ''.
    """
    main = security = ""
    for mirror, suite in _INDEX.findall(uris):
        base, _, kind = suite.partition("-")
        if kind == "security" and base in CODENAMES:
            security = security or mirror
        elif base in CODENAMES:
            main = main or mirror
    return main, security


def sources(main: str, security: str, keyring: str) -> str:
    """The lines of a sources.list for all suites; *keyring* may be ''."""
    signed = f" signed-by={keyring}" if keyring else ""
    options = f"[arch=amd64 target=Packages{signed}]"
    lines = [f"deb {options} {main} {name} main" for name in CODENAMES]
    lines += [f"deb {options} {main} {name}-backports main" for name in CODENAMES[1:-1]]
    if security:
        lines += [f"deb {options} {security} {n}-security main" for n in CODENAMES[:-1]]
    return "".join(f"{line}\n" for line in lines)
