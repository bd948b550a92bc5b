"""Sub-commands that plugins bring."""

from __future__ import annotations

import argparse
from collections.abc import Callable

import attrs


@attrs.frozen(kw_only=True)
class Command:
    """
    A sub-command of `pvbench`.

    Args:
        name: the word after `pvbench`, lower case with dashes.
        summary: one line for its help and `pvbench list commands`.
        arguments: adds the options of the command to its parser.
        execute: does the work and returns the exit status, 0 if all went well.
    """

    name: str
    summary: str
    arguments: Callable[[argparse.ArgumentParser], None] = attrs.field(
        validator=attrs.validators.is_callable()
    )
    execute: Callable[[argparse.Namespace], int] = attrs.field(
        validator=attrs.validators.is_callable()
    )
