"""
The guest of the kvm delivery, compiled and disassembled.

Symbols come from nm and instructions from objdump, of the same link that the delivery does
but for the format.
"""

from __future__ import annotations

import io
import re
import subprocess
import tarfile
import tempfile
from bisect import bisect_right
from itertools import pairwise
from pathlib import Path
from typing import Final

import attrs

from pvbench_deliver_kvm.build import FLAGS
from pvbench_deliver_kvm.vmm.layout import IMAGE_BASE

ROOT: Final = Path(__file__).parents[1]
GUEST: Final = "plugins/pvbench_deliver_kvm/guest"
LINK_FLAGS: Final = (
    *("-nostdlib", "-static", "-no-pie"),
    *("-Wl,--build-id=none", "-Wl,--no-warn-rwx"),
)
STAMP: Final = ("lfence", "rdtsc", "lfence")
INSTRUCTION: Final = re.compile(r"^ +([0-9a-f]+):\t(.*?) *$", re.M)
SYMBOL: Final = re.compile(r"^([0-9a-f]+) (?:([0-9a-f]+) )?([a-zA-Z]) (.+)$", re.M)


@attrs.frozen(eq=False)
class Image:
    """
    A linked guest.

    Args:
        code: instructions by address, without padding.
        following: the address of the next instruction.
        functions: names by the address of the first instruction.
        objects: sizes of constants by address.
        labels: names of addresses without a size.
        fixups: where an instruction that faults continues.
        memory: the bytes from IMAGE_BASE on.
    """

    code: dict[int, str]
    following: dict[int, int]
    functions: dict[int, str]
    objects: dict[int, int]
    labels: dict[int, str]
    fixups: dict[int, int]
    memory: bytes

    def function_of(self, address: int) -> int:
        """The start of the function that holds *address*."""
        starts = list(self.functions)
        return starts[bisect_right(starts, address) - 1]

    def word(self, address: int) -> int:
        """The 64-bit word at *address*."""
        offset = address - IMAGE_BASE
        return int.from_bytes(self.memory[offset : offset + 8], "little")

    def is_stamp(self, address: int) -> bool:
        """Whether an ordered read of the time stamp counter starts at *address*."""
        for mnemonic in STAMP:
            if self.code.get(address) != mnemonic:
                return False
            address = self.following[address]
        return True

    def source_function(self) -> int:
        """The function with most time stamps: it sends bursts and times them."""
        owners = [self.function_of(address) for address in self.code if self.is_stamp(address)]
        return max(self.functions, key=owners.count)

    def callbacks(self) -> list[int]:
        """The functions whose addresses are stored in tables of constants."""
        words = {
            self.word(address)
            for start, size in self.objects.items()
            for address in range(start, start + size, 8)
        }
        return sorted(words & self.functions.keys())


def compiled(sources: Path) -> Image:
    """The guest whose sources lie in *sources*."""
    files = sorted(str(path) for path in sources.rglob("*") if path.suffix in (".c", ".S"))
    with tempfile.TemporaryDirectory() as folder:
        elf, flat = f"{folder}/guest.elf", f"{folder}/guest.bin"
        script = ("-I", str(sources), "-T", str(sources / "guest.lds"))
        _output("cc", "-w", *FLAGS, *LINK_FLAGS, *script, "-o", elf, *files)
        _output("objcopy", "-O", "binary", elf, flat)
        listing = _output("objdump", "-d", "--no-show-raw-insn", elf).decode()
        symbols = _output("nm", "-n", "-S", elf).decode()
        return _image(listing, symbols, Path(flat).read_bytes())


def _image(listing: str, symbols: str, memory: bytes) -> Image:
    instructions = [(int(address, 16), text) for address, text in INSTRUCTION.findall(listing)]
    addresses = [address for address, _ in instructions]
    rows = [
        (int(at, 16), int(size or "0", 16), kind, name)
        for at, size, kind, name in SYMBOL.findall(symbols)
    ]
    code = [(at, size, name) for at, size, kind, name in rows if kind in "tT"]
    inside = {at for at, size, _ in code for at in range(at + 1, at + size)}
    image = Image(
        code=dict(instructions),
        following=dict(pairwise(addresses)),
        functions={at: name for at, _, name in code if at not in inside},
        objects={at: size for at, size, kind, _ in rows if size and kind in "rR"},
        labels={at: name for at, size, _, name in rows if not size},
        fixups={},
        memory=memory,
    )
    addresses_of = {name: at for at, _, _, name in rows}
    start, end = addresses_of["ex_table_start"], addresses_of["ex_table_end"]
    fixups = {image.word(at): image.word(at + 8) for at in range(start, end, 16)}
    return attrs.evolve(image, fixups=fixups)


def _output(*command: str) -> bytes:
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, cwd=ROOT).stdout


def guest_of(name: str, folder: Path) -> Image:
    """The guest in directory *name*, or of git revision *name*."""
    if Path(name).is_dir():
        return compiled(Path(name))
    with tarfile.open(fileobj=io.BytesIO(_output("git", "archive", name, GUEST))) as archive:
        archive.extractall(folder, filter="data")
    return compiled(folder / GUEST)
