"""Validators whose messages name the class, the field and the reason."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import attrs


def ints(values: Iterable[int]) -> tuple[int, ...]:
    """Convert to a tuple, since frozen data must not hold lists."""
    return tuple(values)


def integer(low: int, high: int, why: str) -> Callable[[Any, attrs.Attribute[Any], Any], None]:
    """Accept an int in low..high, but not a bool."""

    def check(instance: Any, attribute: attrs.Attribute[Any], value: Any) -> None:
        if type(value) is not int or not low <= value <= high:
            raise ValueError(
                f"{type(instance).__name__}.{attribute.name} is {value!r}, "
                f"not an int in {low:#x}..{high:#x}: {why}"
            )

    return check


def texts(why: str, minimum: int = 0) -> Callable[[Any, attrs.Attribute[Any], Any], None]:
    """Accept a tuple of at least *minimum* strings, but not a string."""

    def check(instance: Any, attribute: attrs.Attribute[Any], value: Any) -> None:
        strings = isinstance(value, tuple) and all(isinstance(v, str) for v in value)
        if strings and len(value) >= minimum:
            return
        raise ValueError(
            f"{type(instance).__name__}.{attribute.name} is {value!r}, "
            f"not a tuple of strings: {why}"
        )

    return check


def text(why: str) -> Callable[[Any, attrs.Attribute[Any], Any], None]:
    """Accept a string."""

    def check(instance: Any, attribute: attrs.Attribute[Any], value: Any) -> None:
        if not isinstance(value, str):
            raise ValueError(
                f"{type(instance).__name__}.{attribute.name} is {value!r}, not a string: {why}"
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
