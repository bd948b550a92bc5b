"""Which functions of the kernel run meanwhile, by its function profiler."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from typing import Final

from pvbench_site_lab.traced import Recorded

TRACING = Path("/sys/kernel/tracing")
_SHOWN: Final = 30  # characters of a name, kernel/trace/ftrace.c: function_stat_show()
_MISSING: Final = "its kernel has no function profiler (CONFIG_FUNCTION_PROFILER)"


def recorded(names: Collection[str], work: Callable[[], object]) -> Recorded:
    """
    Do the *work* and say which of the functions called *names* ran meanwhile.

    The profiler cuts names, so a name that several functions share then cannot be traced.
    """
    switch = TRACING / "function_profile_enabled"
    if not switch.exists():
        work()
        return Recorded(missing=_MISSING)
    switch.write_text("1")
    try:
        work()
    finally:
        switch.write_text("0")
    traceable = Counter(_names_in(TRACING / "available_filter_functions"))
    profiled = {
        name for path in TRACING.glob("trace_stat/function*") for name in _names_in(path)
    }
    known = sorted(name for name in names if name[:_SHOWN] in traceable)
    return Recorded(
        ran=tuple(n for n in known if n[:_SHOWN] in profiled and traceable[n[:_SHOWN]] == 1),
        idle=tuple(n for n in known if n[:_SHOWN] not in profiled),
    )


def _names_in(path: Path) -> Iterator[str]:
    """The first word of each line, as far as the profiler shows names."""
    with path.open() as lines:
        for line in lines:
            if words := line.split():
                yield words[0][:_SHOWN]
