"""
Sources of a kernel in the user's cache, with patches that are applied and taken back.

Another series of patches then costs only as long as its changes need.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

import attrs

from pvbench.errors import UsageError
from pvbench.host.files import read_regular, replacing
from pvbench.text import one_line, shortened_list
from pvbench_site_lab import programs
from pvbench_site_lab.series import Patch

_LIMIT_S: Final = 600.0  # of git, on a busy host
_ERRORS: Final = ("error: ", "fatal: ")  # of git
_HUNK: Final = "patch failed: "  # git writes FILE:LINE after it

Unpack = Callable[[Path], None]


@attrs.frozen
class PatchedSources:
    """Sources in *folder*, and the objects that are compiled from them."""

    folder: Path

    @property
    def source(self) -> Path:
        """The folder of the sources."""
        return self.folder / "source"

    @property
    def objects(self) -> Path:
        """The folder that they are compiled into."""
        return self.folder / "objects"

    @property
    def lock(self) -> Path:
        """The lock of all that work with them."""
        return self.folder.with_name(f".{self.folder.name}.lock")

    def become(self, origin: str, patches: Sequence[Patch], unpack: Unpack) -> None:
        """
        Be the sources of *origin*, which *unpack* writes if they are not here, with *patches*.

        Raises:
            UsageError: a patch does not apply.
            OSError: they cannot be written.
        """
        applied = self._applied(origin)
        self._state.unlink(missing_ok=True)  # until they are complete
        if applied is None or not self._take_back(applied, patches):
            shutil.rmtree(self.folder, ignore_errors=True)
            self.source.mkdir(parents=True)
            unpack(self.source)
            applied = []
        try:
            for patch in patches[len(applied) :]:
                self._apply(patch, origin)
                applied.append(patch)
        except UsageError:
            self._note(origin, applied)
            raise
        self._note(origin, applied)

    @property
    def _state(self) -> Path:
        """The file that says what the sources are; there is none while they change."""
        return self.folder / "state.json"

    def _note(self, origin: str, applied: Sequence[Patch]) -> None:
        state = {"origin": origin, "patches": [attrs.astuple(patch) for patch in applied]}
        with replacing(self._state) as file:
            file.write(json.dumps(state).encode())

    def _applied(self, origin: str) -> list[Patch] | None:
        """The patches in the sources; None if they are not those of *origin*."""
        try:
            state = json.loads(read_regular(self._state))
            patches = [Patch(str(name), str(content)) for name, content in state["patches"]]
            return patches if state["origin"] == origin else None
        except (OSError, ValueError, LookupError, TypeError):
            return None

    def _take_back(self, applied: list[Patch], patches: Sequence[Patch]) -> bool:
        """Take back the patches with which *patches* does not begin; False if that fails."""
        while applied != list(patches[: len(applied)]):
            if self._git_apply(applied.pop(), "--reverse"):
                return False
        return True

    def _apply(self, patch: Patch, origin: str) -> None:
        """
        Apply *patch*, whole or not at all.

        Raises:
            UsageError: it does not apply.
        """
        if errors := self._git_apply(patch):
            raise UsageError(
                f"patch {one_line(patch.name)} does not apply to {origin}",
                why=_reason(errors),
                fix="Hunks are never applied with fuzz: rebase the series onto that kernel.",
            )

    def _git_apply(self, patch: Patch, *options: str) -> list[str]:
        """Let git apply *patch*; its errors."""
        path = self.folder / "current.patch"
        path.write_bytes(patch.data)
        done = programs.run(
            ["git", "apply", *options, str(path)],
            self.source,
            _LIMIT_S,
            missing="apt-get install git",
            # A repository above the cache has nothing to do with it.
            environment={"GIT_CEILING_DIRECTORIES": str(self.folder)},
        )
        lines = [line for line in done.stderr.splitlines() if line.startswith(_ERRORS)]
        return (lines or [f"status {done.returncode}"]) if done.returncode else []


def _reason(errors: list[str]) -> str:
    """The hunks that do not match, or else the first of the errors of git."""
    texts = [one_line(error.partition(": ")[2] or error) for error in errors]
    hunks = [text.removeprefix(_HUNK) for text in texts if text.startswith(_HUNK)]
    places = [f"line {line} of {file}" for file, _, line in (h.rpartition(":") for h in hunks)]
    if not places:
        return texts[0]
    hunks_do = "hunk does" if len(places) == 1 else "hunks do"
    return f"its {hunks_do} not match at {shortened_list(places, 3)}"
