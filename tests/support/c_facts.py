"""Facts of a header according to a C compiler, and of the same structs in ctypes."""

from __future__ import annotations

import ast
import inspect
import shutil
import subprocess
from collections.abc import Iterable, Iterator
from ctypes import Array, Structure, Union, sizeof
from pathlib import Path
from types import ModuleType
from typing import Any

from support.guest_native import GUEST, built
from support.helpers import DEADLINE_S
from support.require import skip_without

Struct = type[Structure] | type[Union]


def needs_c(header: str) -> None:
    """Skip the test where no compiler has *header*."""
    skip_without("kvm", _reason_to_skip(header), means=True)


def _reason_to_skip(header: str) -> str | None:
    compiler = shutil.which("cc")
    if compiler is None:
        return "no C compiler (cc) on this machine"
    output = subprocess.run(
        [compiler, "-E", "-I", GUEST, "-include", header, "-x", "c", "/dev/null"],
        capture_output=True,
        check=False,
        timeout=DEADLINE_S,
    )
    return f"cc finds no <{header}> on this machine" if output.returncode else None


def declarations(folder: Path, header: str) -> str:
    """*header* without comments, its macros used and, in lines with a #, defined."""
    options = ("-E", "-P", "-dD", "-include", header, "-x", "c", "/dev/null")
    return built(folder / "header.i", *options).read_text()


def c_values(folder: Path, header: str, expressions: Iterable[str]) -> dict[str, int]:
    """Each expression of C with its value."""
    names = sorted(set(expressions))
    includes = "".join(f"#include <{name}>\n" for name in ("stddef.h", "stdio.h", header))
    prints = "".join(f'\tprintf("%lld\\n", (long long)({asks}));\n' for asks in names)
    source = folder / "values.c"
    source.write_text(f"{includes}int main(void)\n{{\n{prints}\treturn 0;\n}}\n")
    program = built(folder / "values", source)
    out = subprocess.run(
        [program], capture_output=True, check=True, text=True, timeout=DEADLINE_S
    )
    return dict(zip(names, map(int, out.stdout.split()), strict=True))


def own_names(module: ModuleType) -> dict[str, Any]:
    """The names that *module* itself defines."""
    imports = [
        node
        for node in ast.walk(ast.parse(inspect.getsource(module)))
        if isinstance(node, ast.Import | ast.ImportFrom)
    ]
    foreign = {name.asname or name.name for node in imports for name in node.names}
    return {
        name: value
        for name, value in vars(module).items()
        if name not in foreign and not name.startswith("__")
    }


def members(struct: Struct, path: str = "", offset: int = 0) -> Iterator[tuple[str, int, Any]]:
    """(path, offset, type) of each field, those of nested structs included."""
    anonymous = getattr(struct, "_anonymous_", ())
    for name, kind, *_ in struct._fields_:
        place = offset + getattr(struct, name).offset
        if name not in anonymous:
            yield path + name, place, kind
        if issubclass(kind, Structure | Union):
            prefix = path if name in anonymous else f"{path}{name}."
            yield from members(kind, prefix, place)


def struct_facts(name: str, struct: Struct) -> dict[str, int]:
    """Expressions about ``struct NAME`` of C, with the values ctypes has for them."""
    facts = {f"sizeof(struct {name})": sizeof(struct)}
    for path, offset, kind in members(struct):
        field = f"((struct {name} *)0)->{path}"
        facts[f"offsetof(struct {name}, {path})"] = offset
        facts[f"sizeof({field})"] = sizeof(kind)
        facts |= _scalar_facts(field, kind)
    return facts


def _scalar_facts(field: str, kind: Any) -> dict[str, int]:
    if issubclass(kind, Array):
        element = f"{field}[0]"
        return {f"sizeof({element})": sizeof(kind._type_)} | _scalar_facts(element, kind._type_)
    if issubclass(kind, Structure | Union) or sizeof(kind) == 1:  # C's char has any sign
        return {}
    return {f"(__typeof__({field}))-1 < 0": kind(-1).value < 0}
