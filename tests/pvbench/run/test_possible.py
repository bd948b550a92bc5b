"""Which sends of a recording a guest can have."""

from __future__ import annotations

from typing import Any

import pytest

from pvbench.run.possible import check_sends
from support.helpers import burst_of, guest_of

SENDS = (burst_of("send_IPI", 1), burst_of("send_IPI", 2), burst_of("send_IPI_mask", 1, 2))
GUEST = guest_of(range(4))


@pytest.mark.parametrize(
    ("sends", "why"),
    [
        ((), "its distinct sends are not 1 to 65536"),
        (((SENDS[0], 0),), "a burst is sent 0 times"),
        (((SENDS[0], True),), "a burst is sent True times"),
        (((burst_of("send_IPI", 9), 1),), "it names CPU 9 in a guest of 4 CPUs"),
        ((("x", 1),), "'x', which is not a Burst"),
    ],
)
def test_sends_of_a_plugin_are_checked(sends: Any, why: str) -> None:
    """The sentence says what is wrong."""
    with pytest.raises(ValueError, match=why):
        check_sends(sends, GUEST)


def test_sends_of_one_source_are_possible() -> None:
    """They are not sent together."""
    check_sends(tuple((burst, 3) for burst in SENDS), GUEST)
