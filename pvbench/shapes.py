"""
Shapes of untrusted JSON data.

A shape is a function: it returns the value that the data stand for, or raises
ProtocolError with a sentence that says where the data differ from the shape.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator
from typing import Any, Final, NoReturn, TypeVar

from pvbench.errors import ProtocolError

T = TypeVar("T")
Shape = Callable[[Any], T]

LARGEST: Final = (1 << 63) - 1  # of the integers that are not limited otherwise
LONGEST_TEXT: Final = 100_000
_MOST_ITEMS: Final = 1_000_000
_SHOWN: Final = 40  # characters of data in a message
MOST_VALUES: Final = 3_000_000  # of one JSON text, where a text takes about 80 bytes
_VALUES: Final = {",": 1, "[": 1, "{": 4}  # by memory: an object takes that of four texts
_MOST_DIGITS: Final = 4300  # as Python's own limit, which a user can lift
_DEEPEST: Final = 50


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"it has {constant}, which JSON does not have")


def json_value(text: str, constant: Callable[[str], Any] = _refuse) -> Any:
    """
    The value of a JSON text that may have been written by anybody.

    Args:
        text: a whole JSON text.
        constant: gives the values of NaN and Infinity, which Python's own texts have.

    Raises:
        JSONDecodeError: it is not JSON.
        ValueError: it has too many values, a number that is too long or not finite, or a
            value that is nested too deeply.
    """
    check_size(text)
    try:
        value = json.loads(text, parse_constant=constant, parse_int=_integer)
    except RecursionError:
        raise _too_deep() from None
    if _is_deeper(value, _DEEPEST):
        raise _too_deep()
    return value


def check_size(text: str) -> None:
    """
    Check that `json_value` reads a JSON text of this size.

    Raises:
        ValueError: it has too many values.
    """
    if sum(values * text.count(mark) for mark, values in _VALUES.items()) > MOST_VALUES:
        raise ValueError(f"it has more than {MOST_VALUES} values")


def toml_value(content: bytes) -> dict[str, Any]:
    """
    The tables of a TOML file that may have been written by anybody.

    Raises:
        ValueError: it is not UTF-8 or not TOML, or it has a number that is too long or a
            value that is nested too deeply.
    """
    import tomllib

    try:
        value = tomllib.loads(content.decode())
    except RecursionError:
        raise _too_deep() from None
    if _is_deeper(value, _DEEPEST):
        raise _too_deep()
    return value


def _integer(digits: str) -> int:
    if len(digits) > _MOST_DIGITS:
        raise ValueError(f"it has an integer of more than {_MOST_DIGITS} digits")
    return int(digits)


def _is_deeper(value: Any, depth: int) -> bool:
    """Whether lists and objects are nested more than *depth* times in *value*."""
    level = [*_nested([value])]
    for _ in range(depth):
        level = [part for one in level for part in _nested(one)]
    return bool(level)


def _nested(value: dict[str, Any] | list[Any]) -> Iterator[dict[str, Any] | list[Any]]:
    """The objects and lists directly in *value*."""
    parts = value.values() if isinstance(value, dict) else value
    return (part for part in parts if isinstance(part, dict | list))


def _too_deep() -> ValueError:
    return ValueError(f"its values are nested more than {_DEEPEST} times")


def integer(low: int = 0, high: int = LARGEST) -> Shape[int]:
    """An int (no bool) in low..high."""

    def shape(data: Any) -> int:
        if type(data) is not int or not low <= data <= high:
            raise _differs(data, f"an integer in {low}..{high}")
        return data

    return shape


def number(low: float, high: float) -> Shape[float]:
    """A finite float in low..high."""

    def shape(data: Any) -> float:
        if type(data) is not float or not math.isfinite(data) or not low <= data <= high:
            raise _differs(data, f"a number in {low:g}..{high:g}")
        return data

    return shape


def text(data: Any) -> str:
    """A string that is not too long."""
    if not isinstance(data, str) or len(data) > LONGEST_TEXT:
        raise _differs(data, "a text")
    return data


def one_line(data: Any) -> str:
    """A text whose control characters, which a terminal would obey, become spaces."""
    return printable(text(data))


def printable(string: str) -> str:
    """*string* as one line without control characters."""
    if not string.isprintable():
        string = "".join(char if char.isprintable() else " " for char in string)
    return string.strip()


def flag(data: Any) -> bool:
    """True or False."""
    if not isinstance(data, bool):
        raise _differs(data, "true or false")
    return data


def items(of: Shape[T]) -> Shape[tuple[T, ...]]:
    """A list whose items all have one shape."""

    def shape(data: Any) -> tuple[T, ...]:
        if not isinstance(data, list) or len(data) > _MOST_ITEMS:
            raise _differs(data, "a list")
        return tuple(map(of, data))

    return shape


def mapping(of: Shape[T]) -> Shape[dict[str, T]]:
    """An object whose values all have one shape."""

    def shape(data: Any) -> dict[str, T]:
        if not isinstance(data, dict) or len(data) > _MOST_ITEMS:
            raise _differs(data, "an object")
        return {name: _within(name, of, value) for name, value in data.items()}

    return shape


def optional(of: Shape[T]) -> Shape[T | None]:
    """Null, or data of the shape."""
    return lambda data: None if data is None else of(data)


def record(make: Callable[..., T], **fields: Shape[Any]) -> Shape[T]:
    """An object that has exactly these *fields*, given to *make* by name."""

    def shape(data: Any) -> T:
        if not isinstance(data, dict) or data.keys() != fields.keys():
            raise _differs(data, f"an object of {', '.join(fields)}")
        values = {name: _within(name, of, data[name]) for name, of in fields.items()}
        try:
            return make(**values)
        except (ValueError, TypeError) as error:
            raise ProtocolError(printable(str(error))) from None

    return shape


def _within(name: str, of: Shape[T], data: Any) -> T:
    try:
        return of(data)
    except ProtocolError as error:
        raise ProtocolError(f"{printable(name[:_SHOWN])}: {error}") from None


def _differs(data: Any, shape: str) -> ProtocolError:
    shown = {"dict": "an object", "list": "a list"}.get(type(data).__name__)
    shown = shown or printable(repr(data)[:_SHOWN])
    return ProtocolError(f"{shown} is not {shape}")
