"""The order of packages: which module may import which, read from the source."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

from support.helpers import bundled

ROOT = Path(__file__).parents[1]

# A package or a module imports only from those above it, for its types too.
LAYERS = [
    "errors",
    "text",
    "checks",
    "document",
    "formats",
    "format",
    "keywords",
    "notices",
    "validators",
    "x86",
    "host",
    "guest",
    "id_lists",
    "layouts",
    "topology_forms",
    "topology",
    "ops",
    "linux_era",
    "masks",
    "sender",
    "dispatch",
    "sequences",
    "kvm_overlay",
    "decode",
    "histogram",
    "slice_result",
    "workload",
    "delivery",
    "importing",
    "shapes",
    "qemu",
    "recording",
    "recorder",
    "trials",
    "protocol",
    "end_with_parent",
    "process_group",
    "started_worker",
    "worker_process",
    "shared_workers",
    "describe",
    "site",
    "suite",
    "command",
    "benchmark_text",
    "hookspecs",
    "plugin",
    "results",
    "run",
    "replay",
    "verify",
    "testing",
    "compare",
    "report",
    "cli",
    "__main__",
    "pyperf_script",
]
# What a plugin builds on; the rest of the core runs it and is none of its business.
INTERFACE = {*LAYERS[: LAYERS.index("hookspecs") + 1], "testing", "pyperf_script"}
# Modules of site plugins that are workers themselves, where none can be started.
WORKERS = ("pvbench_site_lab.inside.agent",)
# The most modules of the core that a worker loads before its delivery, packages left out.
WORKER_MODULES = 16


def name_of(path: Path, root: Path) -> str:
    """``pvbench.report.table`` for pvbench/report/table.py."""
    parts = path.relative_to(root).with_suffix("").parts
    return ".".join(part for part in parts if part != "__init__")


CORE = {name_of(path, ROOT): path for path in sorted((ROOT / "pvbench").rglob("*.py"))}
OUTSIDE = {
    name_of(path, ROOT / folder): path
    for folder in ("plugins", "suites")
    for path in sorted((ROOT / folder).rglob("*.py"))
}
MODULES = CORE | OUTSIDE
PLUGINS = sorted({name.split(".")[0] for name in OUTSIDE})


def imported(path: Path) -> Iterator[str]:
    """Modules that *path* imports anywhere, in functions and for types too."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path} imports relatively"
            assert node.module is not None
            names = [f"{node.module}.{alias.name}" for alias in node.names]
            yield from (name for name in names if name in MODULES)
            if any(name not in MODULES for name in names):
                yield node.module


def own_imports(path: Path) -> set[str]:
    """The modules of this repository among them."""
    return {name for name in imported(path) if name in MODULES}


def layer_of(module: str) -> str:
    """``report`` for pvbench.report.table."""
    return module.split(".")[1] if "." in module else ""


def core_layers(path: Path) -> set[str]:
    """The layers of the core that *path* imports from; '' is `pvbench` itself."""
    return {layer_of(name) for name in own_imports(path) if name.split(".")[0] == "pvbench"}


def test_every_package_has_its_place() -> None:
    """A new package or module joins the list, in the place its imports need."""
    assert sorted(LAYERS) == sorted({layer_of(name) for name in CORE} - {""})


@pytest.mark.parametrize("module", sorted(CORE.keys() - {"pvbench"}))
def test_a_module_imports_only_from_layers_above_its_own(module: str) -> None:
    """Data flow from workload to sender, delivery, slice result and result, and never back."""
    allowed = {*LAYERS[: LAYERS.index(layer_of(module)) + 1]}

    assert sorted(core_layers(CORE[module]) - allowed) == []


def test_no_modules_import_each_other_in_a_circle() -> None:
    """Imports in functions and for types count; `pvbench` itself only hands names out."""
    graph = {name: own_imports(path) for name, path in MODULES.items() if name != "pvbench"}

    try:
        order = list(TopologicalSorter(graph).static_order())
    except CycleError as error:
        pytest.fail(" imports ".join(reversed(error.args[1])))
    assert len(order) == len(graph)


@pytest.mark.parametrize(
    "module", sorted(name for name, path in CORE.items() if path.name == "__init__.py")
)
def test_a_package_of_the_core_is_only_a_folder(module: str) -> None:
    """Its names are imported from the module that defines them."""
    if module != "pvbench":
        assert CORE[module].read_text() == ""


@pytest.mark.parametrize("module", OUTSIDE)
def test_a_plugin_imports_the_core_and_no_other_plugin(module: str) -> None:
    """Copying one file makes a third-party plugin; shared helpers live in the core."""
    own = module.split(".", maxsplit=1)[0]
    others = {name.split(".")[0] for name in imported(OUTSIDE[module])} & {*PLUGINS}

    assert others <= {own}


@pytest.mark.parametrize("module", OUTSIDE)
def test_a_plugin_uses_only_the_interface_of_the_core(module: str) -> None:
    """It imports everything down to the hooks, and never the registry, a run or its results."""
    if module not in WORKERS:
        assert sorted(core_layers(OUTSIDE[module]) - INTERFACE) == []


@pytest.mark.parametrize("module", WORKERS)
def test_what_is_a_worker_itself_imports_that_of_the_core(module: str) -> None:
    """It imports nothing else of a run."""
    of_run = [name for name in imported(OUTSIDE[module]) if name.startswith("pvbench.run")]

    assert {*of_run} == {"pvbench.run.worker"}


def test_the_core_imports_no_plugin() -> None:
    """Bundled plugins come by their entry points, as everybody else's."""
    packages = {name.split(".")[0] for path in CORE.values() for name in imported(path)}

    assert sorted(packages & {*PLUGINS}) == []


def test_the_worker_needs_few_modules() -> None:
    """Its closure over imports: under emulation each one costs seconds."""
    needed, new = set(), {"pvbench.run.worker"}
    while new:
        needed |= new
        new = {name for module in new for name in own_imports(CORE[module])} - needed

    assert len(needed) <= WORKER_MODULES, sorted(needed)


# Where a bundled sender may be named: help and hints are examples for people, an
# overlay named alone is explained over one driver, and two are also mechanisms.
DEFAULT_DRIVER = {("pvbench.cli.explain", "x2apic-physical")} | {
    ("pvbench.cli.replay", name) for name in ("x2apic-physical", "kvm-pv")
}
MECHANISMS = {"shorthand", "kernel"}


def strings(path: Path) -> Iterator[str]:
    """Strings in code: no docstrings, no ``help=`` and no ``fix=``."""
    tree = ast.parse(path.read_text())
    prose: set[ast.AST] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr):  # a docstring
            prose |= set(ast.walk(node)) if isinstance(node.value, ast.Constant) else set()
        if isinstance(node, ast.keyword) and node.arg in ("help", "fix"):
            prose |= set(ast.walk(node))
    for node in set(ast.walk(tree)) - prose:
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


@pytest.mark.parametrize("module", CORE)
def test_the_core_names_no_bundled_sender_and_no_plugin_module(module: str) -> None:
    """A sender is one file and serves every delivery; nothing else changes for it."""
    names = {*bundled().senders, *PLUGINS} - MECHANISMS
    words = {w for text in strings(CORE[module]) for w in re.split(r"[^\w.-]+", text)}
    mentioned = {(module, word) for word in words & names} - DEFAULT_DRIVER

    assert sorted(mentioned) == []
