"""The address of a lab: ``KERNEL``, or ``KERNEL,clock=tsc,cpus=4``."""

from __future__ import annotations

from typing import Final

import attrs

from pvbench.errors import UsageError

FAMILY: Final = "lab"  # of the sites lab:KERNEL
ICOUNT: Final = "icount"
TSC: Final = "tsc"
_CLOCKS: Final = (ICOUNT, TSC)
_TSC_CPUS: Final = 4  # unless the address says otherwise
_MOST_CPUS: Final = 64
_FORM: Final = "Write lab:KERNEL or lab:KERNEL,clock=tsc,cpus=4."


@attrs.frozen
class Address:
    """
    What a lab boots.

    Args:
        kernel: see `pvbench_site_lab.find`.
        clock: ``icount``, virtual time that follows the instructions, or ``tsc``.
        cpus: emulated CPUs.
    """

    kernel: str
    clock: str = ICOUNT
    cpus: int = 1


def parsed(text: str) -> Address:
    """
    The address that *text* is.

    Raises:
        UsageError: it is none.
    """
    kernel, *words = text.split(",")
    options = dict(_option(word, text) for word in words)
    clock = options.get("clock", ICOUNT)
    if clock not in _CLOCKS:
        raise _wrong(text, f"its clock is {clock!r}, not one of {', '.join(_CLOCKS)}")
    cpus = options.get("cpus", str(_TSC_CPUS if clock == TSC else 1))
    if not cpus.isdecimal() or not 1 <= int(cpus) <= _MOST_CPUS:
        raise _wrong(text, f"cpus is {cpus!r}, not a number from 1 to {_MOST_CPUS}")
    if clock == ICOUNT and int(cpus) > 1:
        raise _wrong(text, "a lab with clock icount has one CPU")
    if not kernel:
        raise _wrong(text, "it names no kernel")
    return Address(kernel, clock, int(cpus))


def _option(word: str, text: str) -> tuple[str, str]:
    name, equals, value = word.partition("=")
    if name not in ("clock", "cpus") or not equals:
        raise _wrong(text, f"{word!r} is not an option of a lab")
    return name, value


def _wrong(text: str, why: str) -> UsageError:
    return UsageError(f"{text!r} is not the address of a lab", why=why, fix=_FORM)
