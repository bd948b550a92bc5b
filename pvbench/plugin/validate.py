"""
Validate a plugin module and each thing that its hooks offer.

pluggy finds the marked hooks, compares their arguments with the hookspec's and calls
them.  This module checks the rest: the API number, hooks without a mark, and the type
and the fields of each thing.
"""

from __future__ import annotations

import inspect
import re
from collections import Counter
from collections.abc import Iterator
from types import ModuleType
from typing import Any, Final, Protocol

import pluggy

from pvbench import hookspecs
from pvbench.errors import PluginError, unknown
from pvbench.hookspecs import API, PROJECT
from pvbench.plugin.guard import Owner, guarded
from pvbench.plugin.kinds import KINDS, Kind, kind_of, missing_members

_MOST_THINGS: Final = 10_000  # of one hook: an answer that never ends must not fill memory


def check_api(module: ModuleType) -> None:
    """
    Refuse a module that is not a plugin of this API.

    Raises:
        PluginError: another API number, or a hook without its mark.
    """
    api = getattr(module, "pvbench_api", None)
    if api != API:
        has = "it lacks pvbench_api" if api is None else f"its pvbench_api is {api!r}"
        raise PluginError(f"{has}, and this pvbench needs pvbench_api = {API}")
    for name, value in vars(module).items():
        is_hook = name.startswith("pvbench_") and inspect.isfunction(value)
        if is_hook and not hasattr(value, f"{PROJECT}_impl"):
            raise PluginError(f"{name} lacks @hookimpl")


def register(manager: pluggy.PluginManager, module: ModuleType, name: str) -> None:
    """
    Register *module* as the plugin called *name*; all its hooks must have a spec.

    Raises:
        PluginError: a hook has the wrong arguments, is a wrapper, or has no spec.
    """
    try:
        manager.register(module, name)
    except pluggy.PluginValidationError as error:
        raise PluginError(_with_signature(str(error))) from None
    callers = manager.get_hookcallers(module) or []
    if not callers:
        raise PluginError("it has no hook")
    for caller in callers:
        (implementation,) = (i for i in caller.get_hookimpls() if i.plugin is module)
        if not (caller.has_spec() or implementation.optionalhook):
            raise unknown("hook", caller.name, [kind.hook for kind in KINDS])
        if implementation.wrapper or implementation.hookwrapper:
            raise PluginError(f"{caller.name} is a wrapper: hooks are called for one plugin")


def _with_signature(message: str) -> str:
    """Add the hookspec's signature to a message that has the plugin's."""
    hook = next(kind.hook for kind in KINDS if repr(kind.hook) in message)
    signature = inspect.signature(getattr(hookspecs, hook))
    return f"{message}; the hookspec is {hook}{signature}"


def offers_of(
    manager: pluggy.PluginManager, module: ModuleType, owner: Owner
) -> list[tuple[str, Any]]:
    """
    (kind, thing) of everything the hooks of *module* answer.

    Raises:
        PluginError: a hook raises or has no answer, or something cannot be offered.
    """
    implemented = {caller.name for caller in manager.get_hookcallers(module) or []}
    others = manager.get_plugins() - {module}
    offers: list[tuple[str, Any]] = []
    for kind in KINDS:
        if kind.hook in implemented:
            with guarded(f"hook {kind.hook}", owner):
                offers += [(kind.name, offer) for offer in _answer(manager, kind, others)]
    names = [f"{kind} called {offer.name!r}" for kind, offer in offers]
    if twice := [name for name, count in Counter(names).items() if count > 1]:
        raise PluginError(f"it offers a {min(twice)} twice")
    return offers


def _answer(
    manager: pluggy.PluginManager, kind: Kind, others: set[ModuleType]
) -> Iterator[Any]:
    """The checked things that a hook returns in the one plugin that is not among *others*."""
    answers = manager.subset_hook_caller(kind.hook, others)()
    if not answers:  # pluggy drops None
        raise PluginError(f"{kind.hook} returns None; return () for nothing")
    for number, offer in enumerate(answers[0]):
        if number == _MOST_THINGS:
            raise PluginError(f"{kind.hook} returns more than {_MOST_THINGS} objects")
        check_thing(kind.name, offer)
        yield offer


def check_thing(kind_name: str, offer: Any) -> None:
    """
    Refuse a thing that a plugin must not offer as *kind_name*.

    Raises:
        PluginError: the message says why.
    """
    kind = kind_of(kind_name)
    name = getattr(offer, "name", None)
    if not isinstance(name, str):
        raise PluginError(f"it offers a {kind_name} without a name: {offer!r}")
    summary = getattr(offer, "summary", None)
    if not isinstance(summary, str):
        raise PluginError(f"it offers a {kind_name} without a summary: {name!r}")
    if not summary.isprintable():
        raise PluginError(f"the summary of {kind_name} {name} is not one printable line")
    if not re.fullmatch(r"[a-z0-9][a-z0-9.:-]*", name) or name == "native":
        raise PluginError(
            f"it offers a {kind_name} called {name!r}: not lower case with dashes"
        )
    _check_type(kind, offer)
    kind.check(offer)


def _check_type(kind: Kind, offer: Any) -> None:
    """An instance of the kind's class; of a Protocol, something with all its members."""
    expected = kind.type_of(offer)
    if Protocol in expected.__bases__:
        if missing := missing_members(expected, offer):
            raise PluginError(
                f"it offers a {kind.name} without {', '.join(missing)}: {offer.name!r}"
            )
    elif not isinstance(offer, expected):
        raise PluginError(
            f"it offers a {kind.name} that is not a {expected.__name__}: {offer!r}"
        )
