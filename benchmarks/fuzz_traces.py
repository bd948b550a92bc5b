"""Hostile traces and recordings for `fuzz.py`."""

from __future__ import annotations

import gzip
from functools import cache
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Final

from fuzz_readers import RECORDING, TRACE, Input, bundled_readers
from fuzz_valid import Valid
from mutations import mutated_bytes
from pvbench.recording import stored
from pvbench.recording.load import Options, load

_TRACES: Final = Path(__file__).parents[1] / "tests/data/traces"
_TRACE_OPTIONS: Final = (
    *((), (), ("--masks", "hex"), ("--masks", "list"), ("--accept-losses", "--json")),
    *(("--reader", name) for name in ("bare", "tracefs", "trace-cmd", "perf-script")),
    ("--cpuinfo", str(_TRACES / "smp16-cpuinfo.txt")),
)


def trace(_: Valid, random: Random) -> Input:
    """A trace of any form, whose bytes or lines are changed, perhaps packed."""
    path = random.choice(sorted(_TRACES.glob("*.txt*")))
    content = path.read_bytes()
    text = gzip.decompress(content) if path.suffix == ".gz" else content
    lines = text.splitlines(keepends=True)
    start = random.randrange(len(lines))
    some = lines[:12] + lines[start : start + 60]
    text = b"".join(_shuffled(some, random))
    if random.random() < 0.8:
        text = mutated_bytes(text, random)
    packed = {TRACE: gzip.compress(text)} if random.random() < 0.2 else {TRACE: text}
    if random.random() < 0.1:
        packed = {TRACE: mutated_bytes(packed[TRACE], random)}
    options = random.choice(_TRACE_OPTIONS)
    return Input(("import", TRACE, "-o", RECORDING, *options), packed)


def _shuffled(lines: list[bytes], random: Random) -> list[bytes]:
    """*lines*, some of which may be missing, doubled, or in another place."""
    changed = list(lines)
    for _ in range(random.choice((0, 0, 1, 3))):
        line = changed.pop(random.randrange(len(changed)))
        for _ in range(random.choice((0, 1, 2))):
            changed.insert(random.randrange(len(changed) + 1), line)
    return changed


def recording(_: Valid, random: Random) -> Input:
    """A file of a recording, whose unpacked bytes are changed."""
    content = gzip.compress(mutated_bytes(gzip.decompress(_stored()), random))
    return Input((), {RECORDING: content})


@cache
def _stored() -> bytes:
    """The file of a recording with a few sends."""
    text = (_TRACES / "smp8-perf_header.txt.gz").read_bytes()
    with TemporaryDirectory() as folder:
        trace, path = Path(folder) / "trace", Path(folder) / RECORDING
        trace.write_bytes(text)
        stored.write(load([str(trace)], bundled_readers(), Options()), path)
        return path.read_bytes()
