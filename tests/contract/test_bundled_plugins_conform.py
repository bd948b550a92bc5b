"""Bundled plugins pass the public conformance kit."""

from __future__ import annotations

import gzip

import pytest

from pvbench.testing.benchmark_texts import check_benchmark_text
from pvbench.testing.deliveries import check_delivery
from pvbench.testing.readers import check_reader
from pvbench.testing.senders import check_sender
from pvbench.testing.sites import check_site
from pvbench.testing.workloads import check_workload
from pvbench_deliver_kvm.vmm.kvm import DEVICE
from support.benchmark_texts import TEXTS, text_of
from support.helpers import bundled
from support.require import skip_without
from support.traces import TRACES

# Members of each family, far from its defaults.
MEMBERS = {
    "fanout": ("8", "8:spread", "200:random-1"),
    "futex": ("9",),
    "hackbench": ("2", "1:9"),
    "madvise": ("8:9",),
    "membarrier": ("1", "6:9"),
    "mesh": ("8", "3:7"),
    "munmap": ("8:9",),
    "pairs": ("4", "3:ring"),
    "pipe": ("9",),
    "recorded": ("redis-16", "module-load-16"),
    "sampled": ("redis-16:9", "mmap-16:40:7"),
    "shootdown": ("2", "3:5", "8:all"),
}
# A trace of each form, and how many of its events matter.
TRACE_OF = (
    ("bare", "host-hypercalls.txt", 4),
    ("function-graph", "smp8-funcgraph.txt.gz", 31),
    ("histogram", "smp8-hist_cpu.txt.gz", 354),
    ("latency", "smp16-tracefs-latency.txt.gz", 67),
    ("perf-script", "smp8-perf_header.txt.gz", 3),
    ("trace-cmd", "smp16-tracecmd-report.txt.gz", 326),
    ("tracefs", "smp8-nosymoffset.txt.gz", 37),
)


@pytest.mark.parametrize("name", bundled().senders)
def test_a_bundled_sender_conforms(name: str) -> None:
    """The kit has its own guests and bursts."""
    check_sender(bundled().senders[name])


@pytest.mark.parametrize("name", bundled().table("workload"))
def test_a_bundled_workload_conforms(name: str) -> None:
    """The defaults and other members of the family are checked."""
    check_workload(bundled().table("workload")[name], *MEMBERS.get(name, ()))


@pytest.mark.usefixtures("busy_targets")
@pytest.mark.parametrize("name", bundled().table("delivery"))
def test_a_bundled_delivery_conforms(name: str) -> None:
    """The test is skipped with the reason if this machine cannot run it."""
    delivery = bundled().table("delivery")[name]
    skip_without(name, delivery.why_unavailable(), means=name != "kvm" or DEVICE.exists())
    check_delivery(delivery)


def test_the_bundled_site_local_conforms() -> None:
    """It boots the model in worker processes."""
    check_site(bundled().table("site")["local"])


@pytest.mark.parametrize(("name", "trace", "events"), TRACE_OF)
def test_a_bundled_reader_of_text_conforms(name: str, trace: str, events: int) -> None:
    """Each reads a trace of its form, always alike."""
    content = (TRACES / trace).read_bytes()
    text = gzip.decompress(content) if trace.endswith(".gz") else content

    check_reader(bundled().table("reader")[name], text, events)


@pytest.mark.parametrize("file", TEXTS)
def test_a_bundled_text_of_a_benchmark_conforms(file: str) -> None:
    """Each reads a text as people paste it."""
    name, times = TEXTS[file]

    check_benchmark_text(bundled().table("benchmark")[name], text_of(file), times)


def test_every_bundled_text_of_a_benchmark_is_checked() -> None:
    """A new one must be added to the list."""
    assert {*bundled().table("benchmark")} == {name for name, _ in TEXTS.values()}


def test_every_bundled_reader_of_text_is_checked() -> None:
    """A new one must be added to the list above."""
    readers = bundled().table("reader").values()

    assert {one.name for one in readers if one.parse} == {name for name, _, _ in TRACE_OF}


def test_every_bundled_family_is_checked_beyond_its_defaults() -> None:
    """A new family must be added to the list above."""
    families = {
        name for name, workload in bundled().table("workload").items() if workload.parameters
    }

    assert families == set(MEMBERS)
