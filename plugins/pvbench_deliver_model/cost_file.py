"""
Cost profiles as TOML files, in which each number has a unit, a source and a confidence.

Only the manager reads them; a worker gets the numbers.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Final

from pvbench.errors import UsageError, not_readable, unknown
from pvbench.host.files import read_regular
from pvbench.shapes import toml_value
from pvbench_deliver_model import cost_values
from pvbench_deliver_model.cost_profile import (
    COSTS,
    LOCAL_APICS,
    RATIOS,
    Cost,
    CostProfile,
)

DEFAULT: Final = "skylake-2018"
_FOLDER: Final = Path(__file__).parent / "cost_profiles"
_ABOVE_0: Final = ("loop_overhead", "local_call_entry")  # each one alone makes a series
_PS: Final = {"ps": 1, "ns": 1_000, "us": 1_000_000}
_HEAD: Final = {"title", "tsc_hz", "tsc_hz_source", "features", "costs", "ratios"}
_BASE: Final = {"base", "base_machine"}
_FORMS: Final = {
    "host_linux": (re.compile(r"[0-9]{1,3}\.[0-9]{1,3}"), "a version of Linux, such as '6.17'"),
    "cpu_family": (
        re.compile(r"(AMD|Hygon|Intel) [0-9A-F]{2}h"),
        "a vendor and a family, such as 'AMD 17h'",
    ),
}
_FIELDS: Final = {"value", "unit", "confidence", "source"}
_OPTIONAL_FIELDS: Final = {"range", "fitted"}


def bundled() -> tuple[str, ...]:
    """Names of the cost profiles that come with pvbench."""
    return tuple(sorted(path.stem for path in _FOLDER.glob("*.toml")))


def read(
    name_or_file: str,
    content: bytes | None = None,
    values: Mapping[str, float] | None = None,
) -> CostProfile:
    """
    Read a bundled cost profile by name, or a user's TOML file.

    The file is not opened if its *content* is given: it may be on another machine.  Numbers
    in *values* replace those of the file.

    Raises:
        UsageError: it does not exist, or a number in it is invalid.
    """
    path = _path(name_or_file)
    data, raw = _with_base(path, _bytes_of(path) if content is None else content)
    profile = _parse(path, data, hashlib.sha256(raw).hexdigest())
    if not values:
        return profile
    data = cost_values.content_with(data, values)
    sha256 = hashlib.sha256(raw + cost_values.bytes_of(values)).hexdigest()
    return cost_values.marked(_parse(path, data, sha256), data, values)


def _path(name_or_file: str) -> Path:
    path = Path(name_or_file)
    if path.suffix == ".toml":
        return path
    if name_or_file not in bundled():
        listing = f"Use one of {', '.join(bundled())}, or a file that ends in .toml."
        raise unknown("cost profile", name_or_file, bundled(), listing)
    return _FOLDER / f"{name_or_file}.toml"


def _bytes_of(path: Path) -> bytes:
    try:
        return read_regular(path)
    except OSError as error:
        raise not_readable(f"cost profile {path}", error) from None


def _toml(path: Path, raw: bytes) -> dict[str, Any]:
    try:
        return toml_value(raw)
    except ValueError as error:
        raise UsageError(f"cost profile {path} is not TOML", why=str(error)) from None


def _with_base(path: Path, raw: bytes) -> tuple[dict[str, Any], bytes]:
    """Return a cost profile completed from its bundled base, and the bytes of both."""
    data = _toml(path, raw)
    if not _BASE & set(data):
        return data, raw
    where = f"cost profile {path.name}"
    if missing := sorted(_BASE - set(data)):
        fix = "Give base and base_machine, or neither."
        raise UsageError(f"{where} lacks {missing[0]}", fix=fix)
    name, machine = data.pop("base"), data.pop("base_machine")
    if name not in bundled():
        listing = f"Use one of {', '.join(bundled())}."
        raise unknown("cost profile", str(name), bundled(), listing)
    if machine not in ("same", "other"):
        raise _bad_value(f"{where}, base_machine", machine, "same or other")
    base_path = _path(name)
    base, base_bytes = _with_base(base_path, _bytes_of(base_path))
    for table in ("costs", "ratios"):
        inherited = base[table]
        if machine == "other":
            inherited = {key: _assumed(entry, name) for key, entry in inherited.items()}
        data[table] = inherited | _table(where, {table: {}} | data, table)
    data["features"] = base["features"] | _table(where, {"features": {}} | data, "features")
    return base | data, base_bytes + raw


def _assumed(entry: dict[str, Any], name: str) -> dict[str, Any]:
    """Mark a number of another machine as assumed for this one."""
    fields = {key: value for key, value in entry.items() if key != "fitted"}
    return fields | {"confidence": "C", "source": f"of {name}: {entry['source']}"}


def _parse(path: Path, data: dict[str, Any], sha256: str) -> CostProfile:
    where = f"cost profile {path.name}"
    _same_keys(where, data, _HEAD, _BASE)
    features = _features(where, _table(where, data, "features"))
    units = _units(where, data)
    costs = _costs(where, _table(where, data, "costs"), COSTS, units)
    for name in _ABOVE_0:
        if not round(costs[name].ps):
            value = data["costs"][name]["value"]
            raise _bad_value(f"{where}, {name}.value", value, "at least 1 ps")
    return CostProfile(
        name=path.stem,
        title=str(data["title"]),
        sha256=sha256,
        **features,
        costs=costs,
        ratios=_ratios(where, _table(where, data, "ratios")),
    )


def _features(where: str, features: dict[str, Any]) -> dict[str, Any]:
    """Return the features of the host."""
    _same_keys(f"{where}, [features]", features, {"local_apic", "pv_eoi", *_FORMS})
    if type(features["pv_eoi"]) is not bool:
        raise _bad_value(f"{where}, features.pv_eoi", features["pv_eoi"], "true or false")
    local_apic = features["local_apic"]
    if local_apic not in LOCAL_APICS:
        why = f"one of {', '.join(LOCAL_APICS)}"
        raise _bad_value(f"{where}, features.local_apic", local_apic, why)
    for name, (form, why) in _FORMS.items():
        if not (isinstance(features[name], str) and form.fullmatch(features[name])):
            raise _bad_value(f"{where}, features.{name}", features[name], why)
    return features


def _units(where: str, data: dict[str, Any]) -> dict[str, float]:
    """Return the picoseconds of each unit."""
    tsc_hz = data["tsc_hz"]
    if type(tsc_hz) is not int or not 10**6 <= tsc_hz <= 10**11:
        raise _bad_value(f"{where}, tsc_hz", tsc_hz, "a frequency in Hz, 1e6 to 1e11")
    if not isinstance(data["tsc_hz_source"], str) or not data["tsc_hz_source"]:
        raise _bad_value(
            f"{where}, tsc_hz_source", data["tsc_hz_source"], "the source of the number"
        )
    return {unit: float(ps) for unit, ps in _PS.items()} | {"cycles": 10**12 / tsc_hz}


def _ratios(where: str, table: dict[str, Any]) -> dict[str, Cost]:
    ratios = _costs(where, table, RATIOS, {"ratio": 1.0})
    for name in ("halt_poll_grow", "halt_poll_shrink"):
        if ratios[name].ps != int(ratios[name].ps):
            raise _bad_value(
                f"{where}, {name}.value", ratios[name].ps, "a whole number, as in KVM"
            )
    parts = {"exit_entry_share": "exit", "direct_entry_share": "write", "stagger": "iteration"}
    for name, operation in parts.items():
        if ratios[name].ps > 1:
            why = f"a part of one {operation}, 0 to 1"
            raise _bad_value(f"{where}, {name}.value", ratios[name].ps, why)
    return ratios


def _table(where: str, data: dict[str, Any], name: str) -> dict[str, Any]:
    table = data[name]
    if not isinstance(table, dict):
        raise _bad_value(f"{where}, {name}", table, f"a table [{name}]")
    return table


def _costs(
    where: str, table: dict[str, Any], names: dict[str, str], units: dict[str, float]
) -> dict[str, Cost]:
    _same_keys(where, table, set(names))
    return {name: _cost(f"{where}, {name}", table[name], units) for name in names}


def _cost(where: str, entry: Any, units: dict[str, float]) -> Cost:
    if not isinstance(entry, dict):
        raise _bad_value(where, entry, "a table with value, unit, confidence and source")
    _same_keys(where, entry, _FIELDS, _OPTIONAL_FIELDS)
    value = entry["value"]
    if type(value) not in (int, float) or not 0 <= value < 10**12:
        raise _bad_value(f"{where}.value", value, "a number from 0 to 1e12")
    if not isinstance(entry["unit"], str) or entry["unit"] not in units:
        raise _bad_value(f"{where}.unit", entry["unit"], f"one of {', '.join(units)}")
    if entry["confidence"] not in ("A", "B", "C"):
        raise _bad_value(f"{where}.confidence", entry["confidence"], "A, B or C")
    if not isinstance(entry["source"], str) or not entry["source"]:
        raise _bad_value(f"{where}.source", entry["source"], "the source of the number")
    if type(entry.get("fitted", False)) is not bool:
        raise _bad_value(f"{where}.fitted", entry["fitted"], "true or false")
    return Cost(
        ps=value * units[entry["unit"]],
        confidence=entry["confidence"],
        source=entry["source"],
        fitted=entry.get("fitted", False),
    )


def _same_keys(
    where: str,
    table: dict[str, Any],
    required: set[str],
    optional: set[str] = frozenset(),  # type: ignore[assignment]
) -> None:
    extra = sorted(set(table) - required - optional)
    if extra:
        nearest = get_close_matches(extra[0], sorted(required | optional), n=1)
        hint = f"Did you mean {nearest[0]!r}?" if nearest else "Remove it."
        raise UsageError(f"{where} has an unknown key {extra[0]!r}", fix=hint)
    if missing := sorted(required - set(table)):
        raise UsageError(
            f"{where} lacks {', '.join(missing)}",
            fix="Start from a copy of a bundled cost profile.",
        )


def _bad_value(where: str, value: object, why: str) -> UsageError:
    return UsageError(f"{where} is {value!r}, not {why}")
