"""A run: boot by boot onto disk, honest about every case, the same every time."""

from __future__ import annotations

import platform
import socket
from pathlib import Path
from typing import Any

import pytest

from pvbench.results import files as result_files
from pvbench.results.rows import rows
from support.plugin_sources import delivery_around_the_model, overlay
from support.runs import AddPlugin, journal_of, run_to

ONE = ("-k", "*.broadcast", "--vcpus", "8", "--driver", "x2apic-physical", "--sender")
NATIVE = (*ONE, "native")


def outcomes(path: Path) -> list[tuple[str, str]]:
    """(outcome, reason) of every case in the journal, in its order."""
    cases: list[dict[str, str]] = []
    for entry in journal_of(path):
        cases += [entry] if "case" in entry else entry.get("cases", {}).values()
    return [(case["outcome"], case["reason"]) for case in cases]


def in_order(entries: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The entries of a journal with its boots, which ended in any order, as planned."""
    return sorted(entries, key=lambda entry: entry.get("boot", 99 if "end" in entry else 0))


def test_a_run_leaves_one_run_for_each_series_of_each_boot(native_file: Path) -> None:
    """``--boots 3`` gives three runs of every series; loops and values are pyperf's."""
    suite = result_files.read(str(native_file))

    assert {len(benchmark.get_runs()) for benchmark in suite} == {3}
    assert {run.get_loops() for b in suite for run in b.get_runs()} == {5}
    assert {len(run.values) for b in suite for run in b.get_runs()} == {1}


def test_a_waiting_case_has_all_its_times(native_file: Path) -> None:
    """Each series of each case has one benchmark."""
    names = [row.fact("series") for row in rows(result_files.read(str(native_file)))]

    assert names == 4 * ["send", "irqoff", "deliver", "ack", "wall"]


def test_times_are_nested(overlay_file: Path) -> None:
    """Always send <= ack and deliver <= ack, and the iteration holds them all."""
    values = {
        (row.fact("workload"), row.fact("stack"), row.fact("series")): row.value_s
        for row in rows(result_files.read(str(overlay_file)))
    }
    cases = {key[:2] for key in values if key[2] == "ack"}

    assert len(cases) == 12
    for case in cases:
        send, deliver, ack, wall = (
            values[*case, s] for s in ("send", "deliver", "ack", "wall")
        )
        assert max(send, deliver) <= ack < wall


def test_the_journal_has_the_plan_each_boot_and_the_end(native_file: Path) -> None:
    """They are in this order; the end is missing if the run was killed."""
    plan, *boots, end = journal_of(native_file)
    entry = plan["plan"]

    assert (entry["suite"], entry["seed"], entry["boots"]) == ("norov", 0, 3)
    assert sorted((b["boot"], b["outcome"], len(b["cases"])) for b in boots) == [
        (1, "ok", 4),
        (2, "ok", 4),
        (3, "ok", 4),
    ]
    assert end == {"end": 0, "signal": 0}


def test_the_same_seed_gives_the_same_bytes(native_file: Path, tmp_path: Path) -> None:
    """Nothing of the host, the time or the process is in a modelled result."""
    second = tmp_path / "again.json"
    run_to(second, "-k", "broadcast", "--sender", "native", "--boots", "3")

    assert second.read_bytes() == native_file.read_bytes()
    assert in_order(journal_of(second)) == in_order(journal_of(native_file))


def test_another_seed_changes_the_order_of_boots_and_nothing_else(tmp_path: Path) -> None:
    """Benchmarks stand in the order of the plan."""
    options = ("-k", "*.broadcast", "--vcpus", "2,3,4,5", "--driver", "x2apic-physical")
    orders, contents = [], []
    for seed in ("0", "1"):
        path = tmp_path / f"{seed}.json"
        run_to(path, *options, "--sender", "native", "--seed", seed)
        boots = (entry for entry in in_order(journal_of(path)) if "boot" in entry)
        orders.append([entry["guest"] for entry in boots])
        contents.append(path.read_bytes())

    assert orders[0] != orders[1]
    assert contents[0] == contents[1]


def test_no_file_names_the_host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Results are published; hostnames must not be."""
    monkeypatch.setattr(socket, "gethostname", lambda: "zanzibar")
    monkeypatch.setattr(platform, "node", lambda: "zanzibar")
    path = tmp_path / "a.json"
    run_to(path, *NATIVE)
    text = path.read_text() + path.with_suffix(".jsonl").read_text()

    assert "zanzibar" not in text
    assert "hostname" not in text


@pytest.mark.usefixtures("one_cpu")
def test_every_boot_is_on_disk_before_the_next_begins(
    tmp_path: Path, add_plugin: AddPlugin, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killing the run at any moment loses at most the boot in flight."""
    path, observed = tmp_path / "a.json", tmp_path / "seen"
    monkeypatch.setenv("SEEN", str(observed))
    monkeypatch.setenv("RESULTS", str(path))
    look = (
        "book = Path(os.environ['RESULTS'] + 'l').read_text().count('\\\"boot\\\": ');"
        "runs = Path(os.environ['RESULTS']).read_text().count('\\\"values\\\"');"
        "open(os.environ['SEEN'], 'a').write(f'{book}:{runs} ')"
    )
    add_plugin("looking", delivery_around_the_model("looking", before_boot=look))
    run_to(path, "-p", "looking", "--delivery", "looking", "--boots", "3", *NATIVE)

    assert observed.read_text().split() == ["0:0", "1:5", "2:10"]


CRASH_IN_BOOT_2 = (
    "made = Path(os.environ['BOOTS']); made.open('a').write('.');"
    "made.read_text() == '..' and os._exit(3)"
)


@pytest.mark.usefixtures("one_cpu")
def test_a_crashed_worker_fails_one_boot(
    tmp_path: Path, add_plugin: AddPlugin, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The boots before and after it are kept, and the exit status says 5."""
    path = tmp_path / "a.json"
    monkeypatch.setenv("BOOTS", str(tmp_path / "boots"))
    add_plugin("crashing", delivery_around_the_model("crashing", before_boot=CRASH_IN_BOOT_2))
    output = run_to(path, "-p", "crashing", "--delivery", "crashing", "--boots", "3", *NATIVE)

    assert output.status == 5
    assert outcomes(path) == [
        ("ok", ""),
        ("failed", "the worker ended with status 3: no output on stderr"),
        ("ok", ""),
    ]
    assert {len(b.get_runs()) for b in result_files.read(str(path))} == {2}
    assert "failed: norov.broadcast x2apic-physical" in output.out


LIE = "result = attrs.evolve(result, counts=attrs.evolve(result.counts, {}))"


@pytest.mark.parametrize(
    ("lie", "reason"),
    [
        pytest.param(
            "icr_writes=result.counts.icr_writes - 1",
            "ICR writes 34 instead of 35",
            id="a-write-lost",
        ),
        pytest.param("hypercalls=5", "hypercalls 5 instead of 0", id="another-mechanism"),
        pytest.param(
            "handlers=[n + 1 for n in result.counts.handlers]",
            "handler runs on CPU 0: 1 instead of 0 (and on 7 more CPUs)",
            id="other-cpus-interrupted",
        ),
    ],
)
def test_a_delivery_without_proof_gives_no_number(
    tmp_path: Path, add_plugin: AddPlugin, lie: str, reason: str
) -> None:
    """``void``, exit status 6, no value on disk, and the difference by name."""
    path = tmp_path / "a.json"
    add_plugin("lying", delivery_around_the_model("lying", after_slice=LIE.format(lie)))
    output = run_to(path, "-p", "lying", "--delivery", "lying", *NATIVE)

    assert (output.status, path.exists()) == (6, False)
    assert outcomes(path) == [("void", f"proof of mechanism failed: {reason}")]


SKIP = "return (WrMsr(0x830, apic.id(cpu) << 32 | vector) for cpu in cpus[1:])"
TWICE = "return (WrMsr(0x830, apic.id(c) << 32 | vector) for c in (*cpus, cpus[0]))"
UNEXPECTED = "return (WrMsr(0x830, apic.id(c) << 32 | vector) for c in (0, *cpus))"
OTHER = "return (WrMsr(0x830, apic.id(cpu) << 32 | 0x40) for cpu in cpus)"
NATIVELY = "return apic.stack.driver.send_IPI_mask(apic, cpus, vector)"


@pytest.mark.parametrize(
    ("body", "mechanism", "reason"),
    [
        pytest.param(SKIP, "icr", "it does not reach CPU 1", id="skips-one"),
        pytest.param(TWICE, "icr", "it reaches CPU 1 more than once", id="hits-one-twice"),
        pytest.param(
            UNEXPECTED,
            "icr",
            "it reaches CPU 0, which is not a target",
            id="hits-an-unexpected-cpu",
        ),
        pytest.param(OTHER, "icr", "it sends vector 0x40, not 0xfc", id="other-vector"),
        pytest.param(
            NATIVELY,
            "hypercall",
            "it declares mechanism hypercall but sends by another one",
            id="falls-back",
        ),
        pytest.param(
            "return 1 / 0",
            "icr",
            "sender broken raises ZeroDivisionError: division",
            id="raises",
        ),
    ],
)
def test_a_broken_sender_is_void_and_the_others_are_measured(
    tmp_path: Path, add_plugin: AddPlugin, body: str, mechanism: str, reason: str
) -> None:
    """It fails the static check before it runs: exit status 6, never a number."""
    path = tmp_path / "a.json"
    add_plugin("broken_sender", overlay("broken", body, mechanism))
    output = run_to(path, "-p", "broken_sender", *ONE, "native,broken")
    (void, why), ok = outcomes(path)

    assert (output.status, void, ok) == (6, "void", ("ok", ""))
    assert why.startswith(f"broken/x2apic-physical on dense:8 fails the static check: {reason}")
    assert {row.fact("sender") for row in rows(result_files.read(str(path)))} == {"native"}
    assert why in output.out


def test_cases_of_a_blocked_plugin_are_blocked_and_others_run(tmp_path: Path) -> None:
    """A missing plugin is the environment's fault: exit status 5, with the name."""
    path = tmp_path / "a.json"
    output = run_to(path, "-p", "no:send-x2apic-cluster", "-k", "*.broadcast", "--vcpus", "8")

    assert output.status == 5
    assert outcomes(path)[0] == ("blocked", "no plugin offers sender x2apic-cluster")
    assert {row.fact("driver") for row in rows(result_files.read(str(path)))} == {
        "x2apic-physical"
    }
    assert "no plugin offers sender x2apic-cluster" in output.out


def test_a_lossy_sender_shows_its_loss_and_has_no_time_to_acknowledgement(
    lossy_file: Path,
) -> None:
    """APIC IDs 128..159 are lost, faithfully: 32 of 159; the source cannot wait for them."""
    lossy = [
        r for r in rows(result_files.read(str(lossy_file))) if r.fact("sender") != "kvm-pv"
    ]

    assert [row.fact("series") for row in lossy] == ["send", "irqoff"]
    assert {(row.fact("lost"), row.fact("targets")) for row in lossy} == {(32, 159)}
    assert {row.fact("handlers") for row in lossy} == {127.0}


def test_a_label_is_stored_with_every_series(tmp_path: Path) -> None:
    """A user can distinguish two runs of one machine by it."""
    path = tmp_path / "a.json"
    run_to(path, *NATIVE, "--label", "before the patch")

    assert {r.fact("label") for r in rows(result_files.read(str(path)))} == {"before the patch"}
