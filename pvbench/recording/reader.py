"""
Readers of traces, which plugins offer, and the helper for those that read line by line.

A reader turns a stretch of text into `Lines`: the events that matter, as bytes.  What the
fields of an event mean is the same for all readers, see `pvbench.recording.events`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import attrs

from pvbench.validators import one_of, text

MASKS: Final = ("list", "hex", "")
NOTICES: Final = ("cpus", "kernel", "model", "entries", "lost", "lost chunks", "dropped")
# The events that are read; a colon and a blank follow them in every form of trace.
NAMES: Final = (
    *("ipi_send_cpu", "ipi_send_cpumask", "csd_queue_cpu"),
    *("reschedule_entry", "call_function_entry", "call_function_single_entry"),
    "irq_work_entry",
    *("kvm_apic_ipi", "kvm_apic", "kvm_msr", "kvm_hypercall", "kvm_exit", "kvm_entry"),
    *("kvm_hv_send_ipi", "kvm_hv_send_ipi_ex", "kvm_avic_incomplete_ipi"),
)
_HOST: Final = b"kvm_"  # events of a host begin so
_MARKS: Final = tuple(f"{name}: ".encode() for name in NAMES)
_GUEST_MARKS: Final = tuple(mark for mark in _MARKS if not mark.startswith(_HOST))
_NAME: Final = "|".join(sorted(NAMES, key=len, reverse=True)).encode()
EVENT: Final = rb"(?P<message>(?:" + _NAME + rb"): +[^\n]*)"
_FEW: Final = 5  # unread lines that are kept for a message


@attrs.frozen(kw_only=True)
class Lines:
    """
    The events of a stretch of text, as columns; a column that the text lacks is empty.

    Args:
        messages: ``event: fields`` of each event, without what comes before.
        cpus: decimal numbers of the CPUs on which they happened.
        times: decimal numbers.
        tasks: names of the tasks; needed for events of a host only.
        counts: how often each event occurred; empty if once.
        notices: what the text says about the trace: a name from NOTICES, and its values.
        unread: the first lines that name an event and cannot be read.
        total: the number of lines, without comments and empty ones.
    """

    messages: Sequence[bytes]
    cpus: Sequence[bytes] = ()
    times: Sequence[bytes] = ()
    tasks: Sequence[bytes] = ()
    counts: Sequence[int] = ()
    notices: Sequence[tuple[str, tuple[bytes, ...]]] = ()
    unread: Sequence[bytes] = ()
    total: int = 0


def _no_lines(start: bytes) -> int:
    return 0


@attrs.frozen(kw_only=True)
class Reader:
    """
    One form of trace.

    Args:
        name: unique, lower case with dashes.
        summary: one line for `pvbench list readers`.
        score: how much of the start of a file it reads, 2 for each event; 0 if the file is
            not of its form.  Of several readers, the one with the highest score is used.
        parse: the events of a stretch of whole lines; it is pure, and called in several
            processes.  None for a binary file.
        masks: whether a mask is a ``list`` of CPUs or ``hex``; empty if it can be either.
        unit: of times without a decimal point, ``us`` or ``ticks``.
        whole: whether *parse* needs the whole text at once.
        command: gives the words of a command that prints a binary file as text.
    """

    name: str
    summary: str
    score: Callable[[bytes], int] = attrs.field(
        default=_no_lines, validator=attrs.validators.is_callable()
    )
    parse: Callable[[bytes], Lines] | None = None
    masks: str = attrs.field(default="", validator=one_of(*MASKS))
    unit: str = attrs.field(default="ticks", validator=one_of("ticks", "us"))
    whole: bool = False
    command: Callable[[Path], Sequence[str]] | None = None
    name_of_tool: str = attrs.field(default="", validator=text("the name of a program"))


@attrs.frozen
class LineForm:
    """
    Text in which each event is one line.

    Args:
        head: a pattern of what comes before ``event:``, with the groups ``cpu``, ``time``
            and ``task`` as far as the form has them.  It must not be able to match in
            many ways, because text may be hostile.
        notices: by a name from NOTICES, bytes that are in each such line, and a pattern of
            the whole line, whose groups are values.
        event: a pattern with the group ``message``, if the form has a rule for the blanks
            in it.
        tail: a pattern of what ends the line after the fields.
        signs: patterns of lines that occur in no other form.
    """

    head: bytes
    notices: Mapping[str, tuple[bytes, bytes]] = attrs.field(factory=dict)
    event: bytes = EVENT
    tail: bytes = b""
    signs: Sequence[bytes] = ()
    _line: re.Pattern[bytes] = attrs.field(init=False)
    _notices: Sequence[tuple[str, bytes, re.Pattern[bytes]]] = attrs.field(init=False)

    @_line.default
    def _compiled(self) -> re.Pattern[bytes]:
        return re.compile(rb"^" + self.head + self.event + self.tail + rb"$", re.MULTILINE)

    @_notices.default
    def _compiled_notices(self) -> Sequence[tuple[str, bytes, re.Pattern[bytes]]]:
        return [
            (name, mark, re.compile(rb"^" + pattern + rb"$", re.MULTILINE))
            for name, (mark, pattern) in self.notices.items()
        ]

    def score(self, start: bytes) -> int:
        """Two for each event in *start* of this form, and more for a sign."""
        signs = sum(bool(re.search(sign, start, re.MULTILINE)) for sign in self.signs)
        return 2 * len(self._line.findall(start)) + 1_000_000 * signs

    def parse(self, block: bytes) -> Lines:
        """See `Reader`."""
        columns = self._columns(block)
        is_host = _HOST in block
        expected = sum(map(block.count, _MARKS if is_host else _GUEST_MARKS))
        return Lines(
            messages=columns.get("message", ()),
            cpus=columns.get("cpu", ()),
            times=columns.get("time", ()),
            tasks=columns.get("task", ()) if is_host else (),
            notices=[*self._notices_in(block)],
            unread=() if expected == len(columns["message"]) else self._unread(block),
            total=_lines_in(block),
        )

    def _columns(self, block: bytes) -> dict[str, Sequence[bytes]]:
        matches: list[Any] = self._line.findall(block)
        names = sorted(self._line.groupindex, key=self._line.groupindex.__getitem__)
        if len(names) == 1:
            return {names[0]: matches}
        groups = zip(*matches, strict=True) if matches else ((),) * len(names)
        return dict(zip(names, groups, strict=True))

    def _notices_in(self, block: bytes) -> list[tuple[str, tuple[bytes, ...]]]:
        return [
            (name, match.groups())
            for name, mark, pattern in self._notices
            if mark in block
            for match in pattern.finditer(block)
        ]

    def _unread(self, block: bytes) -> list[bytes]:
        """The first lines that name several events, or one and are not of this form."""
        unread = []
        for line in block.split(b"\n"):
            marks = sum(map(line.count, _MARKS))
            if marks > 1 or (marks and not self._line.fullmatch(line)):
                unread.append(line)
                if len(unread) == _FEW:
                    break
        return unread


def _lines_in(block: bytes) -> int:
    text = b"\n" + block
    return block.count(b"\n") - text.count(b"\n#") - text.count(b"\n\n")


def line_reader(name: str, summary: str, form: LineForm, **fields: Any) -> Reader:
    """The reader of a form of lines."""
    return Reader(name=name, summary=summary, score=form.score, parse=form.parse, **fields)
