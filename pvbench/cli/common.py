"""Options that several commands share."""

from __future__ import annotations

import argparse
import os
import re
import shlex
import shutil
import sys
from collections.abc import Callable
from importlib import import_module
from typing import TYPE_CHECKING, Final

from pvbench.cli.options import Options

if TYPE_CHECKING:
    from pathlib import Path

    from pvbench.document import Document
    from pvbench.plugin.registry import Registry

Render = Callable[["Document", int], str]
MOST_CPUS: Final = 65_536
_NMI: Final = 2
# Those that are compared; the 99.9th percentile of a histogram is only shown.
STATISTICS: Final = ("median", "mean", "p99", "max", "min")


def plugin_options(parser: Options, name: str = "-p") -> None:
    """Add -p (or *name*) and --strict-plugins."""
    parser.add_argument(
        name,
        dest="plugins",
        action="append",
        default=[],
        metavar="NAME",
        help="load the module NAME, or the file ./NAME.py, as a plugin; no:NAME blocks one",
    )
    parser.add_argument(
        "--strict-plugins", action="store_true", help="treat a broken plugin as an error"
    )


def keywords_option(parser: Options, plural: str) -> None:
    """Add -k, which selects cases or series (*plural*) by name."""
    parser.add_argument(
        "-k",
        dest="keywords",
        default="",
        metavar="EXPRESSION",
        help=f"only {plural} whose names match: 'broadcast and not lock', 'x2apic-*'",
    )


def bits_option(parser: Options) -> None:
    """Add --bits."""
    parser.add_argument(
        "--bits", type=int, choices=(32, 64), default=64, help="guest word size (64)"
    )


def statistic_option(parser: argparse.ArgumentParser, *others: str) -> None:
    """Add --statistic, with *others* beside those that are compared."""
    parser.add_argument(
        "--statistic",
        choices=(*STATISTICS, *others),
        default="median",
        help="statistic of the bursts of a boot (median)",
    )


def registry(options: argparse.Namespace, *, commands: bool = False) -> Registry:
    """Load the plugins, with *commands* also those of sub-commands; warn of unused ones."""
    from pvbench.plugin.loader import load

    loaded = load(options.plugins, strict=options.strict_plugins, commands=commands)
    for plugin in loaded.replaced:
        warn(f"{plugin.replaced_by} replaces plugin {plugin}")
    for plugin in loaded.broken:
        warn(f"plugin {plugin} is broken: {plugin.error}")
    return loaded


def known_series(name: str, *others: str) -> None:
    """Refuse a series that no delivery measures."""
    from pvbench.errors import unknown
    from pvbench.slice_result import SERIES

    if name not in (*SERIES, *others):
        raise unknown("series", name, SERIES, f"Series: {', '.join((*SERIES, *others))}.")


def in_range(low: int, high: int) -> Callable[[str], int]:
    """A parser of integers from *low* to *high*."""

    def integer(text: str) -> int:
        value = int(text)
        if not low <= value <= high:
            raise argparse.ArgumentTypeError(f"{value} is not in {low}..{high}")
        return value

    return integer


def vector(text: str) -> int:
    """The number of a vector in decimal, or in hex with 0x."""
    value = int(text, 0)
    if value != _NMI and not 0x20 <= value <= 0xFF:
        raise argparse.ArgumentTypeError(f"{text} is not in 0x20..0xff, nor 2 for an NMI")
    return value


def duration_s(text: str) -> float:
    """Seconds from ``90s``, ``30m`` or ``2h``."""
    match = re.fullmatch(r"([0-9]{1,6}(?:\.[0-9]{1,6})?)([smh])", text)
    if match is None:
        raise argparse.ArgumentTypeError(f"{text!r} is not a time: write 90s, 30m or 2h")
    return float(match[1]) * {"s": 1, "m": 60, "h": 3600}[match[2]]


def percent(text: str) -> float:
    """A percentage from ``10%`` or ``10``."""
    try:
        return float(text.strip().removesuffix("%"))
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a percentage: write 10%") from None


def cpu_list(text: str) -> tuple[int, ...]:
    """CPU numbers from ``0-3,7``, as taskset takes them."""
    cpus: list[int] = []
    for part in text.split(","):
        match = re.fullmatch(r"([0-9]{1,6})(?:-([0-9]{1,6}))?", part)
        if match is None:
            raise argparse.ArgumentTypeError(f"{part!r} is not a list of CPUs: write 0-3,7")
        first, last = int(match[1]), int(match[2] or match[1])
        if first > last:
            raise argparse.ArgumentTypeError(
                f"{part!r} is an empty range: write {last}-{first}"
            )
        if len(cpus) + last - first >= MOST_CPUS:
            raise argparse.ArgumentTypeError(f"a list of CPUs has at most {MOST_CPUS} of them")
        cpus += range(first, last + 1)
    if len(set(cpus)) < len(cpus):
        raise argparse.ArgumentTypeError(f"{text!r} names a CPU twice")
    return tuple(cpus)


def renderer(name: str) -> Render:
    """
    The function that prints a document in the format called *name*.

    Raises:
        UsageError: there is no such format.
    """
    from pvbench.formats import CORE

    if name in CORE:  # only the one in use is imported
        render: Render = import_module(f"pvbench.report.{CORE[name]}").render
        return render
    from pvbench.plugin.chosen import load_format

    return load_format(name)


def show(document: Document, options: argparse.Namespace) -> None:
    """Print *document* in the format of `output_options`, if the command has them."""
    render = vars(options).get("render") or renderer("plain")
    encoding = sys.stdout.encoding or "utf-8"
    output = render(document, width())
    print(output.encode(encoding, "backslashreplace").decode(encoding))


def tell_file(what: str, path: Path | str) -> None:
    """Print on standard error in which file something is."""
    from pvbench.text import printable

    print(printable(f"{what}: {path}"), file=sys.stderr)


def width() -> int:
    """The width of the terminal, 72 in a pipe; COLUMNS overrides both."""
    from pvbench.text import PIPE_WIDTH

    if os.environ.get("COLUMNS", "").isdecimal() or sys.stdout.isatty():
        return shutil.get_terminal_size((PIPE_WIDTH, 24)).columns
    return PIPE_WIDTH


def warn(text: str) -> None:
    """Print a sentence on standard error; it may hold text from plugins and files."""
    from pvbench.text import printable

    print(f"pvbench: {printable(text)}", file=sys.stderr)


def words(text: str) -> tuple[str, ...]:
    """The words of a command line that is given as a single word."""
    try:
        return tuple(shlex.split(text))
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r} is not a command line: {error}") from None


def names(text: str) -> tuple[str, ...]:
    """``a,b,c`` as a tuple; an empty one is an error."""
    parts = tuple(part.strip() for part in text.split(",") if part.strip())
    if not parts:
        raise argparse.ArgumentTypeError("give at least one name")
    return parts


def check_regular(name: str) -> None:
    """
    Check the name of a file before it is opened, as a FIFO would wait for a writer.

    Raises:
        UsageError: it is missing, or not a regular file.
    """
    from pathlib import Path

    from pvbench.errors import UsageError

    if not Path(name).exists():
        raise UsageError(f"there is no file {name}")
    if not Path(name).is_file():
        raise UsageError(f"{name} is not a regular file")
