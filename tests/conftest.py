"""One hypothesis profile: the same examples on every machine, no clocks."""

from __future__ import annotations

from hypothesis import settings

settings.register_profile(
    "pvbench", derandomize=True, deadline=None, database=None, max_examples=60
)
settings.load_profile("pvbench")
