"""Sources of plugins that raise or exit in unusual ways, each with its error message."""

from __future__ import annotations

from typing import Final

_HEAD: Final = """
from pvbench.hookspecs import hookimpl
from pvbench.kvm_overlay import KvmOverlay
from pvbench.suite import Suite
from pvbench.workload import Workload

pvbench_api = 1
"""
_SUITES: Final = f"""{_HEAD}
def suite(name, **fields):
    fields = dict(workloads=("broadcast",), overlays=(), summary="for tests") | fields
    return Suite(
        name=name, version=1, drivers=("x2apic-cluster",), guests=("dense:4",), **fields
    )


@hookimpl
def pvbench_suites():
    """

# By what they do: the source, and the error or its beginning.
BROKEN: Final[dict[str, tuple[str, str]]] = {
    "base-exception": (
        "class B(BaseException): pass\nraise B('x')",
        "its import raises B: x",
    ),
    "generator-exit": ("raise GeneratorExit('x')", "its import raises GeneratorExit: x"),
    "interrupt": ("raise KeyboardInterrupt", "its import raises KeyboardInterrupt"),
    "exit-with-0": ("import sys; sys.exit(0)", "its import raises SystemExit: 0"),
    "str-raises": (
        "class E(Exception):\n    def __str__(self): raise SystemExit('no str')\nraise E()",
        "its import raises E: its text cannot be shown",
    ),
    "escapes": (
        r"raise RuntimeError('\x1b[2J\x1b]0;title\x07\x9b31m\r\n\x08x')",
        r"its import raises RuntimeError: \x1b[2J\x1b]0;title\x07\x9b31m \x08x",
    ),
    "huge-text": ("raise RuntimeError('x' * 5_000_000)", "its import raises RuntimeError: xxx"),
    "hook-exits": (
        f"{_SUITES}import sys; sys.exit(3)",
        "hook pvbench_suites raises SystemExit: 3",
    ),
    "lazy-answer-exits": (
        f"{_SUITES}yield suite('first'); raise GeneratorExit",
        "hook pvbench_suites raises GeneratorExit",
    ),
    "answer-without-end": (
        f"{_SUITES}number = 0\n    while True: number += 1; yield suite(f's{{number}}')",
        "pvbench_suites returns more than 10000 objects",
    ),
    "name-is-a-path": (
        f"{_SUITES}return [suite('../../etc/x')]",
        "it offers a suite called '../../etc/x': not lower case with dashes",
    ),
    "summary-with-escapes": (
        rf"{_SUITES}return [suite('good', summary='\x1b[31mred\n')]",
        "the summary of suite good is not one printable line",
    ),
    "property-exits": (
        f"{_SUITES}class S:\n        name = property(lambda self: exit(0))\n    return [S()]",
        "hook pvbench_suites raises SystemExit: 0",
    ),
}

# By where they stay: the source, and the code that does not return.
ENDLESS: Final[dict[str, tuple[str, str]]] = {
    "import-loops": ("while True: pass", "its import"),
    "import-catches-all": (
        "while True:\n    try:\n        while True: pass\n    except BaseException: pass",
        "its import",
    ),
    "import-waits": ("import threading; threading.Event().wait()", "its import"),
    "hook-loops": (f"{_SUITES}while True: pass", "hook pvbench_suites"),
    "lazy-answer-loops": (
        f"{_SUITES}yield suite('first')\n    while True: pass",
        "hook pvbench_suites",
    ),
}


def workload(body: str) -> str:
    """A suite ``hostile`` whose workload executes *body*."""
    return f"""{_SUITES}return [suite("hostile", workloads=("hostile",))]


def bursts(guest):
        {body}


@hookimpl
def pvbench_workloads():
    return [Workload(name="hostile", summary="for tests", bursts=bursts)]
"""


def sender(body: str) -> str:
    """A suite ``hostile`` whose overlay executes *body*."""
    return f"""{_SUITES}return [suite("hostile", overlays=("hostile",))]


class Hostile(KvmOverlay):
    name = "hostile"
    summary = "for tests"
    hypercall_abi = "kvm"

    def calls(self, apic_ids, icr, bits):
        {body}
        yield 1, 0, apic_ids[0], icr


@hookimpl
def pvbench_senders():
    return [Hostile()]
"""
