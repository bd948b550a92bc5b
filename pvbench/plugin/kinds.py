"""
The kinds of things that plugins offer: one row for each.

The validation, the tables of the registry and `pvbench list` follow from a row.
A new kind is a row here, and a hookspec with its docstring.  What a thing of the
kind has to do beyond its type is checked in `pvbench.testing`.
This module imports nothing heavy, because `--help` needs it.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any, Final, NamedTuple

from pvbench.errors import PluginError

Columns = Callable[[Any], dict[str, str]]
Check = Callable[[Any], None]


def _no_columns(offer: Any) -> dict[str, str]:
    return {}


def _no_more_checks(offer: Any) -> None:
    pass


class Kind(NamedTuple):
    """
    One kind of thing.

    Args:
        name: the word for one of them, ``sender``.
        plural: the word for several.
        type_path: ``module:class`` of what an answer must be.  If the class is a
            Protocol, an answer must have all its members.
        columns: cells of `pvbench list` by heading, besides name and summary.
        check: raises PluginError for what its type cannot refuse.
    """

    name: str
    plural: str
    type_path: str
    columns: Columns = _no_columns
    check: Check = _no_more_checks

    @property
    def hook(self) -> str:
        """The hook that offers this kind."""
        return f"pvbench_{self.plural}"

    @property
    def type(self) -> Any:
        """The class or Protocol of this kind, imported when it is needed."""
        module, _, name = self.type_path.partition(":")
        return getattr(import_module(module), name)


def kind_of(name: str) -> Kind:
    """The row of the kind called *name*."""
    return next(kind for kind in KINDS if kind.name == name)


def _workload_columns(workload: Any) -> dict[str, str]:
    return {"name": workload.form}


def _check_workload(workload: Any) -> None:
    if ":" in workload.name:
        raise PluginError(f"workload {workload.name!r} has a colon, which separates parameters")
    first = next(iter(workload.parameters.values()), 0)
    if type(first) is not int:
        raise PluginError(
            f"the first parameter of {workload.name} is {first!r}, which is not a number"
        )
    _, *defaults = workload.spec.split(":")
    if workload.bind(defaults) != workload:
        raise PluginError(
            f"the defaults of {workload.name} cannot be written as text: {workload.spec}"
        )


def _sender_columns(sender: Any) -> dict[str, str]:
    if hasattr(sender, "apic_mode"):
        return {"kind": "driver", "overrides": "all"}
    return {"kind": "overlay", "overrides": " ".join(sender.overrides())}


def _check_sender(sender: Any) -> None:
    from pvbench.guest import HYPERCALL_ABIS
    from pvbench.sender import MECHANISMS

    _check_choice(sender, "mechanism", MECHANISMS)
    _check_choice(sender, "hypercall_abi", (None, *HYPERCALL_ABIS))


def _delivery_columns(delivery: Any) -> dict[str, str]:
    return {
        "cost profiles": ", ".join(delivery.cost_profiles()) or "-",
    }


def _check_choice(offer: Any, field: str, choices: tuple[Any, ...]) -> None:
    value = getattr(offer, field)
    if value not in choices:
        listing = ", ".join(map(str, choices))
        raise PluginError(f"{offer.name}.{field} is {value!r}, not one of {listing}")


def _suite_columns(suite: Any) -> dict[str, str]:
    return {"version": str(suite.version)}


def _usable(offer: Any) -> dict[str, str]:
    return {"usable": offer.why_unavailable() or "yes"}


# In life-cycle order, as the hookspecs.
KINDS: Final = (
    Kind(
        "workload",
        "workloads",
        "pvbench.workload:Workload",
        _workload_columns,
        _check_workload,
    ),
    Kind("sender", "senders", "pvbench.sender:Sender", _sender_columns, _check_sender),
    Kind(
        "delivery",
        "deliveries",
        "pvbench.delivery:Delivery",
        _delivery_columns,
    ),
    Kind("site", "sites", "pvbench.site:Site", _usable),
    Kind("suite", "suites", "pvbench.suite:Suite", _suite_columns),
    Kind("command", "commands", "pvbench.command:Command"),
)
