"""
Check that the guest executes the same instructions in its measured window as before.

    python benchmarks/guest_window.py BEFORE [AFTER]

BEFORE and AFTER are git revisions or directories of guest sources; AFTER defaults to the
working tree.  Both guests are compiled with the flags of the kvm delivery and disassembled.
The check compares a source from its first time stamp on, the entry of a vector and its
handler, every callback of a sender, and every function that one of these calls.  Addresses,
alignment and the names and order of functions are ignored: a jump is compared by the
instructions it leads to, a call by the function it reaches.
"""

from __future__ import annotations

import argparse
import re
import sys
import tempfile
from collections.abc import Iterator, Sequence
from difflib import unified_diff
from pathlib import Path
from typing import Final

from guest_image import GUEST, ROOT, Image, guest_of
from pvbench_deliver_kvm.vmm.layout import IMAGE_BASE, STUBS_BASE

VECTOR_ENTRY: Final = STUBS_BASE + 16 * 0xFD
NO_SUCCESSOR: Final = ("ret", "iretq", "ud2")
PADDING: Final = re.compile(r"(cs |data16 )*nop|xchg +%ax,%ax$")
TARGET: Final = re.compile(r"^([0-9a-f]+) <")
ADDRESS: Final = re.compile(r"0x(1[0-9a-f]{5})\b")


class Listing:
    """
    The instructions from an address on, and those of every function they call.

    Attributes:
        functions: addresses, the first address first; a call names its target by its
            number in this list.
        texts: one for each function; equal texts are equal instructions.
    """

    def __init__(self, image: Image, start: int) -> None:
        self._image = image
        self.functions = [start]
        self.texts = [self._text(function) for function in self.functions]

    def names(self) -> list[str]:
        """The names of the functions."""
        image = self._image
        return [image.functions[image.function_of(address)] for address in self.functions]

    def first_stamp(self) -> int:
        """The address of the first time stamp of the first function."""
        return next(filter(self._image.is_stamp, self._walk(self.functions[0])))

    def _text(self, function: int) -> str:
        order = {address: number for number, address in enumerate(self._walk(function))}
        lines = []
        for address, number in order.items():
            successors = [order[successor] for successor in self._successors(address)]
            arrow = "" if successors == [number + 1] else f"  -> {successors}"
            lines.append(self._normalised(self._image.code[address]) + arrow)
        return "\n".join(lines)

    def _walk(self, start: int) -> Iterator[int]:
        """Addresses in an order that depends on the flow of control only."""
        visited: set[int] = set()
        pending = [self._resolved(start)]
        while pending:
            address = pending.pop()
            if address not in visited:
                visited.add(address)
                yield address
                pending += reversed(self._successors(address))

    def _successors(self, address: int) -> list[int]:
        image = self._image
        mnemonic, _, operands = image.code[address].partition(" ")
        operands = operands.strip()
        if mnemonic in NO_SUCCESSOR:
            return []
        if mnemonic == "jmp":  # a direct jump here leaves the function
            return [self._resolved(target) for target in self._jump_table(address, operands)]
        successors = [image.following[address]]
        if mnemonic.startswith("j"):
            successors.append(_target(operands))
        if address in image.fixups:
            successors.append(image.fixups[address])
        return [self._resolved(successor) for successor in successors]

    def _jump_table(self, address: int, operands: str) -> Iterator[int]:
        """Targets of an indirect jump: words that lead into the function."""
        image = self._image
        table = ADDRESS.search(operands)
        if not operands.startswith("*") or table is None:
            return
        entry = int(table[1], 16)
        function = image.function_of(address)
        while (target := image.word(entry)) in image.code:
            if image.function_of(target) != function:
                break
            yield target
            entry += 8

    def _resolved(self, address: int) -> int:
        """The instruction that is executed next; a jump inside a function is none."""
        while True:
            mnemonic, _, operands = self._image.code[address].partition(" ")
            if PADDING.match(self._image.code[address]):
                address = self._image.following[address]
            elif mnemonic == "jmp" and not self._leaves(address, operands.strip()):
                address = _target(operands.strip())
            else:
                return address

    def _leaves(self, address: int, operands: str) -> bool:
        if operands.startswith("*"):
            return True
        target = _target(operands)
        other = target != self._image.function_of(address)
        return other and target in self._image.functions

    def _normalised(self, instruction: str) -> str:
        mnemonic, _, operands = instruction.partition(" ")
        operands = operands.strip()
        if mnemonic in ("call", "jmp") and not operands.startswith("*"):
            return f"{mnemonic} {self._reference(_target(operands))}"
        if mnemonic.startswith("j"):
            return (
                f"{mnemonic} {ADDRESS.sub('table', operands)}" if "*" in operands else mnemonic
            )
        text = ADDRESS.sub(lambda match: self._reference(int(match[1], 16)), operands)
        return f"{mnemonic} {text}"

    def _reference(self, address: int) -> str:
        image = self._image
        if not STUBS_BASE <= address <= IMAGE_BASE + len(image.memory):
            return hex(address)
        if address in image.objects:
            offset = address - IMAGE_BASE
            return f"[{image.memory[offset : offset + image.objects[address]].hex()}]"
        if address not in image.code:
            return image.labels[address]
        function = image.function_of(address)
        if function not in self.functions:
            self.functions.append(function)
        offset = address - function
        return f"function {self.functions.index(function)}" + (f"+{offset}" if offset else "")


def _target(operands: str) -> int:
    match = TARGET.match(operands)
    assert match, operands
    return int(match[1], 16)


def paths(image: Image) -> dict[str, Listing]:
    """The source and the handler."""
    source = Listing(image, image.source_function())
    return {
        "source": Listing(image, source.first_stamp()),
        "handler": Listing(image, VECTOR_ENTRY),
    }


def difference(before: Listing, after: Listing) -> str:
    """The first function that differs, as a diff; "" if all are equal."""
    for old, new, name in zip(before.texts, after.texts, after.names(), strict=False):
        if old != new:
            lines = unified_diff(
                old.splitlines(), new.splitlines(), "before", name, lineterm=""
            )
            return "\n".join(lines)
    return "" if len(before.texts) == len(after.texts) else "one side calls more functions"


def compare_paths(before: Image, after: Image) -> bool:
    """Print how the source and the handler compare; whether they are equal."""
    olds, news = paths(before), paths(after)
    for name, new in news.items():
        text = difference(olds[name], new)
        pairs = zip(olds[name].names(), new.names(), strict=False)
        print(f"{name}: {text or 'equal'}")
        for old_name, new_name in pairs if not text else ():
            print(f"    {old_name} = {new_name}")
    return all(olds[name].texts == new.texts for name, new in news.items())


def compare_callbacks(before: Image, after: Image) -> bool:
    """Print which callback equals which; whether each has its equal on the other side."""
    olds, news = (_callbacks(image) for image in (before, after))
    for text in {**news, **olds}:
        equal = text in news and text in olds
        sides = (" ".join(side.get(text, ["none"])) for side in (olds, news))
        print("    " + (" = " if equal else " is not ").join(sides))
    return olds.keys() == news.keys()


def _callbacks(image: Image) -> dict[tuple[str, ...], list[str]]:
    """Names by instructions."""
    names: dict[tuple[str, ...], list[str]] = {}
    for start in image.callbacks():
        listing = Listing(image, start)
        names.setdefault(tuple(listing.texts), []).append(image.functions[start])
    return names


def compare(before: Image, after: Image) -> bool:
    """Print how the windows compare; whether they are equal."""
    equal = compare_paths(before, after)
    print("callbacks:")
    equal = compare_callbacks(before, after) and equal
    print("The windows are equal." if equal else "The windows differ.")
    return equal


def main(arguments: Sequence[str] | None = None) -> int:
    """0 if the windows are equal, else 1."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0].strip())
    parser.add_argument("before", help="a git revision or a directory of guest sources")
    parser.add_argument("after", nargs="?", default=str(ROOT / GUEST), help="the same")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        before = guest_of(options.before, Path(folder, "before"))
        after = guest_of(options.after, Path(folder, "after"))
    return 0 if compare(before, after) else 1


if __name__ == "__main__":
    sys.exit(main())
