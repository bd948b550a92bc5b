"""Runs whose KVM is missing or disappears: exit status, one sentence, complete files."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pyperf
import pytest

from pvbench_deliver_kvm.vmm import kvm
from support.runs import AddPlugin, Cli, Output, journal_of

RUN = ("run", "norov", "--vcpus", "2", "--fast")
ONE = ("-k", "normal-ipi", "--sender", "native", "--driver", "x2apic-physical")
NO_DEVICE = (
    "{}/kvm cannot be opened: No such file or directory. "
    "Load kvm_intel or kvm_amd, or run with --delivery model."
)

# KVM, of which nothing is asked before a worker boots a guest; there something is amiss.
HINDERED = """
import os
from contextlib import contextmanager
from pathlib import Path
from pvbench.delivery import Description
from pvbench.hookspecs import hookimpl
from pvbench_deliver_kvm import build
from pvbench_deliver_kvm.delivery import CLOCK, KvmDelivery
from pvbench_deliver_kvm.settings import Settings
from pvbench_deliver_kvm.vmm import kvm, limits as room

class Hindered(KvmDelivery):
    name = "hindered"

    def why_unavailable(self):
        return None

    def describe(self, options):
        probes = {{"x2apic-physical": ""}}
        limits = {{"max_vcpus": 2, "max_vcpu_id": 2, "usable_cpus": 2}}
        settings = Settings(software=True, patience_s=5.0, execution="algorithm")
        return Description(
            clock=CLOCK, probes=probes, limits=limits, worker_data=settings.encoded()
        )

    @contextmanager
    def boot(self, guest, worker_data):
        {hindrance}
        with super().boot(guest, worker_data) as booted:
            yield booted

@hookimpl
def pvbench_deliveries():
    return [Hindered()]
"""
NO_CODE = "build.image = lambda: b''"
GONE = f"{NO_CODE}; kvm.DEVICE = Path('gone/kvm')"
OTHER = f"{NO_CODE}; kvm.DEVICE = Path('/dev/null')"
FULL = f"{NO_CODE}; room.KIB_PER_VCPU = 1 << 40"
GONE_ONCE = """
        if not os.path.exists("gone"):
            os.mkdir("gone")
            kvm.DEVICE = Path("gone/kvm")
"""
TRIPLE_FAULT = "build.image = lambda: bytes.fromhex('0f011d02000000 0f0b') + bytes(10)"

Run = Callable[..., Output]


@pytest.fixture
def hindered(cli: Cli, add_plugin: AddPlugin) -> Run:
    """Run two boots of one case, each hindered."""

    def run(hindrance: str) -> Output:
        name = add_plugin("hindered", HINDERED.format(hindrance=hindrance))
        kvm = ("-p", name, "--delivery", name, "--boots", "2")
        return cli(*RUN, *ONE, *kvm, "-q", "-o", "a.json")

    return run


@pytest.mark.parametrize("options", [(), ("-o", "a.json"), ("--dry-run",)])
def test_a_run_without_the_device_does_not_begin(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, options: tuple[str, ...]
) -> None:
    """It prints one sentence, ends with the status of an environment, and writes no file."""
    monkeypatch.setattr(kvm, "DEVICE", Path("/nowhere/kvm"))

    output = cli(*RUN, "--delivery", "kvm", "--boots", "1", *options)

    assert (output.status, output.out, list(tmp_path.iterdir())) == (5, "", [])
    expected = NO_DEVICE.format("/nowhere")
    assert output.err == f"pvbench: kvm cannot be used here: {expected}\n"


def boots_of(tmp_path: Path) -> list[tuple[str, str]]:
    """(outcome, reason) of each boot, which its case shares."""
    boots = [entry for entry in journal_of(tmp_path / "a.json") if "boot" in entry]
    for boot in boots:
        ((case, outcome),) = boot["cases"].items()
        assert case.startswith("norov.normal-ipi x2apic-physical dense:2 ")
        assert (outcome["outcome"], outcome["reason"]) == (boot["outcome"], boot["reason"])
    return [(boot["outcome"], boot["reason"]) for boot in boots]


def assert_all_failed(output: Output, tmp_path: Path, reason: str) -> None:
    """Exit status 5, *reason* printed and in the journal for each boot, and no result file."""
    boots = boots_of(tmp_path)
    assert [outcome for outcome, _ in boots] == ["failed", "failed"]
    assert [text for _, text in boots if not re.fullmatch(reason, text)] == []
    differ = (
        r" \(1 other reason in other boots\)" if len({text for _, text in boots}) > 1 else ""
    )
    assert re.search(f"^failed: .*: {reason}{differ}$", output.err, re.MULTILINE)
    assert journal_of(tmp_path / "a.json")[-1] == {"end": 5, "signal": 0}
    assert [path.name for path in tmp_path.glob("*.json*")] == ["a.jsonl"]
    assert (output.status, "Traceback" in output.err + output.out) == (5, False)


@pytest.mark.parametrize(
    ("hindrance", "reason"),
    [
        pytest.param(GONE, re.escape(NO_DEVICE.format("gone")), id="the-device-goes"),
        pytest.param(
            OTHER,
            "KVM_GET_API_VERSION failed: Inappropriate ioctl for device",
            id="the-device-becomes-another",
        ),
        pytest.param(
            FULL,
            r"the guest may need \d+ MiB of memory: \d+ MiB are available\. "
            r"Use fewer vCPUs\.",
            id="memory-runs-out",
        ),
    ],
)
def test_a_run_whose_boots_all_fail_reports_each_boot(
    hindered: Run, tmp_path: Path, hindrance: str, reason: str
) -> None:
    """The reports are in the journal; a run that measured nothing has no result file."""
    output = hindered(hindrance)

    assert_all_failed(output, tmp_path, reason)


@pytest.mark.usefixtures("needs_kvm")
def test_a_guest_that_dies_in_every_boot_is_reported(hindered: Run, tmp_path: Path) -> None:
    """The reason is the cause of its death."""
    output = hindered(TRIPLE_FAULT)

    assert_all_failed(output, tmp_path, r"CPU [01]: triple fault \(KVM_EXIT_SHUTDOWN\)")


@pytest.mark.usefixtures("needs_kvm")
def test_a_boot_that_fails_costs_itself_only(hindered: Run, tmp_path: Path) -> None:
    """The other's values are in a file that pyperf reads; the status tells of the failure."""
    output = hindered(GONE_ONCE)

    first, second = boots_of(tmp_path)
    suite = pyperf.BenchmarkSuite.load(str(tmp_path / "a.json"))
    runs = [run for series in suite.get_benchmarks() for run in series.get_runs()]
    assert (first, second) == (("failed", NO_DEVICE.format("gone")), ("ok", ""))
    assert {run.get_metadata()["pvbench_boot"] for run in runs} == {2}
    assert (output.status, "Traceback" in output.err + output.out) == (5, False)
