"""
What works on this host, by trial.

A trial that does not return must not cost the run, so trials happen in child
processes under the clock of this one, and what is found is kept.
"""

from __future__ import annotations

import hashlib
import json
import os
import select
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import attrs

from pvbench import host
from pvbench_deliver_kvm import build
from pvbench_deliver_kvm.trials import BEGUN, ENDED, REFUSED, TRIALS

START_S: Final = 60.0  # of a child until it has a guest, which takes long under emulation
LIMIT_S: Final = 1.8  # of a trial; a guest's own clock may race


def verdicts() -> dict[str, str]:
    """
    For each trial why it does not work here, '' if it does.

    Kept for this kernel, microcode, KVM with its parameters, and guest.
    """
    path = build.cache_folder() / f"kvm-verdicts-{_key()}.json"
    if kept := _kept(path):
        return kept
    groups = list(map(_tried, TRIALS))
    found = {name: why for group, _ in groups for name, why in group.items()}
    if all(lasting for _, lasting in groups):
        build.keep(json.dumps(found).encode(), path)
    return found


def _kept(path: Path) -> dict[str, str] | None:
    """Verdicts of another time; None if they are not whole."""
    try:
        found: dict[str, str] = json.loads(path.read_text())
    except (OSError, ValueError):
        return None
    names = {name for _, _, programs in TRIALS.values() for name in programs}
    return found if isinstance(found, dict) and found.keys() == names else None


def _key() -> str:
    return hashlib.sha256(f"{host.kvm_key()} {build.key()}".encode()).hexdigest()[:16]


def _tried(group: str) -> tuple[dict[str, str], bool]:
    """The verdict of each trial, and whether it would be the same another time."""
    found: dict[str, str] = {}
    while left := [name for name in TRIALS[group][2] if name not in found]:
        child = _child(group, left)
        found |= child.verdicts
        if not (child.begun or child.verdicts):
            return found | dict.fromkeys(left, child.end), False
        if child.end:  # in the middle of a trial
            found |= dict.fromkeys([name for name in left if name not in found][:1], child.end)
    return found, True


@attrs.frozen
class _Child:
    """What a child has lived to tell, and how it ended if not by itself."""

    verdicts: dict[str, str]
    begun: bool
    end: str


def _child(group: str, names: list[str]) -> _Child:
    command = [sys.executable, "-P", "-m", "pvbench_deliver_kvm.trials", group, *names]
    with subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
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
    found = dict(value for value in told if isinstance(value, list))
    if found and told[-1] == ENDED:
        end = ""
    return _Child(
        verdicts=found,
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
            with suppress(ValueError):  # not of a trial
                yield json.loads(line)
        limit_s = LIMIT_S
    yield None
