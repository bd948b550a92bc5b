"""
Files of outcomes: what a KVM did with trials, to be judged by any later decoder.

The first format is a list of programs ``[scene, source, ops]`` and a list of outcomes; the
scenes are those of `trials.FIRST_SCENES`.  The second is an object with a version.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final

import attrs

from pvbench.errors import ProtocolError, UsageError, not_readable, not_writable
from pvbench.host.files import read_regular, replacing, unpacked
from pvbench.ops import KernelSend
from pvbench.protocol import guest_data, guest_of, source_and_program
from pvbench.results.files import create
from pvbench.shapes import integer, items, json_value, mapping, one_line, optional, record, text
from pvbench.trials import (
    RESULT,
    VECTOR,
    Ending,
    Outcome,
    columns,
    hits_of,
    outcome_data,
    outcome_of,
)
from pvbench.verify.trials import FIRST_SCENES, Scene, Trial

VERSION: Final = 2


@attrs.frozen(kw_only=True)
class Stored:
    """
    The trials of a file and their outcomes.

    Args:
        kernel: the kernel whose KVM ran them; empty if the file does not say.
        outcomes: of the first trials; the rest was not run.
        boots: numbers of trials that began a boot; one of another scene, or after a lost
            guest, does so anyway.
    """

    scenes: dict[str, Scene]
    trials: tuple[Trial, ...]
    outcomes: tuple[Outcome, ...]
    kernel: str = ""
    boots: tuple[int, ...] = ()


def read(path: Path) -> Stored:
    """
    The outcomes in a file of either format.

    Raises:
        UsageError: it cannot be read, or is no file of outcomes.
    """
    try:
        data = json_value(unpacked(read_regular(path)).decode())
    except EOFError as error:
        raise UsageError(f"{path} cannot be unpacked", why=str(error)) from None
    except OSError as error:
        raise not_readable(path, error) from None
    except ValueError as error:
        raise UsageError(f"{path} is not JSON", why=str(error)) from None
    try:
        return _first(data) if isinstance(data, list) else _second(data)
    except ProtocolError as error:
        raise UsageError(f"{path} is no file of outcomes", why=str(error)) from None


def write(stored: Stored, path: Path) -> None:
    """
    Replace *path* in one step; it is compressed if its name ends with .gz.

    Raises:
        UnavailableError: no permission, no space, no such directory.
    """
    content = json.dumps(_data_of(stored), separators=(",", ":")).encode()
    if path.suffix == ".gz":
        content = gzip.compress(content, mtime=0)
    try:
        with replacing(path) as file:
            file.write(content)
    except OSError as error:
        raise not_writable(path, error, "Give another place with -o FILE.") from None


@contextmanager
def created(output: str | None, stem: str) -> Iterator[Path]:
    """
    A new, empty file for outcomes; one that is still empty after an error is removed.

    Without *output* it is STEM.json.gz, or STEM-2.json.gz and so on.

    Raises:
        UsageError: *output* exists already.
        UnavailableError: it cannot be created.
    """
    path = _created(output, stem)
    try:
        yield path
    except BaseException:
        if not path.stat().st_size:
            path.unlink()
        raise


def _created(output: str | None, stem: str) -> Path:
    if output is not None:
        return create(Path(output))
    number, suffix = 1, ""
    while True:
        with suppress(UsageError):
            return create(Path(f"{stem}{suffix}.json.gz"))
        number += 1
        suffix = f"-{number}"


def _data_of(stored: Stored) -> dict[str, Any]:
    return {
        "version": VERSION,
        "kernel": stored.kernel,
        "boots": stored.boots,
        "scenes": {name: _scene_data(scene) for name, scene in stored.scenes.items()},
        "trials": [trial.row() for trial in stored.trials],
        "outcomes": [outcome_data(outcome) for outcome in stored.outcomes],
    }


def _scene_data(scene: Scene) -> dict[str, Any]:
    return {"guest": guest_data(scene.guest), "target_state": scene.target_state}


def _second(data: Any) -> Stored:
    if not isinstance(data, dict) or data.pop("version", None) != VERSION:
        raise ProtocolError(f"it has no version {VERSION}")
    stored = record(
        Stored,
        kernel=one_line,
        boots=items(integer()),
        scenes=mapping(record(Scene, guest=guest_of, target_state=text)),
        trials=items(trial_of),
        outcomes=items(outcome_of),
    )(data)
    return _checked(stored)


def _first(data: Any) -> Stored:
    programs, outcomes = columns(data, 2)
    return _checked(
        Stored(
            scenes=FIRST_SCENES,
            trials=items(trial_of)(programs),
            outcomes=items(_first_outcome)(outcomes),
        )
    )


def _checked(stored: Stored) -> Stored:
    """Check that trials and outcomes fit the scenes."""
    if len(stored.outcomes) > len(stored.trials):
        raise ProtocolError("it has more outcomes than trials")
    for trial, outcome in zip(stored.trials, stored.outcomes, strict=False):
        check(trial, stored.scenes)
        _check_outcome(trial, outcome)
    return stored


def check(trial: Trial, scenes: dict[str, Scene]) -> None:
    """
    Check that the scene of *trial* exists, has its CPUs, and can execute its ops.

    Raises:
        ProtocolError: it does not.
    """
    if trial.scene not in scenes:
        raise ProtocolError(f"there is no scene {trial.scene[:40]!r}")
    cpus = scenes[trial.scene].guest.cpus
    sources = [source for source, _ in trial.programs]
    if not sources or len(set(sources)) < len(sources) or max(sources) not in cpus:
        raise ProtocolError(f"the sources {sources[:8]} are no CPUs of {trial.scene}")
    if any(isinstance(op, KernelSend) for _, program in trial.programs for op in program):
        raise ProtocolError("only a running Linux kernel can execute KernelSend")


def _check_outcome(trial: Trial, outcome: Outcome) -> None:
    if not outcome.lost and len(outcome.endings) != len(trial.programs):
        raise ProtocolError("an outcome has not one ending for each program")


def trial_of(data: Any) -> Trial:
    """A trial from ``[scene, [[source, ops], ...]]`` or ``[scene, source, ops]``."""
    if isinstance(data, list) and len(data) == 3:
        return Trial(text(data[0]), [source_and_program(data[1:])])
    scene, programs = columns(data, 2)
    return Trial(text(scene), items(source_and_program)(programs))


def _first_outcome(data: Any) -> Outcome:
    if isinstance(data, dict) and "lost" in data:
        return Outcome(lost=one_line(data["lost"]) or "no reason is given")
    fields = record(
        dict[str, Any],
        hits=hits_of,
        fault=optional(_fault),
        returned=RESULT,
        icr=integer(),
        hc=integer(),
    )(data)
    return Outcome(fields["hits"], (Ending(fields["returned"], *(fields["fault"] or ())),))


def _fault(data: Any) -> tuple[int, int]:
    vector, op = columns(data, 2)
    return VECTOR(vector), integer()(op)
