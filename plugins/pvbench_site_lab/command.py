"""The command `pvbench lab`: the kernels of labs, and what a lab needs of this machine."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from tabulate import tabulate

from pvbench.command import Command
from pvbench.errors import Status, UsageError
from pvbench.hookspecs import hookimpl
from pvbench.text import printable
from pvbench_site_lab import kernel_store
from pvbench_site_lab.kernel_store import StoredKernel
from pvbench_site_lab.series import PROPOSALS

if TYPE_CHECKING:
    from pvbench_site_lab.check import Finding

pvbench_api = 1
_EMPTY = "There is no kernel in the cache; `pvbench lab add 6.12` downloads one."
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
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")


def _check_arguments(parser: argparse.ArgumentParser) -> None:
    parser.set_defaults(execute=_check)
    parser.add_argument(
        "kernel", nargs="?", metavar="KERNEL", help="boot this kernel (all in the cache)"
    )
    parser.add_argument("--no-boot", action="store_true", help="boot no kernel")


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


def _add(options: argparse.Namespace) -> int:
    from pvbench_site_lab.add import add_debian, add_files
    from pvbench_site_lab.kernels import of_path
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
    _say_stored("added", name)
    return Status.OK


def _folder(text: str | None) -> Path | None:
    if text is None or Path(text).is_dir():
        return Path(text) if text else None
    raise UsageError(f"{text} is not a folder", fix="Name the folder of the kernel's modules.")


def _say_stored(verb: str, name: str) -> None:
    kernel = kernel_store.stored(name)
    if kernel is not None:
        release = printable(kernel.kernel.release)
        print(f"{verb} lab:{name} ({release}, {_megabytes(kernel.size)})")


def _build(options: argparse.Namespace) -> int:
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
    print(f"built lab:{printable(options.tree)} ({printable(kernel.release)})")
    return Status.OK


def _build_version(options: argparse.Namespace) -> int:
    from pvbench_site_lab import debian_source
    from pvbench_site_lab.series import Series, series_in

    series = Series() if options.patches is None else series_in(Path(options.patches))
    default = f"{options.tree}-{series.name or 'source'}"
    name = kernel_store.check_name(options.name or default)
    is_new = debian_source.build(options.tree, series, name, options.mirror)
    _say_stored("built" if is_new else "kept", name)
    return Status.OK


def _list(options: argparse.Namespace) -> int:
    rows = [_row(kernel) for kernel in kernel_store.kernels()]
    if options.json:
        print(json.dumps(rows, indent=2))
    elif rows:
        sizes = ("size", "lab files")
        shown = [row | {size: _megabytes(row[size]) for size in sizes} for row in rows]
        print(tabulate(shown, headers="keys", tablefmt="simple", disable_numparse=True))
    else:
        print(_EMPTY)
    return Status.OK


def _row(stored: StoredKernel) -> dict[str, str | int]:
    return {
        "name": stored.kernel.name,
        "release": printable(stored.kernel.release),
        "from": printable(stored.origin) or "unknown",
        "size": stored.size,
        "lab files": sum(path.stat().st_size for path in stored.lab_files()),
    }


def _megabytes(size: str | int) -> str:
    return f"{int(size) / 1e6:.1f} MB"


def _check(options: argparse.Namespace) -> int:
    from pvbench_site_lab import check

    findings = check.pieces()
    _print_findings(findings)
    if not options.no_boot and findings[0].is_good:
        for name in [options.kernel] if options.kernel else _names():
            findings.append(check.boot(name))
            _print_findings(findings[-1:])
    failures = [finding for finding in findings if finding.is_needed and not finding.is_good]
    return Status.ENVIRONMENT if failures else Status.OK


def _names() -> list[str]:
    """The kernels in the cache."""
    names = [stored.kernel.name for stored in kernel_store.kernels()]
    if not names:
        print(_EMPTY)
    return names


def _print_findings(findings: Sequence[Finding]) -> None:
    for finding in findings:
        print(printable(f"{finding.subject}: {finding.text}"), flush=True)


def _remove(options: argparse.Namespace) -> int:
    from pvbench_site_lab import debian_source

    kernel = kernel_store.remove(options.kernel)
    debian_source.remove_unused(kernel.origin)
    print(f"removed lab:{kernel.kernel.name} ({printable(kernel.kernel.release)})")
    return Status.OK


@hookimpl
def pvbench_commands() -> list[Command]:
    return [Command(name="lab", summary=_SUMMARY, arguments=arguments, execute=_list)]
