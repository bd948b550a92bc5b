"""Nothing flows back: who may import whom, read from the source, not from a run."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from helpers import bundled

ROOT = Path(__file__).parents[1]

# A module imports only from above itself, for its types too.
LAYERS = [
    "errors",
    "checks",
    "host",
    "x86.apic",
    "x86.hyperv",
    "x86.kvm_para",
    "x86.xen",
    "topology",
    "ops",
    "sender",
    "sequences",
    "decode_hypercall",
    "decode",
    "trace",
    "workload",
    "delivery",
    "site",
    "modules",
    "process",
    "turns",
    "suite",
    "hookspecs",
    "registry",
    "offers",
    "loader",
    "scaffold",
    "expand",
    "check",
    "plan",
    "measure",
    "testing.scenes",
    "testing.cases",
    "testing.senders",
    "testing.workloads",
    "testing.deliveries",
    "testing",
    "boot",
    "worker",
    "machine",
    "journal",
    "results",
    "collector",
    "resume",
    "environments",
    "stop",
    "progress",
    "request",
    "run",
    "report.table",
    "report.facts",
    "report.notes",
    "report.summary",
    "stats",
    "compare",
    "report.comparison",
    "cli.common",
    "cli.defaults",
    "cli.show",
    "cli.run",
    "cli.compare",
    "cli.list",
    "cli.new",
    "cli.plugins",
    "cli.explain",
    "cli.doctor",
    "cli",
    "__main__",
    "bridge",
]
# Packages without code of their own.
EMPTY = {"", "x86", "report"}
# What a worker loads before its delivery: few modules, none of them heavy.
WORKER = {
    *(
        "checks",
        "delivery",
        "errors",
        "modules",
        "ops",
        "process",
        "topology",
        "trace",
        "worker",
    ),
    "x86.apic",
}


def name_of(path: Path) -> str:
    """``report.table`` for pvbench/report/table.py."""
    parts = path.relative_to(ROOT / "pvbench").with_suffix("").parts
    return ".".join(part for part in parts if part != "__init__")


CORE = {name_of(path): path for path in sorted((ROOT / "pvbench").rglob("*.py"))}
OUTSIDE = {
    str(path.relative_to(ROOT).with_suffix("")): path
    for folder in ("plugins", "suites")
    for path in sorted((ROOT / folder).rglob("*.py"))
}
PLUGINS = sorted({name.split("/")[1] for name in OUTSIDE})


def imported(path: Path) -> Iterator[str]:
    """Modules that *path* imports anywhere, in functions and for types too."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path} imports relatively"
            assert node.module is not None
            below = (f"{node.module}.{alias.name}" for alias in node.names)
            yield from (name for name in below if name.removeprefix("pvbench.") in CORE)
            yield node.module


def core_imports(path: Path) -> set[str]:
    """The modules of the core among them, packages without code left out."""
    names = {name for name in imported(path) if name.split(".")[0] == "pvbench"}
    return {name.removeprefix("pvbench").removeprefix(".") for name in names} - EMPTY


def test_every_module_has_its_place() -> None:
    """A new module joins the list, in the place its imports need."""
    assert sorted(LAYERS) == sorted(CORE.keys() - EMPTY)


@pytest.mark.parametrize("module", LAYERS)
def test_a_module_imports_only_from_above_itself(module: str) -> None:
    """A workload, a sender, a delivery, a trace, a sample, a result: nothing flows back."""
    above = set(LAYERS[: LAYERS.index(module)])
    allowed = above | {"cli"} if module.startswith("cli.") else above

    assert sorted(core_imports(CORE[module]) - allowed) == []


@pytest.mark.parametrize("module", sorted(EMPTY - {""}))
def test_a_package_is_only_a_folder(module: str) -> None:
    """What it holds is imported from where it stands."""
    assert list(imported(CORE[module])) == []


@pytest.mark.parametrize("module", OUTSIDE)
def test_a_plugin_imports_the_core_and_no_other_plugin(module: str) -> None:
    """Copying one file makes a third-party plugin; shared helpers live in the core."""
    own = module.split("/")[1]
    others = {name.split(".")[0] for name in imported(OUTSIDE[module])} & {*PLUGINS}

    assert others <= {own}


# What a plugin builds on; the rest of the core runs it and is none of its business.
INTERFACE = {*LAYERS[: LAYERS.index("hookspecs") + 1], "bridge"}


@pytest.mark.parametrize("module", OUTSIDE)
def test_a_plugin_uses_only_the_interface_of_the_core(module: str) -> None:
    """Everything down to the hooks; never the registry, a run or its results."""
    assert sorted(core_imports(OUTSIDE[module]) - INTERFACE) == []


def test_the_core_imports_no_plugin() -> None:
    """Bundled plugins come by their entry points, as everybody else's."""
    found = {name.split(".")[0] for path in CORE.values() for name in imported(path)}

    assert sorted(found & {*PLUGINS}) == []


def test_the_worker_needs_ten_modules() -> None:
    """Its closure over imports: under emulation each one costs seconds."""
    needed, new = set(), {"worker"}
    while new:
        needed |= new
        new = {name for module in new for name in core_imports(CORE[module])} - needed

    assert needed == WORKER


# Where a bundled sender may be named: help and hints are examples for people, an
# overlay named alone is explained over one driver, and two are also mechanisms.
DEFAULT_DRIVER = {("cli.explain", "x2apic-physical")}
MECHANISMS = {"shorthand", "kernel"}


def strings(path: Path) -> Iterator[str]:
    """Strings in code: no docstrings, no ``help=`` and no ``fix=``."""
    tree = ast.parse(path.read_text())
    told: set[ast.AST] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr):  # a docstring
            told |= set(ast.walk(node)) if isinstance(node.value, ast.Constant) else set()
        if isinstance(node, ast.keyword) and node.arg in ("help", "fix"):
            told |= set(ast.walk(node))
    for node in set(ast.walk(tree)) - told:
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


@pytest.mark.parametrize("module", LAYERS)
def test_the_core_names_no_bundled_sender_and_no_plugin_module(module: str) -> None:
    """A sender is one file and serves every delivery; nothing else changes for it."""
    names = {*bundled().senders, *PLUGINS} - MECHANISMS
    words = {w for text in strings(CORE[module]) for w in re.split(r"[^\w.-]+", text)}
    found = {(module, word) for word in words & names} - DEFAULT_DRIVER

    assert sorted(found) == []
