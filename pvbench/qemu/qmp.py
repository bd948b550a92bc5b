"""QEMU's machine protocol: commands and their results, one JSON value a line."""

from __future__ import annotations

import json
import socket
from typing import Any, Final

from pvbench.errors import WorkerError
from pvbench.shapes import json_value

_LIMIT_S: Final = 60.0
_LONGEST: Final = 1 << 20  # bytes of a line


class Qmp:
    """
    A connection to the monitor of a QEMU.

    Attributes:
        is_open: QEMU has not closed it.
    """

    def __init__(self, connection: socket.socket) -> None:
        connection.settimeout(_LIMIT_S)
        self._connection = connection
        self._lines = connection.makefile("rb")
        self.is_open = True

    def greet(self) -> None:
        """Wait for QEMU's greeting, and leave the mode for negotiation."""
        self._read()
        self.execute("qmp_capabilities")

    def execute(self, command: str, **arguments: Any) -> Any:
        """
        The result of *command*.

        Raises:
            WorkerError: QEMU refuses the command, does not answer, or has ended.
        """
        request = json.dumps({"execute": command, "arguments": arguments})
        try:
            self._connection.sendall(request.encode() + b"\n")
        except OSError as error:
            raise self._ended(error) from None
        while True:
            answer = self._read()
            if "error" in answer:
                raise WorkerError(f"QEMU refuses {command}", why=_text_of(answer["error"]))
            if "return" in answer:
                return answer["return"]

    def _read(self) -> dict[str, Any]:
        try:
            line = self._lines.readline(_LONGEST)
            value = json_value(line.decode()) if line else None
        except (OSError, ValueError) as error:
            raise self._ended(error) from None
        if not isinstance(value, dict):
            raise self._ended("it closed its monitor")
        return value

    def _ended(self, reason: object) -> WorkerError:
        self.is_open = False
        return WorkerError("QEMU does not answer", why=str(reason))

    def close(self) -> None:
        """Close the connection."""
        self._lines.close()
        self._connection.close()


def _text_of(error: Any) -> str:
    return str(error.get("desc")) if isinstance(error, dict) else str(error)
