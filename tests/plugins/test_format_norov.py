"""The lines of ipi_benchmark, made of a run."""

from __future__ import annotations

import pytest

from pvbench.document import Document, Heading
from pvbench.errors import UsageError
from pvbench.report.summary import summary
from pvbench_format_norov import render
from support.runs import row_of, suite_of

PHYSICAL = "x2apic-physical"


def test_a_run_is_printed_as_the_kernel_log_has_it() -> None:
    """The columns are those of the module; a delivery time that is unknown is 0."""
    rows = [
        row_of("dry-run", PHYSICAL, 3.6e-9),
        row_of("normal-ipi", PHYSICAL, 1.79e-6),
        row_of("normal-ipi", PHYSICAL, 1.24e-6, series="deliver"),
    ]

    assert render(summary(suite_of(*rows), []), 72).splitlines() == [
        "# x2apic-physical on dense:80, modelled, 100000 iterations",
        "Dry-run:                        0,              360000 ns",
        "Normal IPI:             124000000,           179000000 ns",
    ]


@pytest.mark.parametrize(
    "document",
    [
        pytest.param(Document([Heading("x")]), id="no-run"),
        pytest.param(
            summary(suite_of(row_of("fanout:1", PHYSICAL, 1e-6)), []), id="other-workloads"
        ),
    ],
)
def test_a_document_without_these_tests_is_refused(document: Document) -> None:
    """Lines of other workloads would be taken for them."""
    with pytest.raises(UsageError, match="has no test of ipi_benchmark"):
        render(document, 72)
