"""Copy a kernel into the cache: from Debian's packages, from files, or from a built tree."""

from __future__ import annotations

import shutil
from pathlib import Path

from pvbench import notices
from pvbench.errors import UnavailableError
from pvbench.host.cache import cache_folder
from pvbench.host.files import read_regular
from pvbench.qemu import kernel_cache
from pvbench.qemu.kernels import Kernel
from pvbench_site_lab import kernel_store, modules
from pvbench_site_lab.apt import Apt, Package
from pvbench_site_lab.package_files import PackageFiles, unpacked
from pvbench_site_lab.releases import release_in


def add_debian(version: str, name: str, mirror: str) -> None:
    """
    Add the newest kernel of *version* that Debian has packages of, as *name*.

    Raises:
        UsageError: there is none.
        UnavailableError: it cannot be fetched, unpacked or stored.
    """
    apt = Apt(cache_folder() / "apt")
    apt.prepare(mirror)
    package = apt.package(apt.newest(version))
    with kernel_store.adding(name) as place:
        work = place / "work"
        work.mkdir()
        packages = [_download(apt, part, work) for part in (package.name, *package.parts)]
        with unpacked(packages, work) as files:
            _copy(files, place, package)
        shutil.rmtree(work)
        release = f"{release_in(package.name)}-amd64"
        kernel_store.finish(place, release, f"{package.name} {package.version}")


def _download(apt: Apt, name: str, folder: Path) -> Path:
    notices.say(f"downloading {name}")
    return apt.download(name, folder)


def _copy(files: PackageFiles, place: Path, package: Package) -> None:
    if files.image is None:
        raise UnavailableError(f"package {package.name} has no kernel image")
    (place / kernel_cache.IMAGE).write_bytes(files.image.content())
    (place / kernel_cache.MODULES).mkdir()
    pending = [modules.NEEDED]
    while pending:
        pending += _copy_module(pending.pop(), files, place, package)


def _copy_module(name: str, files: PackageFiles, place: Path, package: Package) -> list[str]:
    """Copy the module *name*; the modules that it depends on."""
    if name not in files.modules:
        raise UnavailableError(f"package {package.name} has no module {name}")
    file = files.modules[name]
    path = place / kernel_cache.MODULES / f"{name}.ko{file.suffix}"
    if path.exists():
        return []
    path.write_bytes(file.content())
    return modules.depends_of(modules.content_of(path))


def add_files(kernel: Kernel, name: str) -> None:
    """
    Add *kernel* with the modules that KVM needs, as *name*.

    Raises:
        UnavailableError: it lacks a module, or it cannot be read or stored.
    """
    needed = modules.of_kernel(kernel)
    with kernel_store.adding(name) as place:
        (place / kernel_cache.IMAGE).write_bytes(read_regular(kernel.image))
        if needed:
            (place / kernel_cache.MODULES).mkdir()
        for module in needed:
            path = place / kernel_cache.MODULES / f"{module.name}.ko"
            path.write_bytes(module.content)
        kernel_store.finish(place, kernel.release, str(kernel.image.resolve()))
