"""The document of `pvbench explain`: the ops of one burst, and what they reach."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, NamedTuple

import attrs

from pvbench.decode.decoder import Decoder
from pvbench.decode.sends import Route, Sends, counted
from pvbench.dispatch import Sent, reached
from pvbench.document import (
    Cell,
    Column,
    Document,
    Heading,
    Notes,
    Role,
    Table,
    facts,
)
from pvbench.guest import Guest, ranges
from pvbench.ops import Burst, Op, to_dicts
from pvbench.sender import Stack
from pvbench.text import plural

_IMPLIED: Final = ("send_IPI_self", "send_IPI_all", "send_IPI_allbutself")


class Question(NamedTuple):
    """A burst in a guest, and the ops that *sender* computes for it."""

    sender: str
    stack: Stack
    guest: Guest
    burst: Burst
    sent: Sent


def document(question: Question) -> Document:
    """The burst in words, its ops, and its counts."""
    sends = _decoded(question)
    counts = _counts(sends, question)
    titles = {"icr_writes": "ICR writes", "hypercalls": "hypercalls", "lost": "targets lost"}
    return Document(
        [
            facts({"sender": question.sender}, shown=False),
            Heading(_sentence(question)),
            _ops(question, sends),
            facts(counts, name="counts", titles=titles, heads=("counts", "of this burst")),
            Notes(lines=(*_left_to_the_driver(question), *_own_call(question))),
        ]
    )


def _decoded(question: Question) -> list[Sends]:
    return Decoder(question.guest, question.burst.source).sends(question.sent.program)


def _counts(sends: list[Sends], question: Question) -> dict[str, int]:
    icr_writes, hypercalls = counted(sends)
    hit = {cpu for send in sends for cpu in send.cpus.tolist()}
    lost = len(set(reached(question.burst, question.guest)) - hit)
    return {"icr_writes": icr_writes, "hypercalls": hypercalls, "lost": lost}


def _sentence(question: Question) -> str:
    """The burst in words."""
    guest, burst = question.guest, question.burst
    targets = tuple(guest.apic_ids[cpu] for cpu in _asked(question))
    return (
        f"{question.stack.name}: CPU {burst.source} with APIC ID "
        f"{guest.apic_ids[burst.source]} calls {burst.operation}() with vector "
        f"{burst.vector:#x} for {_ids(targets)}"
    )


def _asked(question: Question) -> tuple[int, ...]:
    """The CPUs that a burst asks for; some operations imply them."""
    burst = question.burst
    return reached(burst, question.guest) if burst.operation in _IMPLIED else burst.targets


def _ids(apic_ids: tuple[int, ...]) -> str:
    if not apic_ids:
        return "no CPU"
    return f"{plural(len(apic_ids), 'APIC ID')} {', '.join(ranges(apic_ids))}"


def _left_to_the_driver(question: Question) -> Iterator[str]:
    overlay = question.stack.overlay
    if overlay and not question.sent.overlaid:
        yield f"{overlay.name} leaves {question.burst.operation} to the driver."


def _own_call(question: Question) -> Iterator[str]:
    burst = question.burst
    if burst.protocol == "csd" and burst.source in burst.targets:
        yield f"CPU {burst.source} runs the function itself, without an IPI."


def _ops(question: Question, sends: list[Sends]) -> Table:
    by_op = {send.first + place: (send, place) for send in sends for place in range(send.ops)}
    columns = (
        Column("number", "no.", Role.VALUE),
        Column("", "op", Role.PROSE, csv="op"),
        Column("reaches", "what it reaches", Role.PROSE, csv="reaches"),
    )
    program = question.sent.program
    rows = (
        (Cell(n), Cell(fields, _text(op)), Cell(_reaches(by_op.get(n), question.guest)))
        for n, (op, fields) in enumerate(zip(program, to_dicts(program), strict=True))
    )
    return Table(name="ops", columns=columns, rows=tuple(rows))


def _text(op: Op) -> str:
    """An op as Python writes it: numbers of CPUs are decimal, and registers are hex."""
    values = attrs.asdict(op, recurse=False).items()
    fields = (f"{k}={v if k == 'cpus' else _hex(v)}" for k, v in values)
    return f"{type(op).__name__}({', '.join(fields)})"


def _hex(value: int | tuple[int, ...]) -> str:
    if isinstance(value, tuple):
        return f"({', '.join(map(_hex, value))})"
    return hex(value) if value > 9 else str(value)


def _reaches(sent: tuple[Sends, int] | None, guest: Guest) -> str:
    if sent is None:
        return ""
    send, place = sent
    if send.route is Route.NOTHING and not send.error:
        return "nothing"
    if send.error:
        return f"no CPU: {send.error}"
    cpus = send.cpus if send.op_of_hit is None else send.cpus[send.op_of_hit == place]
    ids = tuple(guest.apic_ids[cpu] for cpu in cpus.tolist())
    return f"{send.route.name.lower()} {send.vector:#x} to {_ids(ids)}"
