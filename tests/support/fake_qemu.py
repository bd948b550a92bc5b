"""
A program that stands in for QEMU: a monitor, and an agent that is no emulated machine.

The environment variable FAKE_QEMU says what goes wrong.
"""

from __future__ import annotations

import json
import mmap
import os
import re
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path
from typing import IO, Any, cast

from pvbench_site_lab.inside import agent, profile
from pvbench_site_lab.shared_memory import SIZE, AnswerStream, SharedMemory

FAULT = os.environ.get("FAKE_QEMU", "")
STATE = b"state of a fake machine"


class Machine:
    """What the arguments describe."""

    def __init__(self, arguments: str) -> None:
        self.connection = socket.socket(fileno=int(_number(r"id=monitor,fd=(\d+)", arguments)))
        self.console = os.open(_number(r"id=console,path=(\S+)", arguments), os.O_WRONLY)
        file = os.open(_number(r"mem-path=(\S+)", arguments), os.O_RDWR)
        self.memory = SharedMemory(mmap.mmap(file, SIZE))
        self.migration = "none"

    def tell(self, value: dict[str, Any]) -> None:
        self.connection.sendall(json.dumps(value).encode() + b"\n")

    def serve(self) -> None:
        """Obey the monitor until it is closed."""
        self.tell({"QMP": {}})
        for line in self.connection.makefile():
            request = json.loads(line)
            result = self.execute(request["execute"], request["arguments"])
            if FAULT == "refuses" and request["execute"] == "migrate":
                self.tell({"error": {"class": "GenericError", "desc": "not today"}})
                continue
            self.tell({"event": "SOMETHING"})
            self.tell({"return": result})

    def execute(self, command: str, arguments: dict[str, Any]) -> dict[str, Any]:
        if command == "cont":
            self.run()
        if command == "migrate":
            self.migration = "failed" if FAULT == "full" else "completed"
            command = arguments["uri"].removeprefix("exec:")
            if FAULT in ("full", "full-at-end"):
                command = re.sub(r"cat > \S+;", "cat > /dev/full;", command)
            subprocess.run(command, shell=True, check=True, input=STATE)  # noqa: S602 - as QEMU does
        return {"status": self.migration if command == "query-migrate" else "paused"}

    def run(self) -> None:
        """Boot, or answer the request."""
        request = self.memory.request()
        self.say("booted" if request is None else "a request")
        if request is None and FAULT == "panic":
            for number in range(1, 23):
                self.say(f"line {number}")
            self.say("[    0.9] Kernel panic - not syncing: No working init found.")
            os._exit(0)
        if request is None and FAULT == "module":
            self.say("pvbench-lab: module kvm_amd cannot be loaded: Operation not supported")
            os._exit(0)
        if request is None:
            self.become_ready()
        elif FAULT == "killed":
            os.kill(os.getpid(), signal.SIGKILL)
        elif FAULT == "child":
            self.memory.finish(9)
        elif FAULT == "quits":
            self.memory.finish(3 << 8)
        elif FAULT == "odd":
            self.memory.finish((1 << 64) - 128)
        elif FAULT != "hangs":
            profile.TRACING = Path(os.environ.get("FAKE_TRACING", "/nowhere"))
            agent.answer(request, cast("IO[str]", AnswerStream(self.memory)))
            self.memory.finish(0)

    def become_ready(self) -> None:
        """Or hang, which may be the first time only; one kind of hang keeps a CPU busy."""
        if FAULT == "never-ready" or (FAULT == "ready-at-last" and _is_first()):
            return
        if FAULT == "spins":
            threading.Thread(target=_spin, daemon=True).start()
            return
        self.memory.set_ready()

    def say(self, text: str) -> None:
        if FAULT != "mute":
            os.write(self.console, text.encode() + b"\n")


def _is_first() -> bool:
    """Whether no fake QEMU has asked this before."""
    try:
        Path(os.environ["FAKE_QEMU_DATA"], "asked").touch(exist_ok=False)
    except FileExistsError:
        return False
    return True


def _spin() -> None:
    while True:
        pass


def _number(pattern: str, text: str) -> str:
    match = re.search(pattern, text)
    assert match, pattern
    return match[1]


def main(arguments: list[str]) -> None:
    text = " ".join(arguments)
    if arguments == ["-L", "help"]:
        print(os.environ.get("FAKE_QEMU_DATA", ""))
    elif arguments == ["--version"]:
        print("QEMU emulator version 9.9.9 (fake)\nCopyright")
    elif FAULT == "bios":
        sys.exit("qemu: could not load PC BIOS 'bios-256k.bin'")
    elif FAULT == "silent":
        sys.exit(3)
    elif match := re.search(r"-incoming exec:cat (\S+)", text):
        if Path(match[1]).read_bytes() != STATE:
            sys.exit("qemu: load of migration failed: Input/output error")
        if FAULT == "killed-loading":
            os.kill(os.getpid(), signal.SIGKILL)
        machine = Machine(text)
        machine.memory.set_ready()
        machine.serve()
    else:
        Machine(text).serve()


if __name__ == "__main__":
    main(sys.argv[1:])
