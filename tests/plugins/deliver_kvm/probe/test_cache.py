"""Probes run in child processes; one that hangs fails a probe, not the run."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from pvbench.host import facts as host_facts
from pvbench.host import lock as host_lock
from pvbench_deliver_kvm import build
from pvbench_deliver_kvm.measure.hypercall_abis import NOT_SERVED
from pvbench_deliver_kvm.probe import cache
from pvbench_deliver_kvm.probe.programs import PROBES, PROPOSALS

BEGUN = '"begun"\n'
HANGS = "hang"  # see `child`
X2APIC = PHYSICAL, LOGICAL, SHORTHAND, SELF, NMI = list(PROBES["x2apic"][2])

Child = Callable[..., None]


def lines_on(*names: str, why: str = "") -> str:
    """The lines of a child on these probes."""
    return "".join(json.dumps([name, why]) + "\n" for name in names)


ALL_WORK = lines_on(*(name for _, _, programs in PROBES.values() for name in programs))


@pytest.fixture
def child(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, limits: list[float]) -> Child:
    """Write the program that replaces a child: it prints *text*, then runs *last_command*."""
    script = tmp_path / "child"
    hang = f"hang() {{ echo >{tmp_path}/hangs; exec sleep 9999; }}"

    def write_child(text: str, last_command: str = "exit 0") -> None:
        (tmp_path / "text").write_text(text)
        lines = (
            "#!/bin/sh",
            hang,
            f"echo $$ $4 >>{tmp_path}/born",
            f"cat {tmp_path}/text",
            last_command,
        )
        script.write_text("\n".join(lines))
        script.chmod(0o755)

    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(build, "key", lambda: "this guest")  # which needs a compiler
    monkeypatch.setattr(host_facts, "kvm_key", lambda: "this host")
    monkeypatch.setattr(sys, "executable", str(script))
    monkeypatch.setattr(cache, "LIMIT_S", 1.8)
    return write_child


def born(tmp_path: Path) -> list[tuple[int, str]]:
    """(process, group) of the children so far."""
    lines = map(str.split, (tmp_path / "born").read_text().splitlines())
    return [(int(pid), group) for pid, group in lines]


def stored_files(tmp_path: Path) -> list[Path]:
    """The files of the cache."""
    return sorted((tmp_path / "cache").rglob("*.*"))


@pytest.fixture
def ends(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The return code of each child."""
    statuses: list[int] = []

    class Noted(subprocess.Popen[bytes]):
        def __exit__(self, *error: Any) -> None:
            super().__exit__(*error)
            statuses.append(self.returncode)

    monkeypatch.setattr(subprocess, "Popen", Noted)
    return statuses


@pytest.fixture
def limits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[float]]:
    """
    How long was waited at most, each time.

    A limit is over when the child hangs, and never because the machine is busy.
    """
    waited: list[float] = []
    kernel = select.select
    os.mkfifo(tmp_path / "hangs")
    hangs = os.open(tmp_path / "hangs", os.O_RDWR)

    def select_until_it_hangs(
        read: list[int], write: list[int], other: list[int], limit_s: float
    ) -> tuple[list[int], list[int], list[int]]:
        waited.append(limit_s)
        readable, _, _ = kernel([*read, hangs], write, other)
        if readable == [hangs]:
            os.read(hangs, 1)
        return [file for file in readable if file != hangs], [], []

    monkeypatch.setattr(select, "select", select_until_it_hangs)
    yield waited
    os.close(hangs)


def test_a_probe_that_hangs_is_killed_and_named(
    child: Child, ends: list[int], limits: list[float]
) -> None:
    """Earlier results count; later probes run in another child."""
    others = lines_on(SELF, NMI)
    last_command = f"[ \"$6\" = {PHYSICAL} ] && {HANGS}; echo '{others}'"
    child(BEGUN + lines_on(PHYSICAL) + lines_on(LOGICAL, why="it faults"), last_command)

    results, untried = cache._try_group("x2apic", X2APIC)

    assert (limits[:2], ends) == ([60.0, 1.8], [-signal.SIGKILL, 0])
    assert untried == {}
    assert results == {
        PHYSICAL: "",
        LOGICAL: "it faults",
        SHORTHAND: "it does not return within 1.8 s",
        SELF: "",
        NMI: "",
    }


@pytest.mark.parametrize(
    ("text", "last_command", "well"),
    [
        pytest.param(lines_on(PHYSICAL), "kill -SEGV $$", [PHYSICAL], id="crashes"),
        pytest.param(lines_on(PHYSICAL, LOGICAL), "exit 1", [PHYSICAL, LOGICAL], id="ends"),
        pytest.param("", "exit 0", [], id="tells-nothing"),
        pytest.param("chatter\n" + lines_on(PHYSICAL), "exit 0", [PHYSICAL], id="chatters"),
        pytest.param(
            lines_on(PHYSICAL) + lines_on(LOGICAL)[:-3],
            "kill -9 $$",
            [PHYSICAL],
            id="half-a-line",
        ),
        pytest.param(
            lines_on(PHYSICAL) + lines_on(LOGICAL)[:-1],
            "kill -9 $$",
            [PHYSICAL],
            id="no-newline",
        ),
    ],
)
def test_a_child_that_dies_proves_nothing_more(
    tmp_path: Path, child: Child, text: str, last_command: str, well: list[str]
) -> None:
    """Each probe one may have died in is blamed alone, and the others get their turn."""
    child(BEGUN + text, last_command)

    results, _ = cache._try_group("x2apic", X2APIC)

    failing = [name for name in PROBES["x2apic"][2] if name not in well]
    assert results == dict.fromkeys(well, "") | dict.fromkeys(
        failing, "the process of its guest ends"
    )
    assert len(born(tmp_path)) == len(failing)


def test_a_guest_that_is_lost_costs_its_probe_only(tmp_path: Path, child: Child) -> None:
    """The child ends well, and what it has not tried is tried in another one."""
    others = lines_on(SHORTHAND, SELF, NMI)
    last_command = f"[ \"$6\" = {PHYSICAL} ] || echo '{others}'; echo '\"ended\"'"
    child(
        BEGUN + lines_on(PHYSICAL) + lines_on(LOGICAL, why="CPU 0: triple fault"), last_command
    )
    results, untried = cache._try_group("x2apic", X2APIC)

    assert {name: why for name, why in results.items() if why} == {
        LOGICAL: "CPU 0: triple fault"
    }
    assert (untried, len(born(tmp_path))) == ({}, 2)


def test_a_guest_that_ends_slowly_costs_no_probe(tmp_path: Path, child: Child) -> None:
    """All results of its child are read, and the next probe has not begun."""
    lines = lines_on(PHYSICAL) + lines_on(LOGICAL, why="CPU 0: triple fault")
    end = f'echo \'"ended"\'; [ "$6" != {PHYSICAL} ] || {HANGS}'
    child(
        BEGUN + lines,
        f"[ \"$6\" = {PHYSICAL} ] || echo '{lines_on(SHORTHAND, SELF, NMI)}'; {end}",
    )
    results, _ = cache._try_group("x2apic", X2APIC)

    assert {name: why for name, why in results.items() if why} == {
        LOGICAL: "CPU 0: triple fault"
    }
    assert len(born(tmp_path)) == 2


def test_children_go_with_the_run_that_started_them(
    child: Child, monkeypatch: pytest.MonkeyPatch, ends: list[int]
) -> None:
    """A signal in the middle of a probe leaves no child process."""

    def interrupted(*args: object) -> None:
        raise KeyboardInterrupt

    child(BEGUN, HANGS)
    monkeypatch.setattr(select, "select", interrupted)

    with pytest.raises(KeyboardInterrupt):
        cache.probes()
    assert ends == [-signal.SIGKILL]


@pytest.mark.parametrize(
    ("text", "last_command"),
    [
        pytest.param("", "exit 0", id="says-nothing"),
        pytest.param("", "kill -SEGV $$", id="crashes"),
        pytest.param("", HANGS, id="hangs"),
        pytest.param(BEGUN[:-1], "exit 0", id="half-a-line"),
        pytest.param("Traceback: ...\n", "exit 1", id="something-else"),
    ],
)
def test_a_child_without_a_guest_is_asked_again_next_time(
    tmp_path: Path, child: Child, text: str, last_command: str
) -> None:
    """The cause may be temporary, so nothing is cached."""
    child(text, last_command)

    results = cache.probes()

    assert set(results.values()) == {"no guest starts"}
    assert [file.read_text() for file in stored_files(tmp_path)] == ["{}"]


def test_a_refused_guest_is_reported_and_probed_again(tmp_path: Path, child: Child) -> None:
    """Another time there may be memory."""
    child('{"refused": "no memory"}\n')

    assert set(cache.probes().values()) == {"no memory"}
    child(BEGUN + ALL_WORK)
    assert set(cache.probes().values()) == {""}


def test_a_group_without_a_guest_is_all_that_is_asked_again(
    tmp_path: Path, child: Child
) -> None:
    """The results of the other groups are cached."""
    child(BEGUN + ALL_WORK, f'[ "$4" != hyperv ] || : >{tmp_path}/text')
    first = cache.probes()
    child(BEGUN + ALL_WORK)
    second = cache.probes()

    assert {name: why for name, why in first.items() if why} == dict.fromkeys(
        PROBES["proposals"][2], "no guest starts"
    )
    assert set(second.values()) == {""}
    assert [group for _, group in born(tmp_path)] == [*PROBES, "proposals"]


def test_each_group_has_a_child_of_its_own(tmp_path: Path, child: Child) -> None:
    """It boots another guest."""
    child(BEGUN + ALL_WORK)
    cache.probes()

    assert list(PROBES) == [group for _, group in born(tmp_path)]


def test_results_of_working_probes_are_cached(tmp_path: Path, child: Child) -> None:
    """The second time nothing is started, and the same is said."""
    child(BEGUN + ALL_WORK)
    first, children = cache.probes(), born(tmp_path)

    assert (first, children) == (cache.probes(), born(tmp_path))
    assert set(first.values()) == {""}


def test_a_failure_is_final_when_it_is_seen_again(tmp_path: Path, child: Child) -> None:
    """Only what failed is tried again, once; then it is believed."""
    child(BEGUN + ALL_WORK.replace(lines_on(NMI), lines_on(NMI, why="#GP")))
    results = [(cache.probes()[NMI], len(born(tmp_path))) for _ in range(3)]

    assert results == [("#GP", len(PROBES)), ("#GP", len(PROBES) + 1), ("#GP", len(PROBES) + 1)]


def test_a_proposal_that_is_not_served_is_not_tried_again(tmp_path: Path, child: Child) -> None:
    """KVM answered, so load was not the cause."""
    proposals = lines_on(*PROBES["proposals"][2])
    child(BEGUN + ALL_WORK.replace(proposals, lines_on(*PROPOSALS, why=NOT_SERVED)))
    results = [cache.probes(), cache.probes()]

    assert [[each[name] for name in PROPOSALS] for each in results] == [[NOT_SERVED] * 3] * 2
    assert len(born(tmp_path)) == len(PROBES)


def test_trials_take_turns_with_timed_runs(child: Child, tmp_path: Path) -> None:
    """They would disturb a timed run; reading kept results would not."""
    begun: list[int] = []

    @contextmanager
    def alone(say: object) -> Iterator[None]:
        begun.append(0)
        yield
        begun[-1] = len(born(tmp_path))

    child(BEGUN + ALL_WORK)
    for _ in range(2):
        cache.probes(alone=alone)

    assert begun == [len(PROBES)]


def test_a_mechanism_that_another_run_has_tried_meanwhile_is_not_tried_again(
    child: Child, tmp_path: Path
) -> None:
    """Of two runs at once the second waits for its turn, and uses the kept results."""

    @contextmanager
    def alone(say: object) -> Iterator[None]:
        child(BEGUN + ALL_WORK.replace(lines_on(NMI), lines_on(NMI, why="#GP")))
        cache.probes()
        yield

    child(BEGUN + ALL_WORK)
    results = cache.probes(alone=alone)

    assert results[NMI] == "#GP"
    assert [group for _, group in born(tmp_path)] == [*PROBES, "x2apic"]


def test_without_waiting_only_cached_results_are_returned(child: Child, tmp_path: Path) -> None:
    """Nothing starts while a timed run is under way."""
    child(lines_on(PHYSICAL))  # and no guest for the others
    cache.probes()
    before = born(tmp_path)
    with host_lock.alone(None):
        cached = cache.probes(wait=False)

    assert born(tmp_path) == before
    assert cached[PHYSICAL] == ""
    assert cached["kvm-hypercall"] == "it was not tried: another timed run is under way here"


@pytest.mark.parametrize(
    "last_command",
    [
        pytest.param(HANGS, id="a-stall"),
        pytest.param("kill -9 $$", id="a-kill"),
    ],
)
def test_a_bad_moment_is_not_for_ever(child: Child, last_command: str) -> None:
    """A busy machine, or one short of memory, may do better another time."""
    child(BEGUN, last_command)
    first = cache.probes()
    child(BEGUN + ALL_WORK)
    second = cache.probes()

    assert (first[PHYSICAL] != "", set(second.values())) == (True, {""})


@pytest.mark.parametrize(
    "broken",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b'{"x2apic-phys', id="half-written"),
        pytest.param(b"\xff\xfe", id="no-text"),
        pytest.param(b"[" * 100_000, id="endless-depth"),
        pytest.param(f'{{"{PHYSICAL}": ["", 1e999]}}'.encode(), id="infinite"),
        pytest.param(b"[]", id="another-shape"),
        pytest.param(b"{}", id="without-probe results"),
        pytest.param(b'{"x2apic-physical": "no", "x2apic-nmi": ""}', id="another-version"),
        pytest.param(b'{"x2apic-physical": ["", "often"]}', id="another-type"),
        pytest.param(b'{"x2apic-magic": ["", 1]}', id="another-probe"),
    ],
)
def test_a_broken_file_is_replaced(tmp_path: Path, child: Child, broken: bytes) -> None:
    """The new results replace its content."""
    child(BEGUN + ALL_WORK)
    before = cache.probes()
    (file,) = stored_files(tmp_path)
    file.write_bytes(broken)

    assert before == cache.probes()
    assert {name: [why, 1] for name, why in before.items()} == json.loads(file.read_text())
    assert len(born(tmp_path)) == 2 * len(PROBES)


@pytest.mark.parametrize(
    ("module", "name"), [(host_facts, "kvm_key"), (build, "key")], ids=["host", "guest"]
)
def test_probe_results_are_of_one_host_and_one_guest(
    tmp_path: Path,
    child: Child,
    monkeypatch: pytest.MonkeyPatch,
    module: object,
    name: str,
) -> None:
    """Another kernel, microcode, parameter of KVM, guest or compiler is tried anew."""
    child(BEGUN + lines_on(PHYSICAL))
    works = cache.probes()[PHYSICAL]
    monkeypatch.setattr(module, name, lambda: "another")
    child(BEGUN + lines_on(PHYSICAL, why="not here"))

    assert (works, cache.probes()[PHYSICAL]) == ("", "not here")
    assert len(stored_files(tmp_path)) == 2


def test_a_cache_that_cannot_be_written_costs_time_only(tmp_path: Path, child: Child) -> None:
    """A file stands where its folder would be."""
    child(BEGUN + lines_on(PHYSICAL))
    (tmp_path / "cache").write_text("")

    assert cache.probes()[PHYSICAL] == ""
    assert (tmp_path / "cache").read_text() == ""


def test_each_group_of_probes_is_named_before_it_is_tried(
    child: Child, capsys: pytest.CaptureFixture[str]
) -> None:
    """Probing takes seconds, once for a kernel; what is kept takes none and says nothing."""
    child(BEGUN + ALL_WORK)
    for _ in range(2):
        cache.probes(progress=True)

    assert capsys.readouterr().err.splitlines() == [
        f"pvbench: probing what KVM can do here: {group} ({number} of {len(PROBES)})"
        for number, group in enumerate(PROBES, 1)
    ]
