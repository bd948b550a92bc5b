"""A message between manager and worker is received as it was sent, and nothing else passes."""

from __future__ import annotations

import json
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pvbench.delivery import Clock, Costs, Description, Options
from pvbench.errors import ProtocolError
from pvbench.ops import Fence, Hypercall, WriteMem, WrMsr
from pvbench.protocol import (
    Answer,
    Ask,
    Describe,
    DescriptionReport,
    Done,
    ErrorReport,
    Execute,
    Job,
    Message,
    OutcomeReport,
    SliceReport,
    Turn,
    decode,
    encode,
    framed,
    guest_data,
    result_data,
)
from pvbench.protocol import (
    guest_of as decoded_guest,
)
from pvbench.slice_result import PartialSend
from pvbench.trials import Ending, Outcome
from support.helpers import guest_of
from support.mutations import mutated
from support.runs import bursts_of, prepared_of, slice_result_of

RESULT = slice_result_of(
    partial=(PartialSend(burst=0, cpus=(1, 2), times=3),),
    assumed={"wall": 0.25},
    ticks_per_second=2_400_000_000,
    facts={"source": "here", "tsc_khz": 2_400_000, "share": 0.5},
    faults=("CPU 1 is lost",),
    host_faults=("CPU 2 took an interrupt twice",),
)
DESCRIPTION = Description(
    clock=Clock("tsc", None, "noisy"),
    costs=Costs("mine", "12ab"),
    facts={"source": "here", "tsc_khz": 2_400_000},
    probes={"x2apic-self": "", "kvm-hypercall": "it does not return"},
    limits={"max_vcpus": 8},
    notes=("Times are of an emulator.",),
    worker_data=b"\0\xff",
    host={"cpu": "a CPU"},
    advice=("Use bare metal.",),
    cpus="2 usable of 2",
    runs_programs=True,
)
JOB = Job(
    delivery="model",
    delivery_module="pvbench_deliver_model",
    worker_data=b"\0\xff",
    guest=guest_of((0, 128, 1), apic_mode="xapic", host_cpus=2, sockets=2),
    tasks=(attrs.evolve(prepared_of("kvm-pv/x2apic-cluster").task, program=("futex", "9")),),
    schedule=(Turn(0, 10, 5), Turn(0, 10, 0)),
    slice_s=0.25,
    deadline_s=60.0,
    start_delay_us=274,
    shares_worker=True,
)


@pytest.mark.parametrize(
    "message",
    [
        Ask(0, 1, (2, 3)),
        Answer((Fence(), WrMsr(0x830, 1), WriteMem(0x1000, (1, 2)), Hypercall(10, (1,)))),
        SliceReport(1, RESULT),
        Done(),
        Execute(
            delivery="kvm",
            delivery_module="x",
            worker_data=b"\0\xff",
            guest=guest_of((0, 128)),
            target_state="running",
            trials=(((0, (Fence(),)), (1, (WrMsr(0x830, 1),))), ((1, ()),)),
            deadline_s=60.0,
        ),
        OutcomeReport(3, Outcome({(1, 0x40): 2}, (Ending(7), Ending(0, 13, 2)))),
        OutcomeReport(0, Outcome(lost="it stopped")),
        ErrorReport("there is no /dev/kvm"),
        ErrorReport("it has no cost profiles", 2),
        DescriptionReport(DESCRIPTION),
        Describe(
            delivery="kvm",
            delivery_module="x",
            options=Options(cpus=(1, 2), wait=False, fork=True, near_exact=True),
        ),
        Describe(
            delivery="model",
            delivery_module="x",
            options=Options(
                costs="my.toml", costs_file=b"title = '\xff'", cost_values={"costs.eoi": 0.5}
            ),
        ),
    ],
    ids=lambda message: type(message).__name__,
)
def test_a_message_survives_the_trip(message: Message) -> None:
    """The types survive, too: tuples are tuples again."""
    assert decode(encode(message)) == message


def test_a_job_survives_the_trip_but_for_the_function_that_makes_more_ops() -> None:
    """A worker asks the manager instead."""
    job = decode(encode(JOB))

    assert job == JOB
    assert isinstance(job, Job)
    with pytest.raises(ProtocolError, match="cannot ask for ops"):
        job.tasks[0].program_for(0, (1,))


@pytest.mark.parametrize("before", ["", "[    1.5] kvm: ", "#pvbench "])
@pytest.mark.parametrize("after", ["\n", "\r\n", "[    2.5] random: crng init done\n"])
def test_a_message_may_share_its_line_with_a_console(before: str, after: str) -> None:
    """A kernel writes whenever it likes, and a serial port adds carriage returns."""
    message = encode(ErrorReport("it is lost")).rstrip("\n")

    assert decode(before + message + after) == ErrorReport("it is lost")


@given(st.text())
def test_a_line_without_a_frame_is_ignored(line: str) -> None:
    """It is other output of the worker."""
    assert decode(line) is None


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        pytest.param("#pvbench/5 2 00000000 {}", "version 5 of the", id="newer"),
        pytest.param("#pvbench/4 2 00000000 {}", "it is damaged", id="checksum"),
        pytest.param("#pvbench/4 20 00000000 {}", "it is damaged", id="cut"),
        pytest.param(framed("{"), "it is not JSON data", id="no-json"),
        pytest.param(framed("[" * 100_000), "it is not JSON data", id="deep"),
        pytest.param(framed("9" * 5_000), "it is not JSON data", id="huge-number"),
        pytest.param(framed('{"kind": NaN}'), "it is not JSON data", id="nan"),
        pytest.param(framed("[]"), "its kind is not one of job, describe", id="list"),
        pytest.param(framed("{}"), "its kind is not one of", id="no-kind"),
        pytest.param(framed('{"kind": []}'), "its kind is not one of", id="kind-is-a-list"),
        pytest.param(framed('{"kind": "ask"}'), "is not an object of task, burst", id="empty"),
    ],
)
def test_a_line_that_is_almost_a_message_is_refused(line: str, reason: str) -> None:
    """There is a sentence, and no traceback."""
    with pytest.raises(ProtocolError, match=reason):
        decode(line)


@pytest.mark.parametrize("deadline_s", [0.0, 1e-4, -1.0])
def test_a_job_without_a_deadline_is_refused(deadline_s: float) -> None:
    """A timer of 0 s never expires, so the worker would have no limit of its own."""
    with pytest.raises(ProtocolError, match=r"deadline_s: \S+ is not a number in 0\.001\.\."):
        decode(encode(JOB._replace(deadline_s=deadline_s)))


@pytest.mark.parametrize(
    "message",
    [
        JOB,
        Ask(0, 1, (2,)),
        Answer((Fence(), WrMsr(1, 2))),
        SliceReport(1, RESULT),
        DescriptionReport(DESCRIPTION),
    ],
    ids=lambda message: type(message).__name__,
)
@given(data=st.data())
def test_garbage_is_refused_or_has_the_types_of_the_protocol(
    message: Message, data: st.DataObject
) -> None:
    """A message that passes is equal to itself after another trip."""
    try:
        decoded = decode(data.draw(mutated(message)))
    except ProtocolError:
        return
    assert decoded is not None
    assert decode(encode(decoded)) == decoded


WALL = "result: distributions: wall: "


def times(**changes: Any) -> dict[str, Any]:
    """The times of the series `wall` as a worker reports them, with *changes*."""
    return {"distributions": {"wall": attrs.asdict(bursts_of(2_000)) | changes}}


@pytest.mark.parametrize(
    ("change", "field"),
    [
        pytest.param({"loops": 10.0}, "result: loops: 10.0", id="loops-are-a-float"),
        pytest.param({"loops": 0}, "result: loops: 0", id="no-loops"),
        pytest.param({"loops": True}, "result: loops: True", id="loops-are-true"),
        pytest.param(times(median=float("inf")), "it is not JSON data", id="infinite-time"),
        pytest.param(times(total=1e9), f"{WALL}total: 1", id="total-is-a-float"),
        pytest.param(times(total=10**400), f"{WALL}total: 1", id="more-than-64-bits"),
        pytest.param(times(p99=10**400), f"{WALL}p99: 1", id="p99-is-an-integer"),
        pytest.param(times(samples="ten"), f"{WALL}samples: 'ten'", id="samples-are-text"),
        pytest.param(times(samples=0), f"{WALL}samples: 0", id="no-samples"),
        pytest.param(times(minimum=-1.0), f"{WALL}minimum: -1", id="negative-time"),
        pytest.param(
            times(median=3e3), f"{WALL}5 times with .* are impossible", id="not-in-order"
        ),
        pytest.param(times(histogram="x"), f"{WALL}'x' is not an entry", id="no-histogram"),
        pytest.param(times(p50=1.0), f"{WALL}an object is not", id="unknown-quantile"),
        pytest.param(
            {"partial": [{"burst": -1, "cpus": [1], "times": 1}]},
            "result: partial: burst: -1",
            id="burst-below-0",
        ),
        pytest.param(
            {"partial": [{"burst": 0, "cpus": [-1], "times": 1}]},
            "result: partial: cpus: -1",
            id="cpu-below-0",
        ),
        pytest.param(
            {"assumed": {"wall": 1.5}}, "result: assumed: wall: 1.5", id="assumed-more-than-all"
        ),
        pytest.param({"facts": {"x": 10**400}}, "result: facts: x: 1", id="huge-fact"),
        pytest.param(
            {"ticks_per_second": 0}, "result: ticks_per_second: 0", id="a-clock-that-stands"
        ),
    ],
)
def test_a_slice_result_out_of_range_is_refused(change: dict[str, Any], field: str) -> None:
    """No such number may become a time; the sentence names its field."""
    data = {"kind": "slice", "number": 0, "result": result_data(RESULT) | change}

    with pytest.raises(ProtocolError, match=f"^{field}"):
        decode(framed(json.dumps(data)))


def test_control_characters_are_not_in_texts_that_are_shown() -> None:
    """Errors and faults may contain any text."""
    result = attrs.evolve(RESULT, faults=("\x1b[2Jgone",), target_state="halted")
    slice_report = decode(encode(SliceReport(0, result)))

    assert decode(encode(ErrorReport("a\n\x1b[31mb"))) == ErrorReport("a  [31mb")
    assert isinstance(slice_report, SliceReport)
    assert slice_report.result.faults == ("[2Jgone",)


def test_a_guest_has_no_fields_that_most_guests_do_not_need() -> None:
    """A later field changes neither their data nor hashes of them."""
    data = guest_data(guest_of((0, 1)))

    assert sorted(data) == [
        "apic_ids",
        "apic_mode",
        "bits",
        "host_cpus",
        "hypercall_abi",
        "name",
    ]
    assert decoded_guest(data | {"apic_ids": [0, 1]}) == guest_of((0, 1))


def test_a_guest_keeps_what_few_guests_have() -> None:
    """An IOMMU, and CPUs without x2APIC."""
    guest = guest_of((0, 1), x2apic=False, intremap=True)
    data = guest_data(guest)

    assert (data["x2apic"], data["intremap"]) == (False, True)
    assert decoded_guest(data | {"apic_ids": [0, 1]}) == guest
