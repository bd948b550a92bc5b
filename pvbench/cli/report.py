"""
Print a claim for a mail or a tracker: the answer, the evidence, and how to repeat it.

One file compares the overlays in it with their drivers, or else its senders; several files
compare the later ones with the first.
`last`, or no file, is the last run on this machine.  In a pipe the lines have at most 72
characters.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from itertools import chain
from typing import TYPE_CHECKING, Final

from pvbench.cli import common, compare
from pvbench.errors import Status, UsageError
from pvbench.formats import output_options

if TYPE_CHECKING:
    from pvbench.report.claim.document import Claim
    from pvbench.report.html.page import Page
    from pvbench.results.rows import Row

HELP = "print a claim with its evidence, to be mailed"
_LAST: Final = "last"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Options of `pvbench report`."""
    parser.add_argument(
        "files", nargs="*", metavar="FILE", help="result file, published:NAME, or last"
    )
    parser.add_argument(
        "--by",
        choices=compare.Axes(),
        metavar="AXIS",
        help="compare the values of this axis (of one file overlay or sender): %(choices)s",
    )
    parser.add_argument(
        "--baseline", metavar="SIDE", help="value of --by to compare the others with"
    )
    parser.add_argument(
        "--html",
        metavar="FILE",
        help="write one HTML page with charts too, which needs nothing else to be read",
    )
    common.keywords_option(parser, "cases")
    compare.verdict_options(parser)
    output_options(parser)


def execute(options: argparse.Namespace) -> Status:
    """Read, compare, print; the exit status is that of `pvbench compare`."""
    from pvbench.report.claim.document import document

    if options.html:
        check_page_name(options.html)
    claim = _claim(options)
    for sentence in claim.comparison.stale:
        common.warn(sentence)
    text = document(claim)
    if options.html:  # a page that cannot be written ends the command before the text
        from pvbench.report.html.claim import page

        write_page(page(claim, text), options.html)
    common.show(text, options)
    if options.html:
        common.tell_file("page", options.html)
    return claim.comparison.status


def check_page_name(name: str) -> None:
    """Refuse a name that is not that of a page, such as one of a result file."""
    if not name.endswith((".html", ".htm")):
        raise UsageError(f"--html {name!r} does not end in .html", fix="Give page.html, say.")


def write_page(page: Page, name: str) -> None:
    """
    Write a page to a file, in one step.

    Raises:
        UnavailableError: the file cannot be written.
    """
    from pathlib import Path

    from pvbench.errors import not_writable
    from pvbench.host.files import replacing
    from pvbench.report.html.page import render

    path = Path(name)
    content = render(page).encode()
    try:
        with replacing(path) as file:
            file.write(content)
    except OSError as error:
        raise not_writable(path, error, "Give another --html FILE.") from None


def _is_asked_for(row: Row, series: str) -> bool:
    from pvbench.compare.question import ALL_SERIES

    return series in (ALL_SERIES, row.fact("series"))


def _names(options: argparse.Namespace) -> list[str]:
    """
    The names of the files: those that are given, or the last run.

    Raises:
        UsageError: there is no run yet.
    """
    from pvbench.results.files import latest

    names: list[str] = []
    for name in options.files or [_LAST]:
        recent = list(map(str, latest(1))) if name == _LAST else [name]
        if not recent:
            raise UsageError("there is no run of this machine here", fix="Run a suite first.")
        names += recent
    return names


def _claim(options: argparse.Namespace) -> Claim:
    """What the files say about the question of *options*."""
    import attrs

    from pvbench.compare import comparison, reading
    from pvbench.compare.axis import SENDER
    from pvbench.keywords import Keywords
    from pvbench.report.claim.document import Claim
    from pvbench.results import provenance

    given = _names(options)
    by = options.by or (SENDER if len(given) == 1 else None)
    asked = compare.question(options, by=by, baseline=options.baseline)
    names = reading.choose(given, (), asked).names
    keywords = Keywords.parsed(options.keywords)
    files = reading.read_rows(names, options.statistic, keywords)
    every_row = [*chain(*files.values())]
    if by and not (options.by or options.baseline):
        asked = attrs.evolve(asked, by=_axis(every_row))
    outcomes = reading.read_outcomes(names, keywords)
    allowances = reading.read_allowances(names)
    result = comparison.compare(files, asked, (), outcomes, allowances.of)
    lossy = {(row.file, row.case): row for row in every_row if row.fact("lost")}
    return Claim(
        comparison=result,
        rows=[row for row in every_row if _is_asked_for(row, options.series)],
        sources=[provenance.of(name) for name in names],
        lossy=list(lossy.values()),
    )


def _axis(rows: Iterable[Row]) -> str:
    """The axis without --by: overlays with their drivers if there are both, else senders."""
    from pvbench.compare.axis import NATIVE, OVERLAY, SENDER

    senders = {row.fact("sender") for row in rows if not row.fact("lost")}
    return OVERLAY if NATIVE in senders and len(senders) > 1 else SENDER
