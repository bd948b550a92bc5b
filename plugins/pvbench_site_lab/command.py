"""The command `pvbench lab`: the kernels of labs, and what a lab needs of this machine."""

from __future__ import annotations

import argparse
from pathlib import Path

from pvbench import notices
from pvbench.command import Command, Output
from pvbench.errors import UsageError
from pvbench.formats import output_options
from pvbench.hookspecs import hookimpl
from pvbench.qemu import kernel_cache
from pvbench_site_lab import kernel_store, shown
from pvbench_site_lab.series import PROPOSALS

pvbench_api = 1
_SUMMARY = "add, build, check and list the kernels that sites lab:KERNEL boot"


def arguments(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(required=True, metavar="ACTION")
    _add_arguments(actions.add_parser("add", help="copy a kernel into the cache"))
    _list_arguments(actions.add_parser("list", help="list the kernels in the cache"))
    _check_arguments(actions.add_parser("check", help="say what a lab lacks here"))
    _remove_arguments(actions.add_parser("remove", help="remove a kernel from the cache"))
    _build_arguments(actions.add_parser("build", help="build the kernel of a tree"))


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.set_defaults(execute=_add)
    parser.add_argument(
        "kernel",
        metavar="KERNEL",
        help="a version such as 6.12, of which the newest package of Debian is downloaded; "
        "or the path of a vmlinuz, a vmlinux or a built tree",
    )
    parser.add_argument("--modules", metavar="DIR", help="folder of the kernel's modules")
    parser.add_argument("--name", help="name of the kernel (the version, or its release)")
    _add_mirror(parser)


def _add_mirror(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--mirror", default="", metavar="ADDRESS", help="mirror of Debian (the system's)"
    )


def _list_arguments(parser: argparse.ArgumentParser) -> None:
    parser.set_defaults(execute=_list)
    output_options(parser)


def _check_arguments(parser: argparse.ArgumentParser) -> None:
    parser.set_defaults(execute=_check)
    parser.add_argument(
        "kernel", nargs="?", metavar="KERNEL", help="boot this kernel (all in the cache)"
    )
    parser.add_argument("--no-boot", action="store_true", help="boot no kernel")
    output_options(parser)


def _remove_arguments(parser: argparse.ArgumentParser) -> None:
    parser.set_defaults(execute=_remove)
    parser.add_argument("kernel", metavar="KERNEL", help="name of a kernel in the cache")


def _build_arguments(parser: argparse.ArgumentParser) -> None:
    parser.set_defaults(execute=_build)
    parser.add_argument(
        "tree",
        metavar="TREE",
        help="a folder with the sources of a kernel, or TREE@REV for a revision of its git "
        "repository; or a version such as 6.12, of which Debian's sources are downloaded",
    )
    parser.add_argument(
        "--patches",
        nargs="?",
        const=str(PROPOSALS),
        metavar="DIR",
        help="apply the patches in this folder to the sources of a version; without DIR, "
        "those of the proposals of 2018",
    )
    parser.add_argument("--name", help="name of the kernel of a version (VERSION-FOLDER)")
    _add_mirror(parser)


def _add(options: argparse.Namespace) -> Output:
    from pvbench.qemu.kernels import of_path
    from pvbench_site_lab.add import add_debian, add_files
    from pvbench_site_lab.releases import is_version

    path = Path(options.kernel)
    if is_version(options.kernel):  # also if a file has that name, as for a site
        name = kernel_store.check_name(options.name or options.kernel)
        add_debian(options.kernel, name, options.mirror)
    elif "/" in options.kernel or path.exists():
        kernel = of_path(options.kernel, path, _folder(options.modules))
        name = kernel_store.check_name(options.name or kernel.release)
        add_files(kernel, name)
    else:
        raise UsageError(
            f"{options.kernel!r} is neither a version nor a file",
            fix="Write a version such as 6.12, or the path of a vmlinuz.",
        )
    return shown.stored("added", kernel_cache.stored(name))


def _folder(text: str | None) -> Path | None:
    if text is None or Path(text).is_dir():
        return Path(text) if text else None
    raise UsageError(f"{text} is not a folder", fix="Name the folder of the kernel's modules.")


def _build(options: argparse.Namespace) -> Output:
    from pvbench_site_lab.releases import is_version
    from pvbench_site_lab.tree import built, no_tree, tree_at

    if is_version(options.tree):  # also if a folder has that name, as for `lab add`
        return _build_version(options)
    if options.patches is not None or options.name is not None:
        raise UsageError(
            "--patches and --name are for a version, of which sources are downloaded",
            fix=f"Name a version, or apply patches to {options.tree} with `git am`.",
        )
    tree = tree_at(options.tree)
    if tree is None:
        raise no_tree(options.tree)
    kernel = built(tree)
    return shown.sentence(f"built lab:{options.tree} ({kernel.release})")


def _build_version(options: argparse.Namespace) -> Output:
    from pvbench_site_lab import debian_source
    from pvbench_site_lab.series import Series, series_in

    series = Series() if options.patches is None else series_in(Path(options.patches))
    default = f"{options.tree}-{series.name or 'source'}"
    name = kernel_store.check_name(options.name or default)
    is_new = debian_source.build(options.tree, series, name, options.mirror)
    return shown.stored("built" if is_new else "kept", kernel_cache.stored(name))


def _list(options: argparse.Namespace) -> Output:
    return shown.kernels(list(kernel_cache.kernels()))


def _check(options: argparse.Namespace) -> Output:
    from pvbench_site_lab import check

    findings = check.pieces()
    names = [options.kernel] if options.kernel else _names()
    if not options.no_boot and findings[0].is_good:
        for name in names:
            notices.say(f"booting lab:{name}")
            findings.append(check.boot(name))
    return shown.findings(findings, kernels=options.no_boot or bool(names))


def _names() -> list[str]:
    """The kernels in the cache."""
    return [stored.kernel.name for stored in kernel_cache.kernels()]


def _remove(options: argparse.Namespace) -> Output:
    from pvbench_site_lab import debian_source

    kernel = kernel_store.remove(options.kernel)
    debian_source.remove_unused(kernel.origin)
    return shown.sentence(f"removed lab:{kernel.kernel.name} ({kernel.kernel.release})")


@hookimpl
def pvbench_commands() -> list[Command]:
    return [Command(name="lab", summary=_SUMMARY, arguments=arguments, execute=_list)]
