"""The page of a claim: its document, its charts, and its result files."""

from __future__ import annotations

from collections.abc import Iterator

from pvbench.document import Document
from pvbench.errors import not_readable
from pvbench.host.files import read_regular
from pvbench.report.claim.document import Claim
from pvbench.report.html import counts, distributions, ratios, times
from pvbench.report.html.figure import Figure
from pvbench.report.html.page import Page
from pvbench.results.bursts import Bursts, of_series
from pvbench.results.files import locate, read


def page(claim: Claim, text: Document) -> Page:
    """
    The page of *claim*, whose document is *text*.

    Raises:
        UsageError: a file cannot be read any more, or a histogram in it is malformed.
    """
    names = claim.comparison.files
    return Page(
        title=f"pvbench: {', '.join(names)}",
        document=text,
        figures=list(_figures(claim)),
        contents={name: _content(name) for name in names},
    )


def _figures(claim: Claim) -> Iterator[Figure]:
    comparison = claim.comparison
    yield from times.figures(claim.rows, comparison.crossovers)
    yield from ratios.figures(comparison.pairs)
    yield from distributions.figures(comparison.pairs, _bursts(claim))
    yield from counts.figures(claim.rows)


def _bursts(claim: Claim) -> dict[tuple[str, str], Bursts]:
    """The bursts of the series that are drawn, by file and name."""
    rows = [row for pair in distributions.chosen(claim.comparison.pairs) for row in pair.rows]
    suites = {name: read(name) for name in dict.fromkeys(row.file for row in rows)}
    bursts_of = {
        (row.file, row.name): of_series(suites[row.file].get_benchmark(row.name))
        for row in rows
    }
    return {key: bursts for key, bursts in bursts_of.items() if bursts}


def _content(name: str) -> bytes:
    try:
        return read_regular(locate(name))
    except OSError as error:
        raise not_readable(name, error) from None
