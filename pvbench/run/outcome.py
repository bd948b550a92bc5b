"""The outcome of a case."""

from __future__ import annotations

import attrs

from pvbench.results.journal import OUTCOMES
from pvbench.validators import one_of


@attrs.frozen
class Outcome:
    """One of OUTCOMES, and the reason if it is not ``ok``."""

    kind: str = attrs.field(validator=one_of(*OUTCOMES))
    reason: str = ""
