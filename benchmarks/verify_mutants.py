"""
Draw mutants of the decoder and of the model's execution, and kill them by stored outcomes.

usage: python benchmarks/verify_mutants.py [--mutants 25] [--seed 1] FILE...

A mutant is one small change of a file.  It is killed if `pvbench verify --judge FILE...`
finds a disagreement, fails, or does not end; one of the model, if 2000 random programs do
so on it.  Code for hypercalls that no stock KVM serves is left out.
"""

from __future__ import annotations

import argparse
import ast
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from random import Random
from typing import Final

import attrs

ROOT: Final = Path(__file__).parents[1]
SOURCES: Final = (
    *sorted((ROOT / "pvbench/decode").glob("*.py")),
    ROOT / "plugins/pvbench_deliver_model/execution.py",
)
# Proposals that were never merged, Xen's calls, the IPIs of a running Linux, and APIC IDs
# above those that KVM allows.
NOT_SERVED: Final = ("_kvm_v3", "_kvm_cluster", "_xen", "_kernel", "HANDLERS", "_binary_search")
MODEL: Final = ("--count", "2000", "--seed", "78", "-q", "-o", "model.json")
LIMIT_S: Final = 600
_COMPARED: Final[dict[type[ast.cmpop], str]] = {
    ast.Eq: "!=",
    ast.NotEq: "==",
    ast.Lt: "<=",
    ast.LtE: "<",
    ast.Gt: ">=",
    ast.GtE: ">",
    ast.In: "not in",
    ast.NotIn: "in",
    ast.Is: "is not",
    ast.IsNot: "is",
}
_COMPUTED: Final[dict[type[ast.operator], str]] = {
    ast.Add: "-",
    ast.Sub: "+",
    ast.Mult: "//",
    ast.FloorDiv: "*",
    ast.Mod: "*",
    ast.BitOr: "&",
    ast.BitAnd: "|",
    ast.LShift: ">>",
    ast.RShift: "<<",
}


@attrs.frozen
class Mutant:
    """A file with other bytes from *start* to *end*."""

    path: str
    start: int
    end: int
    new: str

    @property
    def text(self) -> bytes:
        """The changed file."""
        content = (ROOT / self.path).read_bytes()
        return content[: self.start] + self.new.encode() + content[self.end :]

    def __str__(self) -> str:
        content = (ROOT / self.path).read_bytes()
        line = content[: self.start].count(b"\n") + 1
        old = " ".join(content[self.start : self.end].decode().split())
        return f"{self.path}:{line}: `{old}` -> `{self.new}`"


def mutants_of(path: Path) -> Iterator[Mutant]:
    """Every mutant of a file that can be compiled."""
    content = path.read_bytes()
    starts = [0]
    for line in content.splitlines(keepends=True):
        starts.append(starts[-1] + len(line))
    for node, new in _changes(ast.parse(content), content.decode()):
        start = starts[node.lineno - 1] + node.col_offset
        end = starts[(node.end_lineno or 0) - 1] + (node.end_col_offset or 0)
        mutant = Mutant(str(path.relative_to(ROOT)), start, end, new)
        try:
            compile(mutant.text, str(path), "exec")
        except SyntaxError:
            continue
        yield mutant


def _changes(tree: ast.AST, source: str) -> Iterator[tuple[ast.expr, str]]:
    """The expressions of *tree* and what each may become."""
    pending = [tree]
    while pending:
        node = pending.pop()
        if _is_left_out(node):
            continue
        pending += _children(node)
        for expression, new in _replacements(node, source):
            if new:
                yield expression, new


def _is_left_out(node: ast.AST) -> bool:
    """Whether nothing below *node* is changed: text, mere names, code that KVM cannot show."""
    match node:
        case ast.FunctionDef(name=name) | ast.AnnAssign(target=ast.Name(id=name)):
            return name in NOT_SERVED
        case ast.ClassDef(bases=[ast.Name(id="IntEnum")]) | ast.JoinedStr():
            return True
        case ast.If(test=ast.Name(id="TYPE_CHECKING")):
            return True
        case _:
            return False


def _children(node: ast.AST) -> Iterator[ast.AST]:
    """The nodes below *node*, without annotations, decorators and statements of a value."""
    for name, value in ast.iter_fields(node):
        if name not in ("annotation", "returns", "decorator_list"):
            values = value if isinstance(value, list) else [value]
            yield from (one for one in values if isinstance(one, ast.AST))


def _replacements(node: ast.AST, source: str) -> Iterator[tuple[ast.expr, str]]:
    def text(part: ast.expr) -> str:
        return f"({ast.get_source_segment(source, part)})"

    match node:
        case ast.Compare(left, [op], [right]):
            yield node, f"({text(left)} {_COMPARED[type(op)]} {text(right)})"
        case ast.BoolOp(op, values):
            word = " or " if isinstance(op, ast.And) else " and "
            yield node, f"({word.join(map(text, values))})"
        case ast.BinOp(left, op, right) if type(op) in _COMPUTED:
            yield node, f"({text(left)} {_COMPUTED[type(op)]} {text(right)})"
        case ast.Constant(value=bool() as value):
            yield node, str(not value)
        case ast.Constant(value=int() as value):
            yield node, str(value + 1)
        case ast.IfExp(test, body, orelse):
            yield node, f"({text(orelse)} if {text(test)} else {text(body)})"
        case ast.If(test=test) | ast.While(test=test):
            yield test, f"(not {text(test)})"
        case ast.Return(value=ast.expr() as value):
            yield value, "None"


class Tree:
    """A copy of pvbench and its plugins, in which files are changed one after another."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        for name in ("pvbench", "plugins", "suites"):
            shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("*.pyc"))

    def status(self, mutant: Mutant, files: Sequence[str]) -> int | None:
        """The exit status of `pvbench verify` with *mutant*; None if it does not end."""
        path = self._folder / mutant.path
        before = path.read_bytes()
        path.write_bytes(mutant.text)
        try:
            if "deliver_model" in mutant.path:
                return self._verify("--delivery", "model", *MODEL)
            return self._verify("--judge", *files)
        except subprocess.TimeoutExpired:
            return None
        finally:
            path.write_bytes(before)

    def _verify(self, *options: str) -> int:
        paths = os.pathsep.join(f"{self._folder}{name}" for name in ("", "/plugins", "/suites"))
        return subprocess.run(
            [sys.executable, "-m", "pvbench", "verify", *options],
            env=os.environ | {"PYTHONPATH": paths, "PYTHONDONTWRITEBYTECODE": "1"},
            cwd=self._folder,
            capture_output=True,
            check=False,
            timeout=LIMIT_S,
        ).returncode


def main() -> None:
    """Draw mutants and print what became of each."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mutants", type=int, default=25)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("files", nargs="+", metavar="FILE")
    options = parser.parse_args()
    files = [str(Path(name).resolve()) for name in options.files]
    pool = [mutant for path in SOURCES for mutant in mutants_of(path)]
    random = Random(options.seed)  # noqa: S311 - no secrets
    drawn = random.sample(pool, min(options.mutants, len(pool)))
    survivors = 0
    with tempfile.TemporaryDirectory() as folder:
        tree = Tree(Path(folder))
        for mutant in drawn:
            status = tree.status(mutant, files)
            survivors += status == 0
            print("survives" if status == 0 else f"killed ({status})", mutant, flush=True)
    print(f"{len(drawn) - survivors} of {len(drawn)} killed, of {len(pool)} mutants")


if __name__ == "__main__":
    main()
