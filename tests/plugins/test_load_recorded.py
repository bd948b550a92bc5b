"""The workload family of recordings."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pvbench.errors import UsageError
from pvbench.guest import Guest
from pvbench.ops import Burst
from pvbench.recording import stored
from pvbench.recording.recording import Loss
from pvbench.topology import parse_guest
from pvbench.workload import Workload
from pvbench_load_recorded import pvbench_workloads
from support.recordings import recording_of

SIXTY = parse_guest("ids:0-11,16-27,32-43,48-59,64-75")
FAMILY, SAMPLED = pvbench_workloads()


def recorded(name: str) -> Workload:
    """A member of the family."""
    return FAMILY.bind([name])


def sends(name: str, guest: Guest) -> tuple[tuple[Burst, int], ...]:
    """Its sends."""
    given = recorded(name).sends_in(guest)
    assert not isinstance(given, str), given
    return given


def written(folder: Path, **fields: Any) -> str:
    """The file of a recording."""
    stored.write(recording_of(**fields), folder / "my.recording")
    return str(folder / "my.recording")


def test_a_recording_has_all_of_its_sends() -> None:
    """171 sends, 140 of them to one CPU."""
    pairs = sends("membarrier-60", SIXTY)

    assert sum(count for _, count in pairs) == 171
    assert sum(count for burst, count in pairs if len(burst.targets) == 1) == 140
    assert sum(count * len(burst.targets) for burst, count in pairs) == 1380


def test_a_file_of_ones_own_is_a_recording_too(tmp_path: Path) -> None:
    """Equal sends are one burst with a count."""
    pairs = sends(written(tmp_path), parse_guest("dense:4"))

    assert sorted((burst.source, burst.targets, count) for burst, count in pairs) == [
        (0, (1,), 1),
        (1, (2,), 1),
        (3, (0, 1, 2), 2),
    ]


def test_a_guest_has_the_recordings_of_as_many_cpus() -> None:
    """All others would be unsupported."""
    names = [one.spec for one in FAMILY.members((), SIXTY)]

    assert names == [
        *("recorded:hackbench-60", "recorded:madvise-60", "recorded:membarrier-60"),
        *("recorded:module-load-60", "recorded:python-queue-60"),
    ]
    assert FAMILY.members((), parse_guest("dense:4")) == []


def test_a_guest_of_another_size_cannot_have_the_sends() -> None:
    """The reason says which one can."""
    reason = recorded("membarrier-60").sends_in(parse_guest("dense:16"))

    assert reason == "membarrier-60 needs a guest of 60 CPUs"


def test_a_recording_of_an_emulated_machine_has_a_caveat() -> None:
    """Its sent masks are the emulator's."""
    assert "are the emulator's" in recorded("redis-16").caveat(recording="redis-16")


def test_a_recording_of_hardware_has_no_caveat(tmp_path: Path) -> None:
    """Its sends are real."""
    assert FAMILY.caveat(recording=written(tmp_path, times="real")) == ""


def test_an_unknown_name_is_refused() -> None:
    """The nearest one is named."""
    with pytest.raises(UsageError, match="Did you mean 'membarrier-60'"):
        recorded("membarrier-61").sends_in(SIXTY)


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"losses": (Loss(cpu=0, events=7, reason="-"),)}, "are void: 7 events are lost"),
        ({"producer": "histogram"}, "has no sends with their targets"),
        ({"rows": ()}, "has no sends with their targets"),
    ],
)
def test_a_recording_without_sends_that_count_is_refused(
    tmp_path: Path, fields: dict[str, Any], why: str
) -> None:
    """A replay would refuse it too."""
    with pytest.raises(UsageError, match=why):
        recorded(written(tmp_path, **fields)).sends_in(parse_guest("dense:4"))


def test_a_recording_of_too_many_distinct_sends_is_not_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A replay counts them by columns."""
    monkeypatch.setattr("pvbench_load_recorded.MOST_SENDS", 2)
    reason = recorded(written(tmp_path)).sends_in(parse_guest("dense:4"))

    assert str(reason).endswith("my.recording has 3 distinct sends, more than 2")


def test_a_sample_stands_for_all_sends() -> None:
    """Each drawn send says of how many it was drawn."""
    member = SAMPLED.bind(["membarrier-60", "8"])
    given = member.sends_in(SIXTY)
    assert not isinstance(given, str)
    drawn = member.sample_in(SIXTY)

    assert sum(count for _, count in given) == 171
    assert len(given) == len(drawn)
    assert {(one.stratum, one.sends, one.drawn) for one in drawn} == {
        ("reschedule to 1 CPU, 1 window, 1 cluster", 43, 2),
        ("call to 1 CPU, 1 window, 1 cluster", 97, 2),
        ("call to 33 to 64 CPUs, 1 window, 5 clusters", 31, 7),
    }


def test_a_sample_needs_the_guest_of_its_recording() -> None:
    """As the recording does."""
    reason = SAMPLED.bind(["membarrier-60"]).sends_in(parse_guest("dense:16"))

    assert reason == "membarrier-60 needs a guest of 60 CPUs"
