"""Probe processes that are forked: they do what those of a new interpreter do."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest

from pvbench_deliver_kvm.probe.programs import PROBES
from support.helpers import DEADLINE_S

NAMES = list(PROBES["kvm"][2])
# A process of one thread forks children whose guests need no KVM: what `main` does is
# replaced.  LIMIT_S only passes if a child hangs.
PROGRAM = """
import json, os, signal, sys
from pvbench_deliver_kvm.probe import attempts, cache, processes

def main(arguments):
    group, patience, *names = arguments
    print(json.dumps("begun"), flush=True)
    {body}

attempts.main = main
cache.LIMIT_S = {limit_s}
results, untried = cache._try_group({group!r}, {names!r}, processes.forked)
print(json.dumps([results, untried]))
"""
WELL = "[print(json.dumps([name, '']), flush=True) for name in names]"


def tried(body: str, group: str = "kvm", limit_s: float = DEADLINE_S) -> list[Any]:
    """The results of the probes of *group* whose children execute *body*."""
    names = list(PROBES[group][2])
    code = PROGRAM.format(body=body, group=group, names=names, limit_s=limit_s)
    completed = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
        timeout=DEADLINE_S,
    )
    assert (completed.returncode, completed.stderr) == (0, "")
    results: list[Any] = json.loads(completed.stdout)
    return results


def test_a_forked_child_reports_each_probe() -> None:
    """Its output does not mix with that of the process that forked it."""
    assert tried(f"{WELL}; print(json.dumps('ended'))", "x2apic") == [
        dict.fromkeys(PROBES["x2apic"][2], ""),
        {},
    ]


def test_a_forked_child_gets_the_group_and_the_patience_of_its_guest() -> None:
    """The guest reports a hang before the limit ends; an emulated machine has longer."""
    body = "print(json.dumps([names[0], f'{group} {float(patience):g}']), flush=True)"

    assert tried(body, limit_s=600)[0] == {NAMES[0]: "kvm 5000"}


@pytest.mark.parametrize(
    ("body", "limit_s", "why"),
    [
        pytest.param("os.kill(os.getpid(), 11)", DEADLINE_S, "the process of its", id="crash"),
        pytest.param("raise ValueError", DEADLINE_S, "the process of its guest", id="error"),
        pytest.param("sys.exit(3)", DEADLINE_S, "the process of its guest ends", id="exit"),
        pytest.param("signal.pause()", 0.01, "it does not return within 0.1 s", id="hang"),
    ],
)
def test_a_forked_child_that_fails_costs_its_probe_only(
    body: str, limit_s: float, why: str
) -> None:
    """A new interpreter that fails costs no more; nothing of the child is printed."""
    results, untried = tried(body, limit_s=limit_s)

    assert (list(results), untried) == (NAMES, {})
    assert results[NAMES[0]].startswith(why)


def test_no_forked_child_is_left_when_its_turn_is_over() -> None:
    """Not even one that hangs: the system has no child of the process any more."""
    waited = "os.waitpid(-1, os.WNOHANG)"
    code = PROGRAM.format(body="signal.pause()", group="kvm", names=NAMES, limit_s=0.01)
    completed = subprocess.run(
        [sys.executable, "-c", f"{code}\n{waited}"],
        capture_output=True,
        text=True,
        check=False,
        timeout=DEADLINE_S,
    )

    assert "ChildProcessError" in completed.stderr


def test_a_forked_child_ends_with_the_process_that_forked_it() -> None:
    """Killed in the middle of a probe, it leaves nothing that holds its pipes open."""
    body = "print(json.dumps(['x', '']), flush=True); os.kill(os.getppid(), 9); signal.pause()"
    code = PROGRAM.format(body=body, group="kvm", names=NAMES, limit_s=DEADLINE_S)
    completed = subprocess.run(
        [sys.executable, "-c", code],
        stdout=subprocess.PIPE,  # its end is read when all who inherited it have ended
        check=False,
        timeout=DEADLINE_S,
    )

    assert (completed.returncode, completed.stdout) == (-9, b"")
