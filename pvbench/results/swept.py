"""The costs that a sweep set, as one text: ``costs.icr_write=1000 costs.eoi=20``."""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Final

NUMBER: Final = r"[0-9]{1,12}(?:\.[0-9]{1,6})?"  # of a cost, without sign and exponent


def text_of(values: Mapping[str, Decimal]) -> str:
    """The text for *values*, by the names of the costs; `values_of` is the inverse."""
    return " ".join(f"{name}={value:f}" for name, value in values.items())


def values_of(text: str) -> dict[str, int | float | str]:
    """The values in *text*, which may be from any file; one that is no number is a text."""
    pairs = (word.partition("=") for word in text.split())
    return {name: _value(value) for name, _, value in pairs}


def _value(text: str) -> int | float | str:
    if not re.fullmatch(NUMBER, text):
        return text
    return float(text) if "." in text else int(text)
