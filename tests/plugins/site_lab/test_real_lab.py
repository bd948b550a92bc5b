"""The KVM of a real kernel, in a machine that QEMU emulates."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import attrs
import pytest

from pvbench.delivery import Clock, Description, Options
from pvbench.ops import Burst
from pvbench.protocol import Describe, Job, SliceReport, Turn
from pvbench.results.files import read
from pvbench.results.rows import rows
from pvbench.run.prepared import Prepared, prepare
from pvbench.run.rate import with_rate
from pvbench.site import Session, SiteOptions
from pvbench.slice_result import SliceResult
from pvbench.testing.cases import case_of
from pvbench.testing.sites import check_site
from pvbench.topology import parse_guest
from pvbench_site_lab.site import LabFamily
from support.helpers import bundled, burst_of
from support.lab import kernel, why_no_lab
from support.require import skip_without
from support.runs import Cli

LONGEST_S = 1800.0  # of a boot, on a machine that is very busy


@pytest.fixture(scope="module")
def address(own_cache: None) -> str:
    """The lab to boot; its files are made once for all tests here."""
    skip_without("lab", why_no_lab(), means=True)
    return str(kernel())


@pytest.fixture(scope="module")
def session(address: str) -> Iterator[Session]:
    """A session with the lab."""
    with LabFamily().at(address).session(SiteOptions(timeout_s=LONGEST_S)) as session:
        yield session


@pytest.fixture(scope="module")
def description(session: Session) -> Description:
    """The delivery kvm in the lab."""
    request = Describe("kvm", "pvbench_deliver_kvm", Options())
    return session.describe(session.hosts[0], request)


def test_every_mechanism_of_kvm_is_probed_in_a_lab(description: Description) -> None:
    """The emulated processor has all that KVM needs."""
    assert description.clock == Clock("icount", 10**9, "near-exact")
    assert description.probes
    assert [name for name, why in description.probes.items() if why] == []
    assert description.host["virtualization"] == "svm"
    assert description.host["kvm_modules"] in ("kvm, kvm_amd", "kvm")


BROADCAST = burst_of("smp_call_function_many", 1, 2, 3)


def test_a_lab_conforms(address: str) -> None:
    """As the sites of other authors do."""
    check_site(LabFamily(), address, delivery="kvm")


def sent(*bursts: Burst) -> list[Prepared]:
    """Bursts by ICR writes and by hypercall, in a guest of four CPUs."""
    guest = parse_guest("dense:4")
    stacks = map(bundled().stack, ("x2apic-physical", "kvm-pv/x2apic-physical"))
    return [prepare(case_of(stack, guest, *bursts, delivery="kvm")) for stack in stacks]


def job(description: Description, *bursts: Burst, number: int = 1) -> Job:
    """The same in boot *number*."""
    cases = sent(*bursts)
    return Job(
        delivery="kvm",
        delivery_module="pvbench_deliver_kvm",
        worker_data=description.worker_data,
        guest=cases[0].case.guest,
        tasks=tuple(prepared.task for prepared in cases),
        schedule=tuple(Turn(task, 10, 2) for task in (0, 1, 1, 0)),
        slice_s=None,
        deadline_s=LONGEST_S,
        start_delay_us=137 * number,
    )


def results(session: Session, work: Job) -> list[SliceResult]:
    """Those of one boot."""
    with closing(session.boot(session.hosts[0], work)) as reports:
        return [report.result for report in reports if isinstance(report, SliceReport)]


def test_boots_that_start_at_different_times_have_equal_results(
    session: Session, description: Description
) -> None:
    """Counts are equal; times normally too, and differ by less than 0.1 % if not."""
    first, second = (
        results(session, job(description, BROADCAST, number=number)) for number in (1, 2)
    )
    times = [
        [result.distributions[series].median for result in boot for series in ("send", "ack")]
        for boot in (first, second)
    ]

    assert len(first) == 4
    assert [result.counts for result in first] == [result.counts for result in second]
    assert times[0] == pytest.approx(times[1], rel=1e-3)


def test_send_is_the_path_of_the_sender_alone(
    session: Session, description: Description
) -> None:
    """The targets work after it: three of them more than the sender, on one CPU."""
    for result in results(session, job(description, BROADCAST)):
        send, ack = (result.distributions[series].median for series in ("send", "ack"))

        assert send < 0.5 * ack
        assert result.facts["scheduling"] == "SCHED_FIFO 1, SCHED_FIFO 2"
        assert result.facts["send_scheduling"] == "SCHED_RR with 8 ms"


def test_a_run_in_a_lab_proves_its_mechanisms(cli: Cli, address: str) -> None:
    """One hypercall for a broadcast, or an ICR write for each target."""
    output = cli(
        *("run", "norov", "-q", "--site", f"lab:{address}", "--delivery", "kvm", "--fast"),
        *("--vcpus", "3", "--sender", "x2apic-physical,kvm-pv", "--driver", "x2apic-physical"),
        *("-k", "broadcast and not lock", "-o", "a.json", "--timeout", str(LONGEST_S)),
    )
    assert output.status == 0, output.err
    measured = rows(read("a.json"))
    counts = {
        row.fact("stack"): (row.fact("icr_writes"), row.fact("hypercalls")) for row in measured
    }

    assert counts == {"x2apic-physical": (2, 0), "kvm-pv/x2apic-physical": (0, 1)}
    assert {row.kind for row in measured} == {"emulated"}
    assert {len(row.boots_s) for row in measured} == {2}
    journal = [json.loads(line) for line in Path("a.jsonl").read_text().splitlines()]
    assert {entry["outcome"] for entry in journal if "boot" in entry} == {"ok"}


def test_the_clock_of_the_host_allows_several_sources(address: str) -> None:
    """
    Two of three emulated CPUs send at the same time, to one target each by an ICR write.

    Their rate is of both together.
    """
    bursts = [attrs.evolve(BROADCAST, source=cpu, targets=(cpu + 2,)) for cpu in (0, 1)]
    options = SiteOptions(timeout_s=LONGEST_S)
    with LabFamily().at(f"{address},clock=tsc,cpus=3").session(options) as session:
        request = Describe("kvm", "pvbench_deliver_kvm", Options())
        described = session.describe(session.hosts[0], request)
        measured = results(session, job(described, *bursts))

    assert described.cpus == "3 usable of 3"
    assert [result.counts.icr_writes for result in measured] == [20] * 4
    assert [result.counts.handlers for result in measured] == [(0, 0, 10, 10)] * 4
    rated = [with_rate(sent(*bursts)[0], result).distributions for result in measured]
    spans = [times["makespan"].total for times in rated]
    assert [times["rate"].median for times in rated] == [span / 20 for span in spans]
