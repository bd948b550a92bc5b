"""What a plugin module offers, checked thing by thing."""

from __future__ import annotations

import inspect
import re
from types import ModuleType
from typing import Any, Final

from pvbench.delivery import CLOCKS
from pvbench.guest import HYPERCALL_ABIS
from pvbench.hookspecs import API, PROJECT
from pvbench.sender import MECHANISMS, Sender
from pvbench.suite import Suite
from pvbench.workload import Workload

HOOKS: Final = {
    "pvbench_workloads": "workload",
    "pvbench_senders": "sender",
    "pvbench_deliveries": "delivery",
    "pvbench_sites": "site",
    "pvbench_suites": "suite",
}


def check_api(module: ModuleType) -> None:
    """Refuse a module that is no plugin of this API, or has a hook gone wrong."""
    api = getattr(module, "pvbench_api", None)
    if api != API:
        raise ValueError(f"pvbench_api is {api!r}, this pvbench needs {API}")
    for name, value in vars(module).items():
        if name.startswith("pvbench_") and inspect.isfunction(value):
            if name not in HOOKS:
                raise ValueError(f"there is no hook called {name!r}")
            if not hasattr(value, f"{PROJECT}_impl"):
                raise ValueError(f"{name} lacks @hookimpl")
            if inspect.signature(value).parameters:
                raise ValueError(f"{name} takes arguments, the hook gives none")
    if not any(name in HOOKS for name in vars(module)):
        raise ValueError("it has no hook")


def offers_of(module: ModuleType) -> list[tuple[str, Any]]:
    """
    (kind, thing) of everything the hooks of *module* answer.

    One plugin at a time and not through the manager, which would drop a forgotten
    return and not say whose error it is.
    """
    found: list[tuple[str, Any]] = []
    for hook, kind in HOOKS.items():
        if hook in vars(module):
            answer = getattr(module, hook)()
            if answer is None:
                raise ValueError(f"{hook} returns None; return () for nothing")
            found += [(kind, thing) for thing in answer]
    for kind, thing in found:
        check_thing(kind, thing)
    names = [f"{kind} called {thing.name!r}" for kind, thing in found]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise ValueError(f"it offers a {twice[0]} twice")
    return found


def check_thing(kind: str, thing: Any) -> None:
    """
    What a plugin may offer as a *kind*.

    Raises:
        ValueError: not this.
    """
    name = getattr(thing, "name", None)
    if not isinstance(name, str):
        raise ValueError(f"it offers a {kind} without a name: {thing!r}")
    if not isinstance(getattr(thing, "summary", None), str):
        raise ValueError(f"it offers a {kind} without a summary: {name!r}")
    if not re.fullmatch(r"[a-z0-9][a-z0-9.:-]*", name) or name == "native":
        raise ValueError(f"it offers a {kind} called {name!r}: not lower case with dashes")
    clock = getattr(thing, "clock", None)
    if kind == "delivery" and clock not in CLOCKS:
        raise ValueError(f"{name}.clock is {clock!r}, not one of {', '.join(CLOCKS)}")
    wanted = {"sender": Sender, "workload": Workload, "suite": Suite}.get(kind, object)
    if not isinstance(thing, wanted):
        raise ValueError(f"it offers a {kind} that is no {wanted.__name__}: {thing!r}")
    if isinstance(thing, Sender):
        _check_sender(thing)
    if isinstance(thing, Workload):
        _check_workload(thing)


def _check_sender(sender: Sender) -> None:
    for field, value, known in (
        ("mechanism", sender.mechanism, MECHANISMS),
        ("hypercall_abi", sender.hypercall_abi, (None, *HYPERCALL_ABIS)),
    ):
        if value not in known:
            choices = ", ".join(map(str, known))
            raise ValueError(f"{sender.name}.{field} is {value!r}, not one of {choices}")


def _check_workload(workload: Workload) -> None:
    if ":" in workload.name:
        raise ValueError(f"workload {workload.name!r} has a colon: parameters stand there")
    first = next(iter(workload.parameters.values()), 0)
    if type(first) is not int:
        raise ValueError(f"the first parameter of {workload.name} is {first!r}, no number")
    _, *defaults = workload.spec.split(":")
    if workload.bind(defaults) != workload:
        raise ValueError(f"nobody can write the defaults of {workload.name}: {workload.spec}")
