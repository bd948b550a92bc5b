"""
What works on this host, by probe.

A probe that does not return must not cost the run, so probes happen in child
processes under the clock of this one, and what is found is kept.  A failure may be
that of a busy moment: it is final when another time saw it too.
"""

from __future__ import annotations

import hashlib
import json
import os
import select
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, suppress
from pathlib import Path
from typing import Any, Final

import attrs

from pvbench.host import facts as host_facts
from pvbench.host import lock as host_lock
from pvbench_deliver_kvm import build
from pvbench_deliver_kvm.probe.programs import BEGUN, ENDED, PROBES, REFUSED

Alone = Callable[[Callable[[str], None] | None], AbstractContextManager[None]]

START_S: Final = 60.0  # of a child until it has a guest, which takes long under emulation
LIMIT_S = 1.8  # of a probe; a guest's own clock may race
_PATIENCE: Final = 5 / 6  # of that limit: a guest that hangs says so before it is over
SURE: Final = 2  # failures of a probe, at different times


def probes(
    *, wait: bool = True, progress: bool = False, alone: Alone = host_lock.alone
) -> dict[str, str]:
    """
    For each probe why it does not work here, '' if it does.

    Kept for this kernel, microcode, KVM with its parameters, and guest.  Probes wait
    for timed runs of others, or unless *wait* are left for another time.  With *progress*
    each group of them is named on standard error before it is tried.
    """
    path = build.cache_folder() / f"kvm-probes-{_key()}.json"
    kept = _kept(path)
    if not _left(kept):
        return {name: why for name, (why, _) in kept.items()}
    try:
        with alone(host_lock.say if wait else None):
            say = host_lock.say if progress else _say_nothing
            return _more(_kept(path), path, say)  # others may have tried meanwhile
    except host_lock.BusyError as busy:
        untried = {
            name: f"it was not tried: {busy}" for names in _left({}).values() for name in names
        }
        return untried | {name: why for name, (why, _) in kept.items()}


def _say_nothing(text: str) -> None:
    pass


def _more(
    kept: dict[str, tuple[str, int]], path: Path, say: Callable[[str], None]
) -> dict[str, str]:
    """The probe results, once what is *kept* at *path* is complete."""
    groups = []
    for number, (group, names) in enumerate((left := _left(kept)).items(), 1):
        say(f"probing what KVM can do here: {group} ({number} of {len(left)})")
        groups.append(_tried(group, names))
    for told, _ in groups:
        kept |= {name: (why, kept.get(name, ("", 0))[1] + 1) for name, why in told.items()}
    build.keep(json.dumps(kept).encode(), path)
    untold = {name: why for _, lacking in groups for name, why in lacking.items()}
    return {name: why for name, (why, _) in kept.items()} | untold


def _left(kept: dict[str, tuple[str, int]]) -> dict[str, list[str]]:
    """Probes that have no final probe result, by group."""
    left = {
        group: [name for name in programs if not _is_final(kept.get(name))]
        for group, (_, _, programs) in PROBES.items()
    }
    return {group: names for group, names in left.items() if names}


def _kept(path: Path) -> dict[str, tuple[str, int]]:
    """(probe result, how often it was seen) of probes at other times."""
    try:
        found = {str(name): (str(why), int(seen)) for name, (why, seen) in _pairs(path)}
    except (OSError, ValueError, TypeError):
        return {}
    names = {name for _, _, programs in PROBES.values() for name in programs}
    return {name: probed for name, probed in found.items() if name in names}


def _pairs(path: Path) -> Iterable[tuple[str, Any]]:
    found = json.loads(path.read_text())
    return found.items() if isinstance(found, dict) else ()


def _is_final(probed: tuple[str, int] | None) -> bool:
    return probed is not None and (not probed[0] or probed[1] >= SURE)


def _key() -> str:
    return hashlib.sha256(f"{host_facts.kvm_key()} {build.key()}".encode()).hexdigest()[:16]


def _tried(group: str, names: list[str]) -> tuple[dict[str, str], dict[str, str]]:
    """The probe results of probes of *group*, and why the others were not even tried."""
    found: dict[str, str] = {}
    while left := [name for name in names if name not in found]:
        child = _child(group, left)
        found |= child.probes
        if not (child.begun or child.probes):
            return found, dict.fromkeys(left, child.end)
        if child.end:  # in the middle of a probe
            found |= dict.fromkeys([name for name in left if name not in found][:1], child.end)
    return found, {}


@attrs.frozen
class _Child:
    """What a child has lived to tell, and how it ended if not by itself."""

    probes: dict[str, str]
    begun: bool
    end: str


def _child(group: str, names: list[str]) -> _Child:
    patience = f"{LIMIT_S * _PATIENCE:g}"
    command = [
        sys.executable,
        "-P",
        "-m",
        "pvbench_deliver_kvm.probe.programs",
        group,
        patience,
        *names,
        str(os.getpid()),
    ]
    with subprocess.Popen(
        command,
        stdin=subprocess.PIPE,  # which ends when this process does
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        pass_fds=host_lock.held(),
    ) as child:
        assert child.stdout  # noqa: S101 - a pipe
        try:
            told = list(_values(child.stdout.fileno()))
        finally:
            child.kill()
    begun = BEGUN in told
    end = "the process of its guest ends" if begun else "no guest starts"
    if begun and told[-1] is None:
        end = f"it does not return within {LIMIT_S:g} s"
    pairs = [value for value in told if isinstance(value, list)]
    found = {name: why for name, why in pairs if name in names}
    if found and ENDED in told:  # what comes after is the end of its guest
        end = ""
    return _Child(
        probes=found,
        begun=begun,
        end=next((value[REFUSED] for value in told if isinstance(value, dict)), end),
    )


def _values(pipe: int) -> Iterator[Any]:
    """What whole lines say, until there are none; None if the next one takes too long."""
    begun = b""
    limit_s = START_S
    while select.select([pipe], [], [], limit_s)[0]:
        read = os.read(pipe, 65536)
        if not read:
            return
        *whole, begun = (begun + read).split(b"\n")
        for line in whole:
            with suppress(ValueError):  # not of a probe
                yield json.loads(line)
        limit_s = LIMIT_S
    yield None
