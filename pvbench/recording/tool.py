"""Binary files of traces, which the tool that wrote them prints as text."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from pvbench.errors import UnavailableError, UsageError, not_writable
from pvbench.recording.reader import Reader
from pvbench.text import one_line

_PIECE: Final = 1 << 22  # bytes
_LARGEST: Final = 1 << 33  # bytes of a binary file


@contextmanager
def printed(name: str, reader: Reader, parts: Iterator[bytes]) -> Iterator[Iterator[bytes]]:
    """
    The text of a binary file that has the content *parts*.

    Raises:
        UnavailableError: the tool is not installed, or there is no room for the file.
        UsageError: the tool refuses the file.
    """
    tool = reader.name_of_tool
    if shutil.which(tool) is None:
        raise UnavailableError(
            f"{name} is a file of {tool}, which is not installed",
            fix=f"Install {tool}, or print the file as text where it is installed.",
        )
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "trace"
        _copy(parts, path, name)
        assert reader.command is not None  # noqa: S101 - the caller has checked it
        with (Path(folder) / "errors").open("w+b") as errors:
            process = subprocess.Popen(
                reader.command(path),
                stdout=subprocess.PIPE,
                stderr=errors,
                stdin=subprocess.DEVNULL,
            )
            try:
                yield _output(process, errors, name, tool)
            finally:
                process.kill()
                process.wait()
                assert process.stdout is not None  # noqa: S101 - it is a pipe
                process.stdout.close()


def _copy(parts: Iterator[bytes], path: Path, name: str) -> None:
    size = 0
    try:
        with path.open("wb") as file:
            for part in parts:
                size += len(part)
                if size > _LARGEST:
                    raise UsageError(f"{name} has more than {_LARGEST} bytes")
                file.write(part)
    except OSError as error:
        raise not_writable(path, error) from None


def _output(
    process: subprocess.Popen[bytes], errors: object, name: str, tool: str
) -> Iterator[bytes]:
    """What the tool prints, and what it says on standard error after it."""
    assert process.stdout is not None  # noqa: S101 - it is a pipe
    while piece := process.stdout.read1(_PIECE):  # type: ignore[attr-defined]
        yield piece
    status = process.wait()
    errors.seek(0)  # type: ignore[attr-defined]
    said: bytes = errors.read(1 << 16)  # type: ignore[attr-defined]
    if status:
        raise UsageError(
            f"{tool} cannot read {name}",
            why=one_line(said.decode(errors="replace")) or f"it ends with status {status}",
            fix=f"Use the {tool} of the machine that was traced, or print the text there.",
        )
    if said:
        yield said if said.endswith(b"\n") else said + b"\n"
