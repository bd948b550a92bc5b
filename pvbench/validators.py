"""Validators whose message names the class, the field and the reason."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import attrs


def ints(values: Iterable[int]) -> tuple[int, ...]:
    """Converter to a tuple: frozen data holds no lists."""
    return tuple(values)


def integer(low: int, high: int, why: str) -> Callable[[Any, attrs.Attribute[Any], Any], None]:
    """Accept an int (no bool) in low..high."""

    def check(instance: Any, attribute: attrs.Attribute[Any], value: Any) -> None:
        if type(value) is not int or not low <= value <= high:
            raise ValueError(
                f"{type(instance).__name__}.{attribute.name} is {value!r}, "
                f"not an int in {low:#x}..{high:#x}: {why}"
            )

    return check


def texts(why: str, least: int = 0) -> Callable[[Any, attrs.Attribute[Any], Any], None]:
    """Accept a tuple of *least* strings or more; a bare string would be one of letters."""

    def check(instance: Any, attribute: attrs.Attribute[Any], value: Any) -> None:
        strings = isinstance(value, tuple) and all(isinstance(v, str) for v in value)
        if strings and len(value) >= least:
            return
        raise ValueError(
            f"{type(instance).__name__}.{attribute.name} is {value!r}, "
            f"not a tuple of texts: {why}"
        )

    return check


def one_of(*choices: str) -> Callable[[Any, attrs.Attribute[Any], Any], None]:
    """Accept one of the strings."""

    def check(instance: Any, attribute: attrs.Attribute[Any], value: Any) -> None:
        if value not in choices:
            raise ValueError(
                f"{type(instance).__name__}.{attribute.name} is {value!r}, "
                f"not one of {', '.join(choices)}"
            )

    return check
