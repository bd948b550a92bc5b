"""Sides of `pvbench ab` that are small programs, not runs."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from pvbench.run.side import Side

# It answers as a run does.  `log` collects which side is told what, in order.
PROGRAM = """#!{python}
import json, os, sys
reading, writing, lock = map(int, sys.argv[sys.argv.index("--ab-pipes") + 1].split(","))
lines = open(reading, buffering=1)

def tell(**message):
    os.write(writing, json.dumps(message).encode() + b"\\n")

def hear():
    message = json.loads(lines.readline())
    with open({log!r}, "a") as log:
        trace = "trace " if "trace" in message else ""
        number = message.get("trace", message.get("boot", "end"))
        log.write(f"{name} {{trace}}{{number}}\\n")
    return message

GREETING = dict(ab=3, boots=3, guests=1, is_noisy=False, sessions={{}})
{body}
"""
HONEST = """
tell(**GREETING)
while "end" not in (message := hear()):
    tell(traced=message["trace"]) if "trace" in message else tell(stored=message["boot"])
"""


def side_of(folder: Path, name: str, body: str = HONEST, **changes: Any) -> Side:
    """A side in *folder* that executes *body*."""
    program = folder / f"{name}.py"
    log = str(folder / "log")
    program.write_text(PROGRAM.format(python=sys.executable, log=log, name=name, body=body))
    program.chmod(0o755)
    options: dict[str, Any] = {
        "words": (),
        "site": "local",
        "path": folder / f"{name}.json",
        "environment": {},
        "timeout_s": 600,
    }
    return Side(name=name, python=str(program), **(options | changes))


def log_of(folder: Path) -> list[str]:
    """The messages to each side, in order."""
    return (folder / "log").read_text().splitlines()
