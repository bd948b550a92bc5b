"""The bundled cost profile, written back with one thing changed."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Any

import pvbench_deliver_model
from pvbench_deliver_model.cost_file import read
from pvbench_deliver_model.cost_profile import CostProfile

COST_PROFILES = Path(pvbench_deliver_model.__file__).parent / "cost_profiles"
GONE = object()


def toml_value(value: Any) -> str:
    """A value as TOML spells it."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{k} = {toml_value(v)}" for k, v in value.items()) + "}"
    return repr(value) if type(value) is float else json.dumps(value)


def toml_of(data: dict[str, Any]) -> str:
    """Tables of one line for each entry; the rest before them."""
    lines = [f"{k} = {toml_value(v)}" for k, v in data.items() if not isinstance(v, dict)]
    for name, table in data.items():
        if isinstance(table, dict):
            lines += [f"[{name}]", *(f"{k} = {toml_value(v)}" for k, v in table.items())]
    return "\n".join(lines) + "\n"


def bundled_data() -> dict[str, Any]:
    """The bundled cost profile as its author wrote it."""
    return tomllib.loads((COST_PROFILES / "skylake-2018.toml").read_text())


def changed_file(folder: Path, dotted: str, value: object) -> str:
    """The bundled cost profile with one key changed, added or (GONE) removed."""
    data = table = bundled_data()
    *parents, last = dotted.split(".")
    for name in parents:
        table = table[name]
    if value is GONE:
        del table[last]
    else:
        table[last] = value
    path = folder / "mine.toml"
    path.write_text(toml_of(data))
    return str(path)


def number(value: float, **fields: Any) -> dict[str, Any]:
    """One entry of a cost profile's tables."""
    entry = {"value": value, "unit": "cycles", "confidence": "A", "source": "a test"}
    return entry | fields


def laid_over(folder: Path, **changed: Any) -> CostProfile:
    """A file laid over ``skylake-2018`` and read; GONE leaves a key out."""
    header = {"base": "skylake-2018", "base_machine": "other"}
    data = {k: v for k, v in (header | changed).items() if v is not GONE}
    path = folder / "mine.toml"
    path.write_text(toml_of(data))
    return read(str(path))
