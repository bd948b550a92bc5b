"""A session of `pvbench ab`: pairs of adjacent boots, and sides that do not do their part."""

from __future__ import annotations

import io
import os
import signal
from pathlib import Path

import pytest

from pvbench.errors import Status
from pvbench.run.ab import Ended, Session
from pvbench.run.side import Side
from pvbench.run.side_lines import SideLines
from support.helpers import DEADLINE_S
from support.sides import HONEST, log_of, side_of

ENDS = {"a end", "b end"}


def taken(a: Side, b: Side, seed: int = 1) -> Ended:
    """How a session of both ends."""
    return Session(sides=(a, b), seed=seed, quiet=True).take()


def pairs_of(log: list[str]) -> list[tuple[str, str]]:
    """The boots in adjacent twos."""
    boots = [line for line in log if line not in ENDS]
    return list(zip(boots[::2], boots[1::2], strict=True))


def test_the_boots_of_a_pair_are_adjacent(tmp_path: Path) -> None:
    """Boot n of one side follows boot n of the other, and then both end."""
    ended = taken(side_of(tmp_path, "a"), side_of(tmp_path, "b"))
    log = log_of(tmp_path)

    assert ended == Ended(status=Status.OK)
    assert [set(pair) for pair in pairs_of(log)] == [{f"a {n}", f"b {n}"} for n in (1, 2, 3)]
    assert set(log[-2:]) == ENDS


def test_a_coin_from_the_seed_decides_which_side_is_first(tmp_path: Path) -> None:
    """Both sides come first about equally often, and the same seed gives the same order."""
    many = HONEST.replace("**GREETING", "**(GREETING | {'boots': 40})")
    orders = []
    for number, seed in enumerate((1, 1, 2)):
        folder = tmp_path / str(number)
        folder.mkdir()
        taken(side_of(folder, "a", many), side_of(folder, "b", many), seed)
        orders.append([first[0] for first, _ in pairs_of(log_of(folder))])
    once, again, other = orders

    assert once == again != other
    assert 10 <= once.count("a") <= 30


def test_a_session_ends_at_the_look_at_which_it_is_settled(tmp_path: Path) -> None:
    """Each look comes after the boots of all guests, and gets the number of boots of each."""
    four = HONEST.replace("**GREETING", "**(GREETING | {'boots': 6, 'guests': 2})")
    asked: list[int] = []
    sides = side_of(tmp_path, "a", four), side_of(tmp_path, "b", four)

    def looks(boots: int) -> bool:
        asked.append(boots)
        return boots == 2

    ended = Session(sides=sides, seed=1, quiet=True, looks=looks).take()

    assert (ended.status, asked) == (Status.OK, [1, 2])
    assert len(pairs_of(log_of(tmp_path))) == 4


def test_side_b_traces_each_guest_before_the_boots_if_the_sites_differ(
    tmp_path: Path,
) -> None:
    """Its first boot is the number that stands for a guest."""
    two = HONEST.replace("**GREETING", "**(GREETING | {'boots': 4, 'guests': 2})")
    a, b = (side_of(tmp_path, n, two, site=f"lab:{n}") for n in ("a", "b"))
    ended = taken(a, b)
    log = log_of(tmp_path)

    assert ended.status == Status.OK
    assert log[:2] == ["b trace 1", "b trace 2"]
    assert len(pairs_of(log[2:])) == 4


def test_a_session_that_has_all_boots_traces_nothing(tmp_path: Path) -> None:
    """There is no boot that would store it."""
    whole = HONEST.replace(
        "**GREETING", "**(GREETING | {'sessions': {1: 's', 2: 's', 3: 's'}})"
    )
    a, b = (side_of(tmp_path, n, whole, site=f"lab:{n}") for n in ("a", "b"))
    taken(a, b)

    assert set(log_of(tmp_path)) == ENDS


def test_a_side_that_traces_another_boot_ends_the_session(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """As one that stores another."""
    other = "tell(**GREETING); hear(); tell(traced=2); hear()"
    ended = taken(
        side_of(tmp_path, "a", site="lab:a"), side_of(tmp_path, "b", other, site="lab:b")
    )

    assert capfd.readouterr().err == "pvbench: side b traced another boot than 1\n"
    assert ended == Ended(status=Status.ENVIRONMENT, failed=True)


def test_a_resumed_session_repeats_the_pairs_that_are_not_whole(tmp_path: Path) -> None:
    """Pair 1 is of one session; boot 2 is of two sessions, and boot 3 of one side only."""
    sessions = {"a": {1: "s", 2: "s", 3: "s"}, "b": {1: "s", 2: "t"}}
    a, b = (
        side_of(
            tmp_path, name, HONEST.replace("**GREETING", f"**(GREETING | {{'sessions': {of}}})")
        )
        for name, of in sessions.items()
    )
    taken(a, b)

    assert [set(pair) for pair in pairs_of(log_of(tmp_path))] == [
        {"a 2", "b 2"},
        {"a 3", "b 3"},
    ]


@pytest.mark.parametrize(
    ("body", "error", "status"),
    [
        pytest.param(
            "print('pvbench: no disk', file=sys.stderr); sys.exit(5)",
            "side b: no disk\npvbench: side b ended with status 5 before its first boot",
            Status.ENVIRONMENT,
            id="ends-at-once",
        ),
        pytest.param(
            "print('pvbench: wrong option --ab-pipes', file=sys.stderr); sys.exit(2)",
            "side b: wrong option --ab-pipes\npvbench: side b ended with status 2 before its "
            "first boot: its pvbench is older than `pvbench ab`",
            Status.USAGE,
            id="older-pvbench",
        ),
        pytest.param(
            "tell(ab=9)",
            "side b sends a message that cannot be read: its messages have version 9, not 3",
            Status.ENVIRONMENT,
            id="newer-pvbench",
        ),
        pytest.param(
            "tell(**(GREETING | dict(boots=4))); hear()",
            "side a has 3 boots and side b has 4 boots. Boots are taken in pairs: choose as "
            "many guests for one side as for the other.",
            Status.USAGE,
            id="more-boots",
        ),
        pytest.param(
            "tell(**GREETING); hear(); os.kill(os.getpid(), 9)",
            "side b ended with status -9 before boot 1 was stored: it printed nothing",
            Status.ENVIRONMENT,
            id="is-killed",
        ),
        pytest.param(
            "tell(**GREETING); hear(); tell(stored=2); hear()",
            "side b stored another boot than 1",
            Status.ENVIRONMENT,
            id="stores-another-boot",
        ),
        pytest.param(
            "tell(**GREETING); hear(); tell(**GREETING); hear()",
            "side b sends another message than the one that is due: Greeting",
            Status.ENVIRONMENT,
            id="says-something-else",
        ),
    ],
)
def test_a_side_that_does_not_do_its_part_ends_the_session(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], body: str, error: str, status: Status
) -> None:
    """One sentence says what happened, and nothing is left of the other side."""
    ended = taken(side_of(tmp_path, "a"), side_of(tmp_path, "b", body))

    assert capfd.readouterr().err == f"pvbench: {error}\n"
    assert ended == Ended(status=status, failed=True)


def test_a_side_that_takes_too_long_is_killed(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The limit is that of a boot with a reserve; it hangs until it is killed."""
    for limit in ("_SPARE_S", "_PREPARATION_S"):
        monkeypatch.setattr(f"pvbench.run.side.{limit}", 0.0)
    hangs = side_of(tmp_path, "b", "import signal; signal.pause()", timeout_s=0.0)
    ended = taken(side_of(tmp_path, "a"), hangs)

    assert capfd.readouterr().err == (
        "pvbench: side b was ended before its first boot: it took more than 0 s\n"
    )
    assert ended.status == Status.ENVIRONMENT


def test_a_side_without_an_interpreter_is_refused(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """The other one, which has been started, ends."""
    gone = Side(
        name="b",
        python=str(tmp_path / "python"),
        words=(),
        site="local",
        path=tmp_path / "b.json",
        environment={},
        timeout_s=1,
    )
    ended = taken(side_of(tmp_path, "a"), gone)

    assert "side b cannot be started" in capfd.readouterr().err
    assert ended.status == Status.ENVIRONMENT


def test_the_lines_of_a_side_are_relayed_with_its_name(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """Only the lines of pvbench are; `ab` itself prints where the results are."""
    talk = "print('pvbench: probing\\nresults: b.json', file=sys.stderr)\n"
    taken(side_of(tmp_path, "a"), side_of(tmp_path, "b", talk + HONEST))

    assert capfd.readouterr().err == "pvbench: side b: probing\n"


def test_a_line_of_a_side_is_relayed_while_the_side_works(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A side says that it builds a kernel minutes before it is ready to boot."""
    gate = str(tmp_path / "gate")
    os.mkfifo(gate)
    waits = (
        "import signal\n"
        f"signal.alarm({DEADLINE_S})\n"
        "print('pvbench: building', file=sys.stderr, flush=True)\n"
        f"open({gate!r}).close()\n"
    )
    said: list[str] = []

    def say(text: str) -> None:
        said.append(text)
        Path(gate).write_text("")  # waits for the side to read it

    monkeypatch.setattr("pvbench.notices.say", say)
    ended = taken(side_of(tmp_path, "a"), side_of(tmp_path, "b", waits + HONEST))

    assert (said, ended.status) == (["side b: building"], Status.OK)


@pytest.mark.parametrize("relayed", [False, True])
def test_each_line_of_a_side_that_has_ended_is_printed_once(
    monkeypatch: pytest.MonkeyPatch, relayed: bool
) -> None:
    """Also if the side takes long to end after it has printed its error."""
    said: list[str] = []
    monkeypatch.setattr("pvbench.notices.say", said.append)
    lines = SideLines("b", io.StringIO("pvbench: first\nother\npvbench: no kernel\n"))
    lines.start()
    lines.wait()
    if relayed:
        lines.relay()

    assert lines.last() == "no kernel"
    assert said == ["side b: first", "side b: no kernel"]


def test_the_worst_status_of_the_sides_is_that_of_the_session(tmp_path: Path) -> None:
    """A failed proof comes before an environment that lacks something."""
    a, b = (
        side_of(tmp_path, name, f"{HONEST}sys.exit({n})") for name, n in (("a", 5), ("b", 6))
    )

    assert taken(a, b).status == Status.PROOF


def test_a_signal_ends_both_sides(tmp_path: Path) -> None:
    """Each gets it once, wherever it is; a terminal sends it to `ab` alone."""
    note = (
        "import signal\n"
        "def caught(number, frame):\n"
        "    open({name!r}, 'a').write(f'{{number}} ')\n"
        "    sys.exit(128 + number)\n"
        "signal.signal(signal.SIGINT, caught)\n"
    )
    waits = "tell(**GREETING)\nhear()\nos.kill(os.getppid(), signal.SIGINT)\nsignal.pause()\n"
    names = {name: str(tmp_path / f"{name}.signals") for name in "ab"}
    a, b = (side_of(tmp_path, n, note.format(name=path) + waits) for n, path in names.items())
    ended = taken(a, b)

    assert ended.signal == signal.SIGINT
    assert {Path(path).read_text() for path in names.values()} == {"2 "}


def test_a_timed_session_holds_the_lock_of_the_machine_and_gives_its_sides_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its sides do not wait for the session, and other timed runs do."""
    lock = tmp_path / "lock"
    monkeypatch.setenv("PVBENCH_LOCK", str(lock))
    body = (
        "tell(**(GREETING | dict(is_noisy={noisy})))\n"
        "sys.exit() if 'boot' not in hear() else None\n"
        "import fcntl\n"
        "def is_free(path):\n"
        "    file = os.open(path, os.O_RDONLY | os.O_CREAT)\n"
        "    try:\n"
        "        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)\n"
        "    except BlockingIOError:\n"
        "        return False\n"
        "    return True\n"
        f"free = is_free({str(lock)!r}), is_free(os.environ['PVBENCH_LOCK'])\n"
        f"open({str(tmp_path)!r} + '/free', 'a').write(f'{{free}}')\n"
    )
    for noisy in (True, False):
        timed = body.replace("{noisy}", str(noisy)).replace("{{free}}", "{free}")
        taken(side_of(tmp_path, "a", timed), side_of(tmp_path, "b", timed))

    assert (tmp_path / "free").read_text() == "(False, True)(True, True)"
    assert os.environ["PVBENCH_LOCK"] == str(lock)
