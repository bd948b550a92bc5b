"""Run the boots of a plan one after another; each is stored before the next starts."""

from __future__ import annotations

from contextlib import nullcontext
from functools import partial
from pathlib import Path

import attrs

from pvbench.errors import Status, worst
from pvbench.run import progress
from pvbench.run.boot import run_boot
from pvbench.run.plan import Boot
from pvbench.run.request import PreparedRun
from pvbench.run.signals import Stop
from pvbench.run.store import RunStore

_STATUS_OF = {
    "ok": Status.OK,
    "unsupported": Status.OK,
    "blocked": Status.ENVIRONMENT,
    "void": Status.PROOF,
    "failed": Status.ENVIRONMENT,
}


@attrs.frozen(kw_only=True)
class Ended:
    """
    The end of a run.

    Args:
        path: the pyperf file.
        measured: whether *path* exists; the journal beside it always does.
        signal: the signal that ended the run early, or 0.
    """

    path: Path
    status: Status
    measured: bool
    signal: int


def run(prepared: PreparedRun) -> Ended:
    """
    Run all boots; each is on disk before the next starts.

    A run with a noisy clock takes the lock for timed runs of the machine.

    Raises:
        UsageError, UnavailableError: the result file cannot be created.
    """
    timed = prepared.plan.boots and not prepared.launch.clock.is_exact
    with (
        RunStore.opened(prepared) as store,
        prepared.launch.session.alone() if timed else nullcontext(),
    ):
        return _boots(prepared, store)


def _boots(prepared: PreparedRun, store: RunStore) -> Ended:
    stored = store.resume()
    stop = Stop()
    display = progress.make(len(prepared.boots), quiet=prepared.request.quiet)
    with stop.on_signals(), display:
        for number, boot in prepared.boots.items():
            if number in stored:
                continue
            display.boot(number, _name(boot))
            result = stop.unless_signalled(partial(run_boot, boot, prepared.launch))
            if result is None:
                break
            store.add(number, boot, result)
    status = _status(store)
    store.finish(status, stop.signal)
    return Ended(path=store.path, measured=store.measured, status=status, signal=stop.signal)


def _name(boot: Boot) -> str:
    """The guest of a boot, and its hypervisor by hypercall ABI unless that is KVM."""
    abi = boot.guest.hypercall_abi
    return boot.guest.name if abi == "kvm" else f"{boot.guest.name} {abi}"


def _status(store: RunStore) -> Status:
    statuses = [_STATUS_OF[kind] for kind in store.outcomes]
    return worst(statuses if store.measured else [*statuses, Status.NOTHING_MEASURED])
