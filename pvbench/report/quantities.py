"""How times and parts are written for people."""

from __future__ import annotations

from typing import Final

_UNITS: Final = (("s", 1.0), ("ms", 1e-3), ("us", 1e-6), ("ns", 1e-9))


def seconds(value: float) -> str:
    """Three significant digits and a unit: ``2.51 us``."""
    for unit, scale in _UNITS:
        if value >= scale * 0.9995:
            whole = len(str(int(float(f"{value / scale:.3g}"))))
            return f"{value / scale:.{max(3 - whole, 0)}f} {unit}"
    return f"{value * 1e12:.0f} ps"
