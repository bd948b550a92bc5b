"""Probes run in child processes; one that hangs fails a probe, not the run."""

from __future__ import annotations

import select
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from pvbench_deliver_kvm.probe import cache
from pvbench_deliver_kvm.probe.programs import PROBES
from support.probe_children import (
    ALL_WORK,
    BEGUN,
    HANGS,
    LOGICAL,
    NMI,
    PHYSICAL,
    SELF,
    SHORTHAND,
    X2APIC,
    Child,
    born,
    lines_on,
    stored_files,
)


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
