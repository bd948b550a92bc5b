"""
Probe the mechanisms of this host, and cache the results.

A probe may hang, so probes run in child processes, and this process limits their time.
A failure may have been caused by load: it is final after it was seen in two runs.  That
KVM does not serve a proposal is its own answer.
"""

from __future__ import annotations

import hashlib
import json
import os
import select
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, suppress
from pathlib import Path
from typing import Any, Final

import attrs

from pvbench import notices
from pvbench.host import facts as host_facts
from pvbench.host import lock as host_lock
from pvbench.host.cache import cache_folder, keep
from pvbench.host.files import read_regular
from pvbench.shapes import json_value
from pvbench_deliver_kvm import build
from pvbench_deliver_kvm.measure.hypercall_abis import NOT_SERVED
from pvbench_deliver_kvm.probe.attempts import BEGUN, ENDED, REFUSED
from pvbench_deliver_kvm.probe.processes import Start, forked, started
from pvbench_deliver_kvm.probe.programs import PROBES

Alone = Callable[[Callable[[str], None] | None], AbstractContextManager[None]]

START_S: Final = 60.0  # until a child has booted its guest; slow under emulation
LIMIT_S = 1.8  # of a probe; the guest's own clock may run fast
_EMULATED: Final = 10  # times that limit where children are forked, as an emulated machine does
_PATIENCE: Final = 5 / 6  # of that limit: a guest reports a hang before the limit ends
SURE: Final = 2  # failures in different runs that make a failure final


def probes(
    *,
    wait: bool = True,
    progress: bool = False,
    alone: Alone = host_lock.alone,
    start: Start = started,
) -> dict[str, str]:
    """
    For each probe the reason why the mechanism does not work here; '' if it works.

    Results are cached for these probes, this kernel, microcode, guest, and KVM with its
    parameters.
    Probes wait for timed runs of others; without *wait* they are skipped if there are any.
    With *progress* each group is named on standard error before it is probed.  Each probes
    in a process that *start* starts.
    """
    path = cache_folder() / f"kvm-probes-{_key()}.json"
    stored = _stored(path)
    if not _missing(stored):
        return {name: why for name, (why, _) in stored.items()}
    try:
        with alone(notices.say if wait else None):
            say = notices.say if progress else _say_nothing
            # another process may have probed meanwhile
            return _try_missing(_stored(path), path, say, start)
    except host_lock.BusyError as busy:
        untried = {
            name: f"it was not tried: {busy}"
            for names in _missing({}).values()
            for name in names
        }
        return untried | {name: why for name, (why, _) in stored.items()}


def _say_nothing(text: str) -> None:
    pass


def _try_missing(
    stored: dict[str, tuple[str, int]], path: Path, say: Callable[[str], None], start: Start
) -> dict[str, str]:
    """Probe the mechanisms that *stored* lacks, store all at *path* and return them."""
    groups = []
    for number, (group, names) in enumerate((missing := _missing(stored)).items(), 1):
        say(f"probing what KVM can do here: {group} ({number} of {len(missing)})")
        groups.append(_try_group(group, names, start))
    for results, _ in groups:
        stored |= {
            name: (why, stored.get(name, ("", 0))[1] + 1) for name, why in results.items()
        }
    keep(json.dumps(stored).encode(), path)
    untried = {name: why for _, untried_names in groups for name, why in untried_names.items()}
    return {name: why for name, (why, _) in stored.items()} | untried


def _missing(stored: dict[str, tuple[str, int]]) -> dict[str, list[str]]:
    """Probes without a final result, by group."""
    missing = {
        group: [name for name in programs if not _is_final(stored.get(name))]
        for group, (_, _, programs) in PROBES.items()
    }
    return {group: names for group, names in missing.items() if names}


def _stored(path: Path) -> dict[str, tuple[str, int]]:
    """The cached (result, number of runs that saw it) of each probe."""
    try:
        results = {str(name): (str(why), int(times)) for name, (why, times) in _pairs(path)}
    except (OSError, ValueError, TypeError, OverflowError):  # int() of infinity
        return {}
    names = {name for _, _, programs in PROBES.values() for name in programs}
    return {name: probed for name, probed in results.items() if name in names}


def _pairs(path: Path) -> Iterable[tuple[str, Any]]:
    results = json_value(read_regular(path).decode())
    return results.items() if isinstance(results, dict) else ()


def _is_final(probed: tuple[str, int] | None) -> bool:
    return probed is not None and (probed[0] in ("", NOT_SERVED) or probed[1] >= SURE)


def _key() -> str:
    text = f"{host_facts.kvm_key()} {build.key()} {PROBES}"
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _try_group(
    group: str, names: list[str], start: Start = started
) -> tuple[dict[str, str], dict[str, str]]:
    """The results of probes of *group*, and why the others were not tried."""
    results: dict[str, str] = {}
    while missing := [name for name in names if name not in results]:
        child = _child(group, missing, start)
        results |= child.probes
        if not (child.begun or child.probes):
            return results, dict.fromkeys(missing, child.end)
        if child.end:  # in the middle of a probe
            results |= dict.fromkeys(
                [name for name in missing if name not in results][:1], child.end
            )
    return results, {}


@attrs.frozen
class _Child:
    """Results of a probe process, and how it died if it did."""

    probes: dict[str, str]
    begun: bool
    end: str


def _child(group: str, names: list[str], start: Start) -> _Child:
    limit_s = LIMIT_S * (_EMULATED if start is forked else 1)
    with start([group, f"{limit_s * _PATIENCE:g}", *names]) as output:
        values = list(_values(output, limit_s))
    begun = BEGUN in values
    end = "the process of its guest ends" if begun else "no guest starts"
    if begun and values[-1] is None:
        end = f"it does not return within {limit_s:g} s"
    pairs = [value for value in values if isinstance(value, list)]
    results = {name: why for name, why in pairs if name in names}
    if results and ENDED in values:  # an error after that concerns the guest's end
        end = ""
    return _Child(
        probes=results,
        begun=begun,
        end=next((value[REFUSED] for value in values if isinstance(value, dict)), end),
    )


def _values(pipe: int, limit_s: float) -> Iterator[Any]:
    """The JSON values of complete lines; None, the last, if a line takes too long."""
    partial = b""
    remaining_s = START_S
    while select.select([pipe], [], [], remaining_s)[0]:
        read = os.read(pipe, 65536)
        if not read:
            return
        *lines, partial = (partial + read).split(b"\n")
        for line in lines:
            with suppress(ValueError):  # a line that no probe printed
                yield json.loads(line)
        remaining_s = limit_s
    yield None
