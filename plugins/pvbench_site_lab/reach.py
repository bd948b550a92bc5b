"""Whether a job executes the code in which the kernels of two labs differ."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from pvbench.qemu.kernels import Kernel
from pvbench.site import Reach
from pvbench.text import shortened_list
from pvbench_site_lab import functions
from pvbench_site_lab.traced import Recorded

RecordFunctions = Callable[[Sequence[str]], Recorded]


def reach(one: Kernel, other: Kernel, record: RecordFunctions) -> Reach:
    """
    Which of the functions with other code in *other* than in *one* ran.

    Args:
        one: a kernel.
        other: the kernel that is booted.
        record: says which functions of *other* run while the job is done.
    """
    tables = [(kernel, functions.read(kernel.functions)) for kernel in (one, other)]
    for kernel, table in tables:
        if not table:
            return Reach(
                unknown=f"the functions of {kernel.name} are not known, because it was not "
                "built from its sources by pvbench"
            )
    (_, before), (_, after) = tables
    changed = functions.changed(before, after)
    names = [name for name, function in changed.items() if not function.is_init]
    recorded = record(names) if names else Recorded()
    if recorded.missing:
        return Reach(unknown=recorded.missing)
    untraced = {*names} - {*recorded.ran} - {*recorded.idle}
    reasons = _reasons({*changed} - {*names}, untraced)
    return Reach(
        ran=_shown(recorded.ran), idle=_shown(recorded.idle), unknown="; ".join(reasons)
    )


def _reasons(init: set[str], untraced: set[str]) -> Iterator[str]:
    """Why nothing is known of some functions."""
    if init:
        yield f"the kernel executes {_listed(init)} only when it starts, which is not traced"
    if untraced:
        yield f"the function tracer does not show {_listed(untraced)}"


def _listed(names: set[str]) -> str:
    return shortened_list(_shown(sorted(names)))


def _shown(names: Sequence[str]) -> tuple[str, ...]:
    """The functions as a programmer writes them, without the compiler's suffixes."""
    return tuple(dict.fromkeys(f"{name.partition('.')[0]}()" for name in names))
