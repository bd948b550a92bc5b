"""
Traces to a recording: the files are read in blocks, by several processes if they are large.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import closing
from itertools import chain, islice
from multiprocessing import get_context
from pathlib import Path
from typing import Final

import attrs

from pvbench.errors import UnavailableError, UsageError, unknown
from pvbench.recording import stored, stream
from pvbench.recording.events import Batch, batch_of
from pvbench.recording.merge import Merged
from pvbench.recording.reader import Reader
from pvbench.recording.recording import Recording
from pvbench.recording.tool import printed

_START: Final = 1 << 16  # bytes from which the form is recognised
_FEW: Final = 4  # blocks that one process reads: starting others takes longer
_LARGEST_WHOLE: Final = 1 << 27  # bytes of a text that must be read at once


def _no_progress(done: int) -> None:
    pass


@attrs.frozen(kw_only=True)
class Options:
    """
    What a user says about traces.

    Args:
        masks: ``list`` or ``hex``; empty if the producer decides.
        reader: the name of the reader; empty if the text decides.
        cpuinfo: /proc/cpuinfo of the machine that was traced.
        accept_losses: the totals count although events are lost.
        progress: called with the number of lines read.
        processes: how many read a large file; 0 is one for each CPU.
    """

    masks: str = ""
    reader: str = ""
    cpuinfo: Path | None = None
    accept_losses: bool = False
    progress: Callable[[int], None] = _no_progress
    processes: int = 0


def load(names: Iterable[str], readers: Mapping[str, Reader], options: Options) -> Recording:
    """
    The recording of the traces called *names*, which belong together.

    Raises:
        UsageError: one cannot be read, or they do not belong together.
        UnavailableError: a tool that prints a binary file is missing.
    """
    if options.reader and options.reader not in readers:
        raise unknown("reader", options.reader, readers, "`pvbench list readers` shows all.")
    merged = Merged(options.masks)
    for name in names:
        with closing(stream.opened(name)) as file:
            parts = stream.pieces(file, name)
            start = next(parts, b"")
            if stored.is_recording(start):
                raise UsageError(f"{name} is a recording already")
            _read(name, chain([start], parts), readers, options, merged)
    return merged.recording(options.cpuinfo, accepted=options.accept_losses)


def read(name: str, readers: Mapping[str, Reader], options: Options) -> Recording:
    """The recording in the file *name*, or the one of a trace; see `load`."""
    if name != stream.STDIN:
        with closing(stream.opened(name)) as file:
            if stored.is_recording(next(stream.pieces(file, name), b"")):
                if options.cpuinfo:
                    raise UsageError(
                        f"{name} is a recording, and --cpuinfo is for traces",
                        why="`pvbench import` has stored what it knew of the CPUs",
                        fix="Give --cpuinfo when the trace is imported.",
                    )
                return stored.read(Path(name))
    return load([name], readers, options)


def _read(
    name: str,
    parts: Iterator[bytes],
    readers: Mapping[str, Reader],
    options: Options,
    merged: Merged,
) -> None:
    """Add the trace called *name* to what is *merged*."""
    start, parts = _start(parts)
    reader = _reader(name, start, readers, options)
    if reader.command is not None:
        with printed(name, reader, parts) as text:
            others = {n: one for n, one in readers.items() if one.command is None}
            _read(name, text, others, attrs.evolve(options, reader=""), merged)
        return
    _check_new(name, start, merged)
    merged.begin(name, reader)
    blocks = stream.blocks(parts, name)
    if reader.whole:
        blocks = iter([_joined(blocks, name)])
    lines = 0
    try:
        for batch in _batches(blocks, reader, options):
            lines += batch.total
            merged.add(batch)
            options.progress(lines)
    except UsageError as error:
        raise type(error)(f"{name}: {error.what}", why=error.why, fix=error.fix) from None
    merged.end()


def _check_new(name: str, start: bytes, merged: Merged) -> None:
    """Check that a trace which begins with *start* was not read before."""
    if start in merged.starts:
        raise UsageError(
            f"{name} begins as {merged.starts[start]} does",
            why="the same trace would be counted twice",
            fix="Give each trace once.",
        )
    merged.starts[start] = name


def _start(parts: Iterator[bytes]) -> tuple[bytes, Iterator[bytes]]:
    """The first bytes, and all of them."""
    head = b""
    for part in parts:
        head += part
        if len(head) >= _START:
            break
    start = head[:_START]
    return start, chain([head], parts)


def _joined(blocks: Iterator[bytes], name: str) -> bytes:
    text = b""
    for block in blocks:
        text += block
        if len(text) > _LARGEST_WHOLE:
            raise UsageError(f"{name} is too large for a text of its form")
    return text


def _reader(name: str, start: bytes, readers: Mapping[str, Reader], options: Options) -> Reader:
    """The reader that reads the most lines of *start*."""
    if options.reader:
        return readers[options.reader]
    scores = {n: reader.score(start) for n, reader in readers.items()}
    best = max(scores.values(), default=0)
    if not best:
        why = "it is empty" if not start.strip() else "no reader knows its form"
        raise UsageError(
            f"{name} has no event of a trace that says who interrupts whom",
            why=why,
            fix="It needs ipi:*, csd:* or kvm:* events; `pvbench list readers` shows forms.",
        )
    chosen = [n for n, score in scores.items() if score == best]
    if len(chosen) > 1:
        raise UsageError(
            f"{name} can be the text of {' or '.join(chosen)}",
            fix=f"Give --reader {chosen[0]}, for example.",
        )
    return readers[chosen[0]]


def _batches(blocks: Iterator[bytes], reader: Reader, options: Options) -> Iterator[Batch]:
    first = list(islice(blocks, _FEW))
    processes = options.processes or len(os.sched_getaffinity(0))
    if len(first) < _FEW or processes < 2:
        for block in chain(first, blocks):
            yield batch_of(reader, options.masks, block)
        return
    # The processes are forked, so that a reader from a file of the user is there too.
    with ProcessPoolExecutor(
        processes, get_context("fork"), initializer=_begin, initargs=(reader, options.masks)
    ) as pool:
        yield from _side_by_side(pool, chain(first, blocks), 2 * processes)


def _side_by_side(
    pool: ProcessPoolExecutor, blocks: Iterator[bytes], most: int
) -> Iterator[Batch]:
    """The batches of *blocks* in their order, *most* of them under way."""
    under_way: deque[Future[Batch]] = deque()
    try:
        for block in blocks:
            under_way.append(pool.submit(_in_process, block))
            if len(under_way) >= most:
                yield under_way.popleft().result()
        while under_way:
            yield under_way.popleft().result()
    except BrokenProcessPool:
        raise UnavailableError(
            "a process that read a part of the trace was killed",
            why="the machine may lack memory",
        ) from None
    finally:
        for future in under_way:
            future.cancel()


_JOB: list[tuple[Reader, str]] = []


def _begin(reader: Reader, masks: str) -> None:
    _JOB[:] = [(reader, masks)]


def _in_process(block: bytes) -> Batch:
    reader, masks = _JOB[0]
    return batch_of(reader, masks, block)
