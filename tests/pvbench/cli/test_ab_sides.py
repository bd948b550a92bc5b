"""The two sides of `pvbench ab`, from its command line."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from pvbench.cli import ab
from pvbench.cli.ab_sides import sides_of
from pvbench.cli.parsers import Parser, parse_options
from pvbench.results import files as result_files
from pvbench.run.side import Side
from support.runs import HOST_FOLDER


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty current folder."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def sides(*given: str, subfolder: str = "") -> tuple[tuple[Side, Side], int]:
    """The sides and the seed of a command line."""
    parser = Parser()
    ab.arguments(parser)
    options = parse_options(parser, parser, given)
    options.typed, options.words = given, ["ab", *given]
    return sides_of(options, subfolder)


def unfinished(
    stem: str,
    suite: str = "norov",
    *,
    seed: int = 7,
    boots: int = 1,
    folder: Path = HOST_FOLDER,
) -> None:
    """Files of a session of two boots that ended after *boots*."""
    folder.mkdir(parents=True, exist_ok=True)
    plan = {"plan": {"format": 1, "suite": suite, "seed": seed, "boots": 2}}
    done = [{"boot": number + 1, "outcome": "ok"} for number in range(boots)]
    for side in "ab":
        path = folder / f"{stem}-{side}.json"
        path.write_text("{}")
        entries = [plan, *done, {"end": 0}]
        path.with_suffix(".jsonl").write_text("".join(f"{json.dumps(e)}\n" for e in entries))


def test_a_side_has_the_shared_options_and_its_own() -> None:
    """Options of `ab` itself are left out; of --site and --costs each side gets one."""
    (a, b), seed = sides(
        *("norov", "-k", "normal", "--a", "--sender native", "--seed", "5", "--boots", "3"),
        *("--costs", "x", "-o", "x.json", "--costs=y", "--margin", "3", "--b=--bits 32"),
    )
    shared = ("norov", "-k", "normal", "--boots", "3")

    assert a.words == (
        "--label",
        "a",
        *shared,
        "--costs=x",
        *("--sender", "native", "--seed", "5"),
    )
    assert b.words == ("--label", "b", *shared, "--costs=y", *("--bits", "32", "--seed", "5"))
    assert (a.path, b.path, seed) == (Path("x-a.json"), Path("x-b.json"), 5)
    assert a.python == sys.executable
    assert a.environment["PVBENCH_SESSION_COMMAND"].startswith(
        "ab norov -k normal --a '--sender"
    )


def test_one_site_is_for_both_sides() -> None:
    """Given once it makes no difference."""
    (a, b), _ = sides("norov", "--site", "local")

    assert "--site=local" in a.words
    assert "--site=local" in b.words


def test_the_longer_time_limit_of_a_side_counts() -> None:
    """--timeout may be among its options."""
    (a, b), _ = sides("norov", "--timeout", "30", "--b=--timeout 90")

    assert (a.timeout_s, b.timeout_s) == (30, 90)


def test_each_session_has_a_seed_of_its_own() -> None:
    """A fixed one would repeat the same coins in every session."""
    assert len({sides("norov", "-o", f"{n}.json")[1] for n in range(3)}) == 3


def test_files_are_named_after_suite_label_and_side() -> None:
    """Both have the same time in their names."""
    (a, b), _ = sides("./some/my_suite.py", "--label", "new host")

    assert a.path.name[16:] == "-my_suite-new-host-a.json"
    assert b.path.name == a.path.name.replace("-a.json", "-b.json")
    assert (a.path.stat().st_size, b.path.stat().st_size) == (0, 0)


def test_the_newest_unfinished_session_of_the_suite_is_resumed() -> None:
    """It keeps its seed; complete sessions and those of other suites are passed over."""
    unfinished("20260101T000001Z-norov", seed=7)
    unfinished("20260101T000002Z-norov", seed=8)
    unfinished("20260101T000003Z-norov", boots=2)
    unfinished("20260101T000004Z-ids", "ids")
    (a, b), seed = sides("norov", "--resume")

    assert a.path == HOST_FOLDER / "20260101T000002Z-norov-a.json"
    assert b.path == HOST_FOLDER / "20260101T000002Z-norov-b.json"
    assert seed == 8


def test_the_sessions_of_a_subfolder_are_no_candidates_for_the_last_run() -> None:
    """Only a command that names the subfolder resumes them, or adds others."""
    unfinished("20260101T000001Z-norov", folder=HOST_FOLDER / "noise")
    (a, _), _ = sides("norov", "--resume", subfolder="noise")
    (new, _), _ = sides("norov", subfolder="noise")
    new.path.write_text("{}")

    assert a.path == HOST_FOLDER / "noise" / "20260101T000001Z-norov-a.json"
    assert new.path.parent == a.path.parent
    assert result_files.latest(9) == []


def test_a_new_session_starts_where_none_is_unfinished(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """A sentence states that."""
    (a, _), _ = sides("norov", "--resume")

    assert a.path.exists()
    assert capsys.readouterr().err == (
        "pvbench: there is no unfinished session of this suite here, so a new one starts\n"
    )


def test_the_named_session_is_resumed() -> None:
    """Its files are not made anew."""
    for side in "ab":
        Path(f"x-{side}.json.gz").write_text("!")
    (a, b), _ = sides("norov", "--resume", "-o", "x.json.gz")

    assert (a.path.read_text(), b.path.read_text()) == ("!", "!")
