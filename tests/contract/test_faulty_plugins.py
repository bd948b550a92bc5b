"""A plugin that fails after it is loaded affects only its own cases."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pvbench.cli.main import main

SENDER = """
from pvbench.hookspecs import hookimpl
from pvbench.kvm_overlay import KvmOverlay
from pvbench.sequences import words
pvbench_api = 1
class Faulty(KvmOverlay):
    name = "faulty"
    summary = "a sender that fails"
    hypercall_abi = "kvm"
    def calls(self, apic_ids, icr, bits):
        yield (*words(sum(1 << i for i in apic_ids), 2), 0, icr)
@hookimpl
def pvbench_senders():
    return [Faulty()]
"""
WORKLOAD = """
from pvbench.hookspecs import hookimpl
from pvbench.ops import Burst
from pvbench.workload import Workload
pvbench_api = 1
def bursts(guest):
    {body}
@hookimpl
def pvbench_workloads():
    return [Workload(name="faulty", summary="fails", bursts=bursts)]
"""
RUN = ("run", "norov", "--fast", "-q", "--driver", "x2apic-physical", "-o", "a.json")


@pytest.fixture
def plugin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    return tmp_path / f"{tmp_path.name.replace('-', '_')}_faulty.py"


def outcomes(path: Path) -> dict[str, str]:
    """Reason of each case that did not run, by outcome."""
    entries = [json.loads(line) for line in path.read_text().splitlines()]
    return {entry["outcome"]: entry["reason"] for entry in entries if "case" in entry}


@pytest.mark.parametrize(
    ("method", "reason"),
    [
        pytest.param(
            "def drops(self, cpus, guest, linux): raise OSError('no')",
            "OSError: no",
            id="raises",
        ),
        pytest.param(
            "def drops(self, cpus, guest, linux): return None", "TypeError", id="none"
        ),
        pytest.param(
            "def drops(self, cpus, guest, linux): return frozenset({0})",
            "drops() names CPU 0, which is not a target",
            id="drops-a-cpu-that-is-no-target",
        ),
        pytest.param(
            "def drops(self, cpus, guest, linux): return frozenset({3})",
            "drops() names CPU 3, which it reaches",
            id="loses-nobody",
        ),
        pytest.param(
            "def why_unsupported(self, guest): 1 / 0", "ZeroDivisionError", id="unsupported"
        ),
        pytest.param(
            "def why_refused(self, burst, guest): 1 / 0", "ZeroDivisionError", id="refuses"
        ),
    ],
)
def test_a_failing_sender_is_void_and_the_others_run(
    plugin: Path, method: str, reason: str
) -> None:
    """The exit status is 6, the journal has the reason, and native times are stored."""
    plugin.write_text(SENDER.replace("    def calls", f"    {method}\n    def calls"))

    status = main([*RUN, "-p", plugin.stem, "--sender", "native,faulty", "-k", "*.broadcast"])

    assert (status, reason in outcomes(Path("a.jsonl"))["void"]) == (6, True)
    assert "x2apic-physical" in Path("a.json").read_text()


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        pytest.param("raise OSError('no')", "workload faulty raises OSError: no", id="raises"),
        pytest.param("return None", "workload faulty raises TypeError", id="none"),
        pytest.param(
            "return (Burst(source=0, operation='send_IPI_mask', targets=(1, 500)),)",
            "workload faulty raises ValueError: it names CPU 500 in a guest of 80 CPUs",
            id="target-outside-the-guest",
        ),
        pytest.param(
            "return (Burst(source=500, operation='send_IPI_mask', targets=(1,)),)",
            "workload faulty raises ValueError: it names CPU 500 in a guest of 80 CPUs",
            id="source-outside-the-guest",
        ),
    ],
)
def test_a_failing_workload_is_blocked_and_the_others_run(
    plugin: Path, body: str, reason: str
) -> None:
    """The reason names the workload, not the sender."""
    plugin.write_text(WORKLOAD.format(body=body))

    arguments = ["--sender", "native", "--workload", "broadcast,faulty"]
    status = main([*RUN, "-p", plugin.stem, *arguments])

    assert (status, reason in outcomes(Path("a.jsonl"))["blocked"]) == (5, True)
    assert "norov.broadcast" in Path("a.json").read_text()


@pytest.mark.parametrize(
    ("option", "words"),
    [
        pytest.param("--linux=6.12", "Linux 6.12", id="linux"),
        pytest.param("--bits=32", "32-bit, targets halted", id="32-bit"),
        pytest.param("--host-cpus=4", "on 4 host CPUs", id="host-cpus"),
    ],
)
def test_a_heading_names_options_that_are_not_the_defaults(
    plugin: Path, option: str, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Runs under different conditions have different headings."""
    main([*RUN, option, "--sender", "native", "-k", "*.broadcast"])

    heading, _ = capsys.readouterr().out.split("\n\n", maxsplit=1)
    assert words in " ".join(heading.split())


def test_senders_with_equal_ops_are_named_below_the_table(
    plugin: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """79 targets fit in one window of 128, so the hypercall variants cannot differ."""
    main([*RUN, "--sender", "kvm-pv,kvm-pv-4.19", "-k", "*.broadcast"])

    expected = "Note: kvm-pv, kvm-pv-4.19 have the same time and counts in broadcast."
    assert expected in capsys.readouterr().out


def test_a_run_that_ended_early_is_shown_as_incomplete(
    plugin: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The journal has the planned number of boots."""
    main([*RUN, "--sender", "native", "-k", "*.broadcast", "--boots", "2"])
    lines = Path("a.jsonl").read_text().splitlines()
    Path("a.jsonl").write_text("\n".join(lines[:3]) + "\n")
    capsys.readouterr()

    main(["show", "a.json"])

    assert "incomplete: 1 of 2 boots, the run did not end" in capsys.readouterr().out


def test_explain_says_that_a_sender_leaves_an_operation_native(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Otherwise the driver's ops would look like the sender's."""
    main(["explain", "shorthand", "--targets", "1,2"])

    assert "shorthand leaves send_IPI_mask to the driver" in capsys.readouterr().out
