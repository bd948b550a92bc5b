"""
The messages between the manager and a worker.

A message is one line of text::

    #pvbench/VERSION LENGTH CRC32 JSON

which can be distinguished from any other output on the same console, even on one line.
`encode` writes a message and `decode` reads one.  Everything that is read is checked,
because a worker may run on another machine and may be any program.
"""

from __future__ import annotations

import json
import re
from binascii import a2b_base64, b2a_base64, crc32
from collections.abc import Callable
from typing import Any, Final, NamedTuple

import attrs

from pvbench.delivery import Algorithm, Clock, Costs, Description, Options, Task
from pvbench.errors import ProtocolError, Status
from pvbench.guest import MAX_VCPUS, Guest, HostIds
from pvbench.linux_era import LinuxEra
from pvbench.ops import U64, Burst, Program, from_rows, to_rows
from pvbench.shapes import (
    LARGEST,
    flag,
    integer,
    items,
    json_value,
    mapping,
    number,
    one_line,
    optional,
    record,
    text,
)
from pvbench.slice_result import Counts, Distribution, PartialSend, SliceResult
from pvbench.trials import Outcome, Programs, columns, outcome_data, outcome_of

VERSION: Final = 4
LONGEST_LINE: Final = 1 << 28  # characters
SHORTEST_S: Final = 1e-3  # of a deadline; a timer of 0 s never expires
LONGEST_S: Final = 1e10  # of any time limit
LONGEST_DELAY_US: Final = 10_000_000

_FRAME: Final = re.compile(r"#pvbench/([0-9]{1,9}) ([0-9]{1,9}) ([0-9a-f]{8}) (.*)", re.DOTALL)


class Turn(NamedTuple):
    """One slice to come: the number of its task, its iterations and those before them."""

    task: int
    loops: int
    warmup: int


class Job(NamedTuple):
    """
    The work of a worker: boot a guest and run slices of tasks in turn.

    Args:
        worker_data: only the delivery reads it.
        slice_s: time that a slice should take at most; None for no limit.
        deadline_s: the worker ends itself after this time.
        start_delay_us: the worker waits so long before it boots the guest.
        shares_worker: the worker may do other jobs before and after it.
    """

    delivery: str
    delivery_module: str
    worker_data: bytes
    guest: Guest
    tasks: tuple[Task, ...]
    schedule: tuple[Turn, ...]
    slice_s: float | None
    deadline_s: float
    start_delay_us: int = 0
    shares_worker: bool = False

    @property
    def replies(self) -> int:
        """The number of reports that complete the job."""
        return len(self.schedule)


class Execute(NamedTuple):
    """
    A request to boot a guest and execute trials one after another.

    If the guest is lost, the rest is executed in another one.
    """

    delivery: str
    delivery_module: str
    worker_data: bytes
    guest: Guest
    target_state: str
    trials: tuple[Programs, ...]
    deadline_s: float

    @property
    def replies(self) -> int:
        """The number of reports that complete the request."""
        return len(self.trials)


class Describe(NamedTuple):
    """A request to describe a delivery on the host where it is answered."""

    delivery: str
    delivery_module: str
    options: Options

    @property
    def replies(self) -> int:
        """The number of reports that complete the request."""
        return 1


class Ask(NamedTuple):
    """A worker needs the ops of a burst of a task that sends to *cpus* only."""

    task: int
    burst: int
    cpus: tuple[int, ...]


class Answer(NamedTuple):
    """The ops that the worker asked for."""

    program: Program


class SliceReport(NamedTuple):
    """The result of slice *number* of the schedule."""

    number: int
    result: SliceResult


class OutcomeReport(NamedTuple):
    """The outcome of trial *number*."""

    number: int
    outcome: Outcome


class ErrorReport(NamedTuple):
    """The worker cannot go on, for a reason that the user can fix."""

    error: str
    status: int = Status.ENVIRONMENT


class Done(NamedTuple):
    """The worker has done its job and waits for another one."""


class DescriptionReport(NamedTuple):
    """A delivery on the host of the worker."""

    description: Description


Work = Job | Execute
Request = Work | Describe
Report = SliceReport | OutcomeReport | DescriptionReport | ErrorReport
Message = Request | Ask | Answer | Report | Done


def encode(message: Message) -> str:
    """*message* as one line."""
    kind, data = _data_of(message)
    return framed(json.dumps({"kind": kind, **data}, allow_nan=False))


def framed(body: str) -> str:
    """The line that carries *body*, which is ASCII."""
    return f"#pvbench/{VERSION} {len(body)} {crc32(body.encode()):08x} {body}\n"


def decode(line: str) -> Message | None:
    """
    The message on a line; None if there is none.

    Raises:
        ProtocolError: a message is damaged, of another version, or not one of the above.
    """
    frame = _FRAME.search(line)
    if not frame:
        return None
    version, length, checksum, rest = frame.groups()
    if int(version) != VERSION:
        raise ProtocolError(f"it has version {version} of the protocol, not {VERSION}")
    body = rest[: int(length)]
    if len(body) != int(length) or f"{crc32(body.encode()):08x}" != checksum:
        raise ProtocolError("it is damaged")
    try:
        data = json_value(body)
    except ValueError:
        raise ProtocolError("it is not JSON data of this protocol") from None
    kind = data.pop("kind", None) if isinstance(data, dict) else None
    if not isinstance(kind, str) or kind not in _SHAPES:
        raise ProtocolError(f"its kind is not one of {', '.join(_SHAPES)}")
    return _SHAPES[kind](data)


def _data_of(message: Message) -> tuple[str, dict[str, Any]]:
    match message:
        case Job() | Execute() | Describe():
            return _request_data(message)
        case Answer(program):
            return "answer", {"program": to_rows(program)}
        case SliceReport() | OutcomeReport():
            return _result_data(message)
        case DescriptionReport(description):
            data = attrs.asdict(description)
            data["worker_data"] = _text_of(description.worker_data)
            return "description", {"description": data}
        case Ask() | Done():
            return type(message).__name__.lower(), message._asdict()
        case ErrorReport():
            return "error", message._asdict() | {"status": int(message.status)}


def _request_data(request: Request) -> tuple[str, dict[str, Any]]:
    if isinstance(request, Describe):
        options = attrs.asdict(request.options)
        if (content := request.options.costs_file) is not None:
            options["costs_file"] = _text_of(content)
        return "describe", request._asdict() | {"options": options}
    if isinstance(request, Execute):
        return "execute", _execute_data(request)
    return "job", _job_data(request)


def _result_data(report: SliceReport | OutcomeReport) -> tuple[str, dict[str, Any]]:
    if isinstance(report, SliceReport):
        return "slice", {"number": report.number, "result": result_data(report.result)}
    return "outcome", {"number": report.number, "outcome": outcome_data(report.outcome)}


def _execute_data(request: Execute) -> dict[str, Any]:
    return request._asdict() | {
        "worker_data": _text_of(request.worker_data),
        "guest": guest_data(request.guest),
        "trials": [
            [[source, to_rows(program)] for source, program in programs]
            for programs in request.trials
        ],
        "deadline_s": float(request.deadline_s),
    }


def _job_data(job: Job) -> dict[str, Any]:
    return {
        "delivery": job.delivery,
        "delivery_module": job.delivery_module,
        "worker_data": _text_of(job.worker_data),
        "guest": guest_data(job.guest),
        "tasks": [_task_data(task) for task in job.tasks],
        "schedule": [turn._asdict() for turn in job.schedule],
        "slice_s": job.slice_s,
        "deadline_s": float(job.deadline_s),
        "start_delay_us": job.start_delay_us,
        "shares_worker": job.shares_worker,
    }


def guest_data(guest: Guest) -> dict[str, Any]:
    """*guest* as JSON data without what few guests have; `guest_of` is the inverse."""
    data, usual = attrs.asdict(guest), attrs.asdict(_USUAL_GUEST)
    return {k: v for k, v in data.items() if k not in _OF_FEW_GUESTS or v != usual[k]}


def _task_data(task: Task) -> dict[str, Any]:
    return {
        "bursts": [attrs.asdict(burst) for burst in task.bursts],
        "programs": [to_rows(program) for program in task.programs],
        "reached": task.reached,
        "target_state": task.target_state,
        "lossy": task.lossy,
        "mechanism": task.mechanism,
        "algorithm": attrs.asdict(task.algorithm) if task.algorithm else None,
        "program": task.program,
    }


def result_data(result: SliceResult) -> dict[str, Any]:
    """*result* as JSON data; `result_of` is the inverse."""
    return attrs.asdict(result)


def program_of(data: Any) -> Program:
    """The program whose ops are the rows *data*."""
    try:
        return from_rows(data)
    except (LookupError, TypeError, ValueError, AttributeError):
        raise ProtocolError("its ops cannot be read") from None


def source_and_program(data: Any) -> tuple[int, Program]:
    """The number of a source CPU and its program."""
    source, ops = columns(data, 2)
    return _CPU(source), program_of(ops)


def _fact(data: Any) -> str | int | float:
    """A number that is not huge, or a text; `SliceResult` refuses the rest."""
    if type(data) is int:
        return integer(-LARGEST, LARGEST)(data)
    if type(data) is float:
        return data
    return text(data)


def _no_program(burst: int, cpus: tuple[int, ...]) -> Program:
    raise ProtocolError("a decoded task cannot ask for ops until a worker answers for it")


def _text_of(data: bytes) -> str:
    return b2a_base64(data, newline=False).decode()


def _bytes(data: Any) -> bytes:
    try:
        return a2b_base64(text(data), strict_mode=True)
    except ValueError:
        raise ProtocolError("it is not in Base64") from None


_CPU: Final = integer(0, MAX_VCPUS - 1)
_CPUS: Final = items(_CPU)
_COUNT: Final = integer()
_COUNTS: Final = items(_COUNT)
_TICKS: Final = number(0, LARGEST)

_USUAL_GUEST: Final = Guest(name="usual", apic_ids=(0,))
_OF_FEW_GUESTS: Final[dict[str, Any]] = {
    "sockets": 1,
    "logical_ids": [],
    "vp_indexes": [],
    "offline": [],
    "x2apic": True,
    "intremap": False,
}
_GUEST: Final = record(
    Guest,
    name=text,
    apic_ids=items(integer()),
    apic_mode=text,
    hypercall_abi=text,
    bits=integer(32, 64),
    host_cpus=optional(integer()),
    sockets=integer(),
    logical_ids=items(integer()),
    vp_indexes=items(integer()),
    offline=items(integer()),
    x2apic=flag,
    intremap=flag,
)


def guest_of(data: Any) -> Guest:
    """The guest with the fields *data*."""
    return _GUEST(_OF_FEW_GUESTS | data if isinstance(data, dict) else data)


_TASK: Final = record(
    lambda **fields: Task(**fields, program_for=_no_program),
    bursts=items(
        record(
            Burst,
            source=_CPU,
            operation=text,
            targets=_CPUS,
            vector=integer(0, 0xFF),
            wait=flag,
            lock=flag,
        )
    ),
    programs=items(program_of),
    reached=items(_CPUS),
    target_state=text,
    lossy=flag,
    mechanism=text,
    algorithm=optional(
        record(
            Algorithm,
            driver=text,
            overlay=text,
            linux=record(LinuxEra, version=text, vendor=text, no_ipi_broadcast=flag),
        )
    ),
    program=items(one_line),
)
result_of: Final = record(
    SliceResult,
    loops=integer(1),
    distributions=mapping(
        record(
            Distribution,
            samples=integer(1),
            total=_COUNT,
            median=_TICKS,
            p99=_TICKS,
            minimum=_TICKS,
            maximum=_TICKS,
            histogram=text,
        )
    ),
    counts=record(
        Counts,
        icr_writes=optional(_COUNT),
        hypercalls=optional(_COUNT),
        returned=optional(integer(-U64, U64)),
        handlers=_COUNTS,
        coalesced=optional(_COUNTS),
        functions=_COUNTS,
        exits=optional(_COUNT),
        wakeups_polled=optional(_COUNT),
        wakeups_blocked=optional(_COUNT),
    ),
    partial=items(record(PartialSend, burst=_COUNT, cpus=_CPUS, times=_COUNT)),
    assumed=mapping(number(0, 1)),
    target_state=one_line,
    ticks_per_second=optional(integer(1)),
    faults=items(one_line),
    host_faults=items(one_line),
    facts=mapping(_fact),
)
_SHAPES: Final[dict[str, Callable[[Any], Message]]] = {
    "job": record(
        Job,
        delivery=text,
        delivery_module=text,
        worker_data=_bytes,
        guest=guest_of,
        tasks=items(_TASK),
        schedule=items(record(Turn, task=_COUNT, loops=integer(1), warmup=_COUNT)),
        slice_s=optional(number(0, LONGEST_S)),
        deadline_s=number(SHORTEST_S, LONGEST_S),
        start_delay_us=integer(0, LONGEST_DELAY_US),
        shares_worker=flag,
    ),
    "describe": record(
        Describe,
        delivery=text,
        delivery_module=text,
        options=record(
            Options,
            costs=optional(text),
            costs_file=optional(_bytes),
            cost_values=mapping(number(0, LARGEST)),
            cpus=_CPUS,
            execution=text,
            wait=flag,
            probe=flag,
            progress=flag,
            fork=flag,
            near_exact=flag,
        ),
    ),
    "execute": record(
        Execute,
        delivery=text,
        delivery_module=text,
        worker_data=_bytes,
        guest=guest_of,
        target_state=text,
        trials=items(items(source_and_program)),
        deadline_s=number(0, LONGEST_S),
    ),
    "description": record(
        DescriptionReport,
        description=record(
            Description,
            clock=record(
                Clock,
                name=one_line,
                ticks_per_second=optional(integer(1)),
                exactness=text,
            ),
            costs=optional(record(Costs, name=one_line, sha256=one_line)),
            facts=mapping(_fact),
            probes=optional(mapping(one_line)),
            limits=mapping(_COUNT),
            notes=items(one_line),
            worker_data=_bytes,
            host=mapping(one_line),
            advice=items(one_line),
            cpus=one_line,
            cpu_vendor=one_line,
            host_ids=record(HostIds, ids=items(integer()), reason=one_line),
            runs_programs=flag,
        ),
    ),
    "answer": record(Answer, program=program_of),
    "slice": record(SliceReport, number=_COUNT, result=result_of),
    "outcome": record(OutcomeReport, number=_COUNT, outcome=outcome_of),
    "done": record(Done),
    "ask": record(Ask, task=_COUNT, burst=_COUNT, cpus=_CPUS),
    "error": record(ErrorReport, error=one_line, status=integer(1, 255)),
}
