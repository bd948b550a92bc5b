"""Build the kernel of a version from Debian's package of its sources, perhaps with patches."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Final

from pvbench import notices
from pvbench.errors import UnavailableError, not_writable
from pvbench.host.cache import cache_folder
from pvbench.host.files import read_regular
from pvbench.qemu import kernel_cache
from pvbench.qemu.kernel_cache import StoredKernel
from pvbench.text import one_line, printable
from pvbench_site_lab import functions, kernel_store, make, package_files, programs
from pvbench_site_lab.apt import Apt, Package
from pvbench_site_lab.locks import locked
from pvbench_site_lab.patched import PatchedSources
from pvbench_site_lab.releases import SOURCE, is_version
from pvbench_site_lab.series import Series
from pvbench_site_lab.store import FIX, check_space

_UNPACK_S: Final = 3600.0  # on a busy host
_SPACE: Final = 3 << 30  # bytes of the package, the sources and the objects


def build(version: str, series: Series, name: str, mirror: str = "") -> bool:
    """
    Add the kernel of *version* with the patches of *series* to the cache, as *name*.

    False if that kernel is there, intact and with its functions, and nothing has changed.

    Raises:
        UsageError: there is no such version, or a patch does not apply.
        UnavailableError: the sources cannot be fetched, unpacked, compiled or stored.
    """
    make.check()
    apt = Apt(cache_folder() / "apt")
    apt.prepare(mirror)
    package = apt.package(apt.source(version))
    stored = kernel_cache.stored(name)
    facts = {"lab_config": make.key(), "lab_compiler": make.compiler(), **series.facts}
    facts_of_results = facts | {"lab_kernel_from": _origin(package, series)}
    if stored and stored.kernel.facts == facts_of_results and _is_complete(stored):
        return False
    sources = _sources(version)
    try:
        sources.lock.parent.mkdir(parents=True, exist_ok=True)
        with locked(sources.lock):
            _build(sources, apt, package, series, name)
            _store(sources, name, _origin(package, series), facts)
    except OSError as error:
        raise not_writable(Path(error.filename or sources.folder), error, FIX) from None
    return True


def _is_complete(stored: StoredKernel) -> bool:
    """Whether labs can boot a kernel, and its functions are stored."""
    try:
        kernel_store.check(stored)
    except UnavailableError as damage:
        notices.say(f"{damage.what}, so the kernel is built again")
        return False
    return stored.kernel.functions is not None


def remove_unused(origin: str) -> None:
    """Remove the sources that *origin* names if no kernel in the cache is built from them."""
    package = origin.partition(" ")[0]
    version = package.removeprefix(SOURCE)
    sources = _sources(version)
    if version != package and is_version(version) and sources.folder.is_dir():
        with locked(sources.lock):
            origins = [stored.origin for stored in kernel_cache.kernels()]
            if not any(other.startswith(f"{package} ") for other in origins):
                shutil.rmtree(sources.folder, ignore_errors=True)


def _sources(version: str) -> PatchedSources:
    return PatchedSources(cache_folder() / "sources" / version)


def _origin(package: Package, series: Series) -> str:
    count = len(series.patches)
    patches = "1 patch" if count == 1 else f"{count} patches"
    added = f" with {patches} of {printable(series.name)}" if count else ""
    return f"{package.name} {package.version}{added}"


def _build(
    sources: PatchedSources, apt: Apt, package: Package, series: Series, name: str
) -> None:
    def unpack(folder: Path) -> None:
        _unpack(apt, package, folder)

    sources.become(f"{package.name} {package.version}", series.patches, unpack)
    make.vmlinux(sources.source, sources.objects, name)


def _unpack(apt: Apt, package: Package, folder: Path) -> None:
    """
    Download *package*, and write the sources in it to *folder*.

    Raises:
        UnavailableError: that fails.
    """
    check_space(folder, _SPACE)
    notices.say(f"downloading {package.name}")
    deb = apt.download(package.name, folder.parent)
    archive = folder.with_name("source.tar")
    package_files.write_source(deb, archive)
    deb.unlink()
    notices.say(f"unpacking {package.name}")
    options = (f"--file={archive}", f"--directory={folder}", "--strip-components=1")
    command = ["tar", "--extract", "--no-same-owner", *options]
    done = programs.run(command, folder, _UNPACK_S, missing="apt-get install tar xz-utils")
    archive.unlink()
    if done.returncode:
        raise UnavailableError(f"{package.name} cannot be unpacked", why=one_line(done.stderr))


def _store(sources: PatchedSources, name: str, origin: str, facts: dict[str, str]) -> None:
    with kernel_store.adding(name) as place:
        image = read_regular(sources.objects / "vmlinux")
        (place / kernel_cache.IMAGE).write_bytes(image)
        functions.keep(sources.objects, place / kernel_cache.FUNCTIONS)
        kernel_store.finish(place, make.release(sources.objects), origin, facts)
