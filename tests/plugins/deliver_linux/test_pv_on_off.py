"""The suite pv-on-off from the command line, under a fake QEMU."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from support import fake_linux_plugin
from support.runs import Cli, Output, call, journal_of


@pytest.fixture
def run(cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Output]:
    """Runs a small part of the suite with six pairs of guests."""
    (tmp_path / "hypercalls").write_text("0")
    (tmp_path / "vmlinuz").write_bytes(b"a kernel")
    monkeypatch.setenv("FAKE_HYPERCALLS", str(tmp_path / "hypercalls"))
    monkeypatch.setenv("PYTHONPATH", str(Path(fake_linux_plugin.__file__).parents[1]))

    def run(*words: str) -> Output:
        return cli(
            *("run", "pv-on-off", "-q", "-p", fake_linux_plugin.__file__, "-o", "a.json"),
            *("--delivery", "fake-linux", "--vcpus", "8", "--driver", "x2apic-physical"),
            *("--targets", "halted", "--workload", "membarrier:3:50,futex:50", *words),
        )

    return run


def test_a_run_gives_times_of_runs_and_verdicts_of_pairs(
    cli: Cli, run: Callable[..., Output]
) -> None:
    """On and off are adjacent guests of a boot."""
    output = run("--boots", "6")
    compared = cli("compare", "a.json", "--by", "sender").out

    assert output.status == 0
    assert "median wall time of one run, measured by fake-linux" in output.out
    assert "of one run, which was traced and not timed:" in output.out
    assert "Operations per second of the timed run:" in output.out
    assert "PV IPI was never used: kvm-pv/x2apic-physical made no hypercall" in output.out
    assert "0 -> 150w 50h" in compared
    assert compared.count("equivalent") >= 1
    assert "not interleaved" not in compared


def test_a_run_is_a_page_that_can_be_mailed(run: Callable[..., Output]) -> None:
    """No line is longer than 72 columns."""
    run("--boots", "2")
    page = call("report", "a.json", columns=72).out

    assert "Units: wall time of one run" in page
    assert [line for line in page.splitlines() if len(line) > 72] == []


def test_a_void_pair_is_no_result(
    run: Callable[..., Output], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The canary shows that the guest has no PV IPIs."""
    monkeypatch.setenv("FAKE_LINUX", "no-canary")
    output = run("--boots", "1")
    boots = [entry for entry in journal_of(Path("a.json")) if "boot" in entry]
    outcomes = {name.split(" ")[1]: case["outcome"] for name, case in boots[0]["cases"].items()}

    assert output.status == 6
    assert outcomes == {"x2apic-physical": "ok", "kvm-pv/x2apic-physical": "void"}


def test_a_resumed_run_repeats_no_boot(run: Callable[..., Output]) -> None:
    """Also after the host was started again."""
    run("--boots", "1")
    before = Path("a.jsonl").read_text() if Path("a.jsonl").exists() else ""
    output = run("--boots", "2", "--resume")
    boots = [entry["boot"] for entry in journal_of(Path("a.json")) if "boot" in entry]

    assert (output.status, len(boots)) == (0, 2)
    assert len({*boots}) == 2
    assert before != ""
