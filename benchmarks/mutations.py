"""Valid data, bytes and texts with something wrong in them, and smaller ones of them."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from random import Random
from typing import Any, Final

TEXTS: Final = (
    *("", " ", "-", "--", "x", "80", "0-79", "a:b", "{x}", "{", "%s", "%", "1024w", "None"),
    *("a\nb", "\x1b[31m", "\u202e", "\udcff", "|", "`", "x" * 2000, "9" * 5000, "tsc", "ops"),
    *("median", "model", "exact", "noisy", "wall", "native", "1e400", "nan", "inf", "-inf"),
)
VALUES: Final[tuple[Any, ...]] = (
    *(None, True, -1, 0, 1, 0.5, -0.5, 1e300, 1e-320, float("inf"), float("nan")),
    *(10**30, -(10**30), 10**400, 1 << 62, 1 << 63, (1 << 64) - 1, [], [1], [[]], {}, {"x": 1}),
)
_FACTORS: Final = (0, -1, 2, 3, 1000, 10**9, 0.5, 1e-9, 1e9, 1e300)
_PIECES: Final = (
    *(b"\0", b"\xff", b"[[[", b"[" * 10_000, b'{"":' * 10_000, b"1e999", b"NaN", b"-Infinity"),
    *(
        b"\\ud800",
        b'"',
        b"}",
        b"]",
        b",",
        b"9" * 5000,
        b"\n",
        b"\r",
        b"'",
        b"=",
        b"\xe2\x80\xae",
    ),
)
_LONGEST_CUT: Final = 80
_CHANGES: Final = (1, 1, 2, 4)  # how many, some more often


def mutated(data: Any, random: Random) -> Any:
    """A copy of JSON *data* with some values changed, gone, repeated or of another name."""
    data = [copy.deepcopy(data)]
    for _ in range(random.choice(_CHANGES)):
        places = list(_places(data))
        container, key = random.choice(places)
        other, other_key = random.choice(places[1:] or places)
        chance = random.random()
        if isinstance(container, dict) and chance < 0.15:
            value = container.pop(key)
            if chance < 0.1:
                container[random.choice((f"{key}x", *container, *TEXTS))] = value
        elif container is not data and isinstance(container, list) and chance < 0.25:
            container += [copy.deepcopy(container[key])] * random.choice((1, 2, 100))
        elif type(container[key]) in (int, float) and chance < 0.6:
            container[key] = _scaled(container[key], random.choice(_FACTORS))
        elif isinstance(other[other_key], type(container[key])) and chance < 0.7:
            container[key] = copy.deepcopy(other[other_key])
        else:
            container[key] = copy.deepcopy(random.choice((*VALUES, *TEXTS)))
    return data[0]


def _scaled(value: float, factor: float) -> float:
    """A product; an integer stays one, whatever its size."""
    if isinstance(value, int) and not isinstance(factor, int):
        return value // 2
    return value * factor


def _places(data: Any) -> Iterator[tuple[Any, Any]]:
    """Each (container, key) below *data*."""
    entries = data.items() if isinstance(data, dict) else enumerate(data)
    for key, value in entries:
        yield data, key
        if isinstance(value, dict | list):
            yield from _places(value)


def json_bytes(data: Any) -> bytes:
    """*data* as JSON; Python's own, for NaN and Infinity are hostile."""
    return json.dumps(data).encode()


def mutated_bytes(content: bytes, random: Random) -> bytes:
    """*content* with bytes changed, inserted, repeated or gone, or cut off."""
    result = bytearray(content)
    for _ in range(random.choice(_CHANGES)):
        place, length = random.randint(0, len(result)), random.randint(1, _LONGEST_CUT)
        chance = random.random()
        if chance < 0.3:
            result[place : place + 1] = random.randbytes(1)
        elif chance < 0.5:
            del result[place : place + length]
        elif chance < 0.7:
            result[place:place] = random.choice(_PIECES)
        elif chance < 0.9:
            result[place:place] = result[place : place + length] * random.choice((1, 1000))
        else:
            del result[place:]
    return bytes(result)


def mutated_text(text: str, random: Random) -> str:
    """*text* with bytes changed as above; those that are not UTF-8 are as in sys.argv."""
    content = mutated_bytes(text.encode(errors="surrogateescape"), random)
    return content.decode(errors="surrogateescape")


def mutated_assignments(text: str, random: Random) -> str:
    """*text*, lines of ``name = value``, with lines gone, repeated or of another value."""
    lines = text.splitlines()
    for _ in range(random.choice(_CHANGES)):
        place = random.randrange(len(lines))
        name, equals, _ = lines[place].partition("=")
        chance = random.random()
        if chance < 0.1:
            lines[place] = ""
        elif chance < 0.15:
            lines[place] = f"{random.choice(lines)}\n{lines[place]}"
        elif equals:
            lines[place] = f"{name}= {_toml(random.choice((*VALUES, *TEXTS)))}"
        else:
            lines[place] = random.choice(("[x]", "[[x]]", "[tool]", "x", "", "\0", "[costs]"))
    return "\n".join(lines) + "\n"


def _toml(value: Any) -> str:
    """A hostile value as TOML has it."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{name} = {_toml(item)}" for name, item in value.items()) + "}"
    if isinstance(value, float | int) and not isinstance(value, bool):
        return str(value)
    return json.dumps(value) if value is not None else "1979-05-27T07:32:00Z"


def smaller(content: bytes) -> Iterator[bytes]:
    """Contents that have a part of *content* less: values of JSON, else lines, else bytes."""
    try:
        data = json.loads(content)
    except (ValueError, RecursionError):
        yield from _with_less(content)
        return
    for number in range(sum(1 for _ in _places([data]))):
        shrunk = [copy.deepcopy(data)]
        container, key = list(_places(shrunk))[number]
        if container is not shrunk:
            del container[key]
            yield json_bytes(shrunk[0])


def _with_less(content: bytes) -> Iterator[bytes]:
    lines = content.splitlines(keepends=True)
    if len(lines) > 1:
        yield from (b"".join(lines[:n] + lines[n + 1 :]) for n in range(len(lines)))
    size = (len(content) + 1) // 2
    while size:
        for place in range(0, len(content), size):
            yield content[:place] + content[place + size :]
        size //= 2
