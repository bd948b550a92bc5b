"""The gate of `pvbench history`: the last run against a baseline that a file keeps."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from pvbench.cli import common, compare
from pvbench.errors import Status, UsageError, not_readable, not_writable


def check_last(paths: Sequence[Path], options: argparse.Namespace) -> Status:
    """
    Compare the last run with the baseline; without a baseline it becomes the baseline.

    Raises:
        UsageError: a file cannot be read, or the files do not allow the comparison.
        UnavailableError: the baseline cannot be written.
    """
    from pvbench.compare.reading import FileChoice
    from pvbench.results.files import output_path

    if options.html:
        raise UsageError("--gate writes no page", fix="Leave out --html.")
    baseline = output_path(options.gate)
    last = [path for path in paths if path.resolve() != baseline.resolve()][-1:]
    if not last:
        raise UsageError("the only run is the baseline", fix="Run a suite first.")
    question = compare.question(options, by=None, beside=False, baseline=None)
    if not baseline.exists() or options.accept:
        keep(last[0], baseline)
        common.tell_file("baseline", f"{last[0]} is now kept in {baseline}")
        return Status.OK
    names = (str(baseline), str(last[0]))
    return compare.print_comparison(FileChoice(names), question, options)


def keep(run: Path, baseline: Path) -> None:
    """
    Copy a result file and its journal, each in one step.

    Raises:
        UsageError: the run cannot be read.
        UnavailableError: the baseline cannot be written.
    """
    from pvbench.host.files import read_regular, replacing, unpacked
    from pvbench.results import journal
    from pvbench.results.files import packed, read

    read(str(run))  # a damaged file is no baseline
    book = journal.beside(run)
    try:
        content = packed(unpacked(read_regular(run)), baseline)
        entries = read_regular(book) if book.exists() else None
    except OSError as error:
        raise not_readable(run, error) from None
    try:
        baseline.parent.mkdir(parents=True, exist_ok=True)
        for path, data in ((journal.beside(baseline), entries), (baseline, content)):
            if data is not None:
                with replacing(path) as file:
                    file.write(data)
    except OSError as error:
        raise not_writable(baseline, error, "Give another --gate FILE.") from None
