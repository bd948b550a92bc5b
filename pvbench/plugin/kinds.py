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
        family_path: the same for an answer that has ``at``, which takes an address.
        columns: cells of `pvbench list` by heading, besides name and summary.
        check: raises PluginError for what its type cannot refuse.
    """

    name: str
    plural: str
    type_path: str
    columns: Columns = _no_columns
    check: Check = _no_more_checks
    family_path: str = ""

    @property
    def hook(self) -> str:
        """The hook that offers this kind."""
        return f"pvbench_{self.plural}"

    @property
    def type(self) -> Any:
        """The class or Protocol of this kind, imported when it is needed."""
        return _named(self.type_path)

    def type_of(self, offer: Any) -> Any:
        """The class or Protocol that *offer* must have."""
        return _named(self.family_path) if self.family_path and is_family(offer) else self.type


def is_family(offer: Any) -> bool:
    """Whether *offer* stands for the things at different addresses."""
    return hasattr(offer, "at")


def _named(path: str) -> Any:
    module, _, name = path.partition(":")
    return getattr(import_module(module), name)


def members(protocol: type) -> list[str]:
    """Names of the attributes and methods that *protocol* asks for."""
    declared = dict.fromkeys([*getattr(protocol, "__annotations__", {}), *vars(protocol)])
    return [name for name in declared if not name.startswith("_")]


def missing_members(protocol: type, offer: Any) -> list[str]:
    """The members of *protocol* that *offer* lacks."""
    return [name for name in members(protocol) if not hasattr(offer, name)]


def kind_of(name: str) -> Kind:
    """The row of the kind called *name*."""
    return next(kind for kind in KINDS if kind.name == name)


def _workload_columns(workload: Any) -> dict[str, str]:
    return {"name": workload.form}


def _check_workload(workload: Any) -> None:
    if ":" in workload.name:
        raise PluginError(f"workload {workload.name!r} has a colon, which separates parameters")
    first = next(iter(workload.parameters.values()), 0)
    if type(first) is not int and workload.sends is None:
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


def _reader_columns(reader: Any) -> dict[str, str]:
    return {"masks": reader.masks or "-", "tool": reader.name_of_tool or "-"}


def _benchmark_columns(benchmark: Any) -> dict[str, str]:
    return {"title": benchmark.title}


def _site_columns(site: Any) -> dict[str, str]:
    form = getattr(site, "form", site.name)
    return {"name": form, "usable": site.why_unavailable() or "yes"}


def _check_site(site: Any) -> None:
    if ":" in site.name:
        raise PluginError(f"site {site.name!r} has a colon, which separates an address")
    form = getattr(site, "form", None) if is_family(site) else f"{site.name}:ADDRESS"
    if not isinstance(form, str) or not form.isprintable():
        raise PluginError(f"the form of site {site.name} is not one printable line")
    if not form.startswith(f"{site.name}:"):
        raise PluginError(f"the form of site {site.name} is {form!r}, not {site.name}:ADDRESS")


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
    Kind(
        "site",
        "sites",
        "pvbench.site:Site",
        _site_columns,
        _check_site,
        "pvbench.site:SiteFamily",
    ),
    Kind("suite", "suites", "pvbench.suite:Suite", _suite_columns),
    Kind("reader", "readers", "pvbench.recording.reader:Reader", _reader_columns),
    Kind("benchmark", "benchmarks", "pvbench.benchmark_text:BenchmarkText", _benchmark_columns),
    Kind("format", "formats", "pvbench.format:Format"),
    Kind("command", "commands", "pvbench.command:Command"),
)
