"""How a case ended."""

from __future__ import annotations

from typing import Final

import attrs

from pvbench.validators import one_of

OUTCOMES: Final = ("ok", "unsupported", "blocked", "void", "failed")


@attrs.frozen
class Outcome:
    """How a case ended: one of OUTCOMES, and why if not ``ok``."""

    kind: str = attrs.field(validator=one_of(*OUTCOMES))
    reason: str = ""
