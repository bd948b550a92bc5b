"""The two sides of `pvbench ab`, from its command line."""

from __future__ import annotations

import argparse
import os
import re
import secrets
import shlex
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

from pvbench import notices
from pvbench.cli import common, run
from pvbench.cli.ab_options import SIDES, split
from pvbench.cli.parsers import Parser, parse_options
from pvbench.cli.run_options import SESSION_COMMAND
from pvbench.errors import UsageError
from pvbench.results import files, journal
from pvbench.run.request import check_timeout
from pvbench.run.side import Side


def sides_of(options: argparse.Namespace, subfolder: str = "") -> tuple[tuple[Side, Side], int]:
    """
    Both sides, and the seed that they share.

    Their result files exist, and are empty unless the session is resumed.  Without -o they
    are in *subfolder* of the folder where the runs of this machine go.

    Raises:
        UsageError: the options contradict each other, or those of a side are wrong.
        UnavailableError: the result files cannot be created.
    """
    own, shared = split(options.typed)
    both = [_words(name, place, own, shared) for place, name in enumerate(SIDES)]
    runs = [_checked(name, words) for name, words in zip(SIDES, both, strict=True)]
    pythons = [_python(place, own) for place in range(len(SIDES))]
    paths = (
        _paths(options, subfolder) if not options.dry_run else (Path("a.json"), Path("b.json"))
    )
    seed = _seed(options, paths[0])
    session = {SESSION_COMMAND: shlex.join(options.words)}
    a, b = (
        Side(
            name=name,
            python=pythons[place],
            words=(*words, "--seed", str(seed)),
            site=runs[place].site,
            path=paths[place],
            environment=session | ({"TOX_ENV_NAME": own.env[place]} if own.env else {}),
            timeout_s=max(options.timeout, runs[place].timeout),
        )
        for place, (name, words) in enumerate(zip(SIDES, both, strict=True))
    )
    return (a, b), seed


def _words(name: str, place: int, own: argparse.Namespace, shared: list[str]) -> list[str]:
    """The command line of a side."""
    chosen = [
        f"--{option}={getattr(own, option)[place]}"
        for option in ("site", "costs")
        if getattr(own, option)
    ]
    words: list[str] = getattr(own, name)
    has_label = any(word.partition("=")[0] == "--label" for word in words)
    return [*([] if has_label else ["--label", name]), *shared, *chosen, *words]


def _checked(name: str, words: list[str]) -> argparse.Namespace:
    """The options of a side."""
    parser = Parser(prog=f"pvbench ab, side {name}")
    run.arguments(parser)
    options = parse_options(parser, parser, words)
    check_timeout(options.timeout)
    if options.output or options.resume or options.dry_run or options.seed:
        raise UsageError(
            f"--{name} has an option of the whole session",
            fix="Give -o, --resume, --seed and --dry-run to `pvbench ab` itself.",
        )
    return options


def _python(place: int, own: argparse.Namespace) -> str:
    """The interpreter of a side."""
    if own.env:
        name: str = own.env[place]
        python = Path(os.environ.get("TOX_WORK_DIR", ".tox"), name, "bin", "python")
        if not python.exists():
            raise UsageError(
                f"there is no tox environment {name!r} here: {python} does not exist",
                fix=f"Run tox -e {name} --notest first.",
            )
        return str(python.absolute())
    if not own.python:
        return sys.executable
    path = shutil.which(str(own.python[place]))
    if path is None:
        raise UsageError(f"there is no interpreter {own.python[place]!r}")
    return path


# the files


def _paths(options: argparse.Namespace, subfolder: str) -> tuple[Path, Path]:
    """The result files of a new session, or those of the one to resume."""
    if options.resume and (paths := _unfinished(options, subfolder)):
        return paths
    if options.output is None:
        words = [word for word in (options.label, "a") if word]
        a = files.claim(None, Path(options.suite).stem, "-".join(words), subfolder)
    else:
        a = files.claim(str(_named(options.output)), "", None)
    try:
        return a, files.claim(str(_other(a)), "", None)
    except BaseException:
        a.unlink()
        raise


def journals_of(paths: Sequence[Path]) -> list[journal.Entries]:
    """The entries of the journals beside result files."""
    return [journal.read(journal.beside(path)) for path in paths]


def remove_unmeasured(paths: Sequence[Path]) -> None:
    """Remove empty result files, and the journals too if no side has stored a boot."""
    for path in paths:
        if path.exists() and not path.stat().st_size:
            path.unlink()
    has_boots = any(map(journal.boots_of, journals_of(paths)))
    if not has_boots and not any(map(Path.exists, paths)):
        for path in paths:
            journal.beside(path).unlink(missing_ok=True)


def print_ends(
    sides: Sequence[Side], journals: Sequence[journal.Entries], *, is_compared: bool = False
) -> None:
    """
    Print where the results of the sides are, and which of their cases did not run.

    A comparison has said already which of them is incomplete.
    """
    from pvbench.report.summary import not_run, refused

    for side, entries in zip(sides, journals, strict=True):
        can_resume = journal.beside(side.path).exists() and not is_compared
        for line in not_run(entries) if can_resume else refused(entries):
            notices.say(f"side {side.name}: {line}")
        if side.path.exists():
            common.tell_file(f"results of side {side.name}", side.path)


def _named(output: str) -> Path:
    """FILE-a.json for FILE.json."""
    path = files.output_path(output)
    name, dot, suffix = path.name.partition(".")
    return path.with_name(f"{name}-a{dot}{suffix}")


def _other(a: Path) -> Path:
    """The file of side b."""
    return a.with_name(re.sub(r"-a((?:-[0-9]+)?\.json(?:\.gz)?)$", r"-b\1", a.name))


def _unfinished(options: argparse.Namespace, subfolder: str) -> tuple[Path, Path] | None:
    """The files of the session to resume: those of -o, or the newest that lack boots."""
    if options.output is not None:
        a = _named(options.output)
        return (a, _other(a)) if a.is_file() and _other(a).is_file() else None
    suite = Path(options.suite).stem
    for a in reversed(files.all_runs(subfolder)):
        b = _other(a)
        if a != b and b.is_file() and _lacks_boots(a, b, suite):
            return a, b
    notices.say("there is no unfinished session of this suite here, so a new one starts")
    return None


def _lacks_boots(a: Path, b: Path, suite: str) -> bool:
    entries = journals_of((a, b))
    plans = [journal.plan_of(one) for one in entries]
    return all(plan.get("suite") == suite for plan in plans) and not all(
        journal.is_complete(one, plan["boots"])
        for one, plan in zip(entries, plans, strict=True)
    )


def _seed(options: argparse.Namespace, a: Path) -> int:
    """The seed: the user's, that of the session to resume, or a new one."""
    if options.seed is not None:
        return int(options.seed)
    stored = journal.plan_of(journal.read(journal.beside(a))).get("seed")
    return stored if type(stored) is int else secrets.randbelow(1 << 32)
