"""Formats that plugins bring."""

from __future__ import annotations

from collections.abc import Callable

import attrs

from pvbench.document import Document


@attrs.frozen(kw_only=True)
class Format:
    """
    A format that a plugin brings.

    Args:
        name: the value of --format, lower case with dashes.
        summary: one line for `pvbench list formats`.
        render: makes the text of a document, in lines of at most so many characters if
            the format can be wrapped.
    """

    name: str
    summary: str
    render: Callable[[Document, int], str] = attrs.field(
        validator=attrs.validators.is_callable()
    )
