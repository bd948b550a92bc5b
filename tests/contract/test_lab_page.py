"""The table of two kernels in docs/lab.md, against the published results."""

from __future__ import annotations

import json
from pathlib import Path

from support.runs import Cli

PAGE = Path(__file__).parents[2] / "docs/lab.md"
VCPUS = (2, 8, 32, 128)
TITLE = "| sender of a broadcast | 2 vCPUs | 8 vCPUs | 32 vCPUs | 128 vCPUs |"


def shown() -> dict[tuple[str, int], str]:
    """The percentages of the page, by sender and vCPUs."""
    lines = PAGE.read_text().partition(TITLE)[2].partition("\n\n")[0].splitlines()[2:]
    rows = [[cell.strip("` ") for cell in line.strip("|").split("|")] for line in lines]
    return {
        (sender, vcpus): percent
        for sender, *percents in rows
        for vcpus, percent in zip(VCPUS, percents, strict=True)
    }


def test_the_page_has_the_differences_of_the_published_results(cli: Cli) -> None:
    """All of them are longer, as the page says."""
    files = ("published:lab-6.1", "published:lab-6.12")
    pairs = json.loads(cli("compare", *files, "-k", "broadcast", "--json").out)["pairs"]
    published = {
        (pair["stack"].removesuffix("/x2apic-physical"), int(pair["guest"].split(":")[1])): (
            f"{100 * (pair['after_s'] / pair['before_s'] - 1):.1f}"
        )
        for pair in pairs
    }

    assert shown() == published
    assert {pair["verdict"] for pair in pairs} == {"longer"}
    for kind in ("icr_writes", "hypercalls", "lost"):
        sides = [[pair["counts"][side][kind] for side in ("before", "after")] for pair in pairs]
        assert [before for before, _ in sides] == [after for _, after in sides]
