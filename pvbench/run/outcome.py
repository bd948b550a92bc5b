"""How a case ended."""

from __future__ import annotations

import attrs

from pvbench.results.journal import OUTCOMES
from pvbench.validators import one_of


@attrs.frozen
class Outcome:
    """How a case ended: one of OUTCOMES, and why if not ``ok``."""

    kind: str = attrs.field(validator=one_of(*OUTCOMES))
    reason: str = ""
