"""Sub-commands that plugins bring."""

from __future__ import annotations

import argparse
from collections.abc import Callable

import attrs

from pvbench.document import Document


@attrs.frozen
class Output:
    """
    What a command prints: a document, in the format that `formats.output_options` chooses.

    Args:
        status: the exit status.
    """

    document: Document
    status: int = 0


@attrs.frozen(kw_only=True)
class Command:
    """
    A sub-command of `pvbench`.

    Args:
        name: the word after `pvbench`, lower case with dashes.
        summary: one line for its help and `pvbench list commands`.
        arguments: adds the options of the command to its parser.
        execute: does the work and returns the exit status, 0 if all went well, or an
            `Output` that is to be printed.
    """

    name: str
    summary: str
    arguments: Callable[[argparse.ArgumentParser], None] = attrs.field(
        validator=attrs.validators.is_callable()
    )
    execute: Callable[[argparse.Namespace], int | Output] = attrs.field(
        validator=attrs.validators.is_callable()
    )
