"""
A program that stands in for QEMU with a Linux guest: its monitor and its serial port.

FAKE_LINUX names a fault.  FAKE_HYPERCALLS names a file with the hypercalls so far.
"""

from __future__ import annotations

import json
import os
import re
import socket
import sys
import threading
from pathlib import Path
from typing import Any

FAULT = os.environ.get("FAKE_LINUX", "")
TIMES = "3 600 200.0 300.0 100 300 100 99 22"


def number(pattern: str, text: str) -> int:
    match = re.search(pattern, text)
    assert match, pattern
    return int(match[1])


class Monitor:
    """Answers the commands of QMP that this delivery uses."""

    def __init__(self, descriptor: int) -> None:
        self.connection = socket.socket(fileno=descriptor)
        self.reads = 0

    def serve(self) -> None:
        self.tell({"QMP": {}})
        for line in self.connection.makefile():
            self.tell({"return": self.answer(json.loads(line)["execute"])})

    def tell(self, value: dict[str, Any]) -> None:
        self.connection.sendall(json.dumps(value).encode() + b"\n")

    def answer(self, command: str) -> Any:
        if command == "query-cpus-fast":
            ours = [{"cpu-index": 1, "thread-id": os.getpid()}]
            return [{"odd": 1}] if FAULT == "no-threads" else ours
        if command == "query-stats":
            self.reads += 1
            stats = [("exits", 100), ("halt_wakeup", 10), ("halt_successful_poll", 1)]
            values = [{"name": name, "value": n * self.reads} for name, n in stats]
            other = {"name": "histogram", "value": [1, 2]}
            return 5 if FAULT == "no-stats" else [{"stats": [*values, other]}]
        return {}


class Linux:
    """The first process of the guest."""

    def __init__(self, descriptor: int, *, has_pv_ipi: bool) -> None:
        self.connection = socket.socket(fileno=descriptor)
        self.lines = self.connection.makefile()
        self.has_pv_ipi = has_pv_ipi

    def say(self, *lines: str) -> None:
        self.connection.sendall("".join(f"{line}\n" for line in lines).encode())

    def serve(self) -> None:
        offered = "yes" if self.has_pv_ipi and FAULT != "not-offered" else "no"
        self.say("fact release 9.9", f"fact pv_ipi_offered {offered}")
        if FAULT == "endless-facts":
            self.say(*["fact again and again"] * 100)
        self.say("ready")
        while line := self.lines.readline():
            self.execute(line.split())

    def execute(self, words: list[str]) -> None:
        if words[1] == "pipe":
            self.say("error pipe(2) fails")
            return
        self.say("prepared")
        self.lines.readline()
        self.send(words)
        self.say("done")
        self.lines.readline()
        if words[0] == "run":
            wall = "soon" if FAULT == "odd-answer" else "1000"
            self.say(f"wall {wall}", "operations 3", f"times operation {TIMES}")
            if FAULT == "endless-answer":
                self.say(*["wall 1"] * 100)
        self.say("end")

    def send(self, words: list[str]) -> None:
        """Make hypercalls: one for each operation, if they are multicasts."""
        is_multicast = words[0] == "canary" or words[1] == "membarrier"
        is_sent = self.has_pv_ipi and FAULT not in ("no-canary", "not-offered")
        if (is_sent and is_multicast) or FAULT == "always":
            path = Path(os.environ["FAKE_HYPERCALLS"])
            path.write_text(str(int(path.read_text()) + int(words[-1])))


def main(arguments: list[str]) -> None:
    text = " ".join(arguments)
    if FAULT == "refuses":
        sys.exit("qemu: Could not access KVM kernel module: No such file or directory")
    console = re.search(r"id=console,path=(\S+)", text)
    assert console
    Path(console[1]).write_text("[ 1.0] booting\n")
    if FAULT == "panics":
        Path(console[1]).write_text("[ 1.0] Kernel panic - not syncing: no init\n")
        sys.exit(0)
    monitor = Monitor(number(r"id=monitor,fd=(\d+)", text))
    threading.Thread(target=monitor.serve, daemon=True).start()
    descriptor = number(r"id=control,fd=(\d+)", text)
    Linux(descriptor, has_pv_ipi="kvm-pv-ipi=on" in text).serve()


if __name__ == "__main__":
    main(sys.argv[1:])
