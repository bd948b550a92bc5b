"""Messages of the protocol with one error each."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from hypothesis import strategies as st

from pvbench.protocol import Message, encode, framed

WEIRD: list[Any] = [
    *(None, True, -1, 0, 1, 0.5, -0.5, 1e300, 10**30, -(10**30)),
    *("", "x", "a\nb", "\x1b[31m", [], [1], [[]], {}, {"x": 1}, [["WrMsr", "x"]], [[["x"]]]),
]


def places(data: Any) -> Iterator[tuple[Any, Any]]:
    """Each (container, key) below *data*."""
    entries = data.items() if isinstance(data, dict) else enumerate(data)
    for key, value in entries:
        yield data, key
        if isinstance(value, dict | list):
            yield from places(value)


@st.composite
def mutated(draw: st.DrawFn, message: Message) -> str:
    """The line of *message* with one value changed, gone or of another name."""
    data = json.loads(encode(message).split(" ", 3)[3])
    container, key = draw(st.sampled_from(list(places(data))))
    if isinstance(container, dict) and draw(st.integers(0, 4)) == 0:
        value = container.pop(key)
        if draw(st.booleans()):
            container[f"{key}x"] = value
    else:
        container[key] = draw(st.sampled_from(WEIRD))
    return framed(json.dumps(data))
