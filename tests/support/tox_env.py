"""tox itself, and result files as runs in its environments leave them."""

from __future__ import annotations

import subprocess
import sys
from configparser import ConfigParser
from pathlib import Path
from typing import Any, Final

from pvbench.host import name as host_name
from pvbench.host import tags
from support.runs import file_of, row_of

TOX: Final = (sys.executable, "-m", "tox")


def result_of(
    environment: str, *, day: int = 1, microseconds: float = 100, **facts: Any
) -> str:
    """A broadcast measured in *environment*, if it has a name; the file's name."""
    folder = Path("results") / host_name.name()
    folder.mkdir(parents=True, exist_ok=True)
    stack = facts.pop("stack", "x2apic-physical")
    plugin = "pvbench-nowhere 1"  # of which no version is installed
    defaults = {
        "tox_env": environment or None,
        "sender_plugin": plugin,
        "delivery_plugin": plugin,
    }
    row = row_of("broadcast", stack, microseconds * 1e-6, **(defaults | facts))
    return file_of(folder / f"202601{day:02}T120000Z-norov-{environment}.json", row)


def installed(folder: Path, distribution: str, version: str) -> None:
    """A distribution without files."""
    info = folder / f"{distribution.replace('-', '_')}-{version}.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(
        f"Metadata-Version: 2.1\nName: {distribution}\nVersion: {version}\n"
    )


def commit() -> str:
    """A first commit of the working directory; its revision as results tell it."""
    author = ["-c", "user.name=a", "-c", "user.email=a@example.org"]
    empty = ["commit", "-q", "--allow-empty", "-m", "first"]
    subprocess.run(["git", "init", "-q"], check=True)
    subprocess.run(["git", *author, *empty], check=True)
    return str(tags.tags()["pvbench_git"])


def tox(*arguments: str) -> str:
    """The output of tox."""
    output = subprocess.run([*TOX, *arguments], capture_output=True, text=True, check=False)
    assert output.returncode == 0, output.stdout + output.stderr
    return output.stdout


def config(*arguments: str) -> ConfigParser:
    """The configuration of the environments asked for."""
    before, _, after = " ".join(arguments).partition(" -- ")
    keys = "-k description commands deps depends package skip_install extras set_env pass_env"
    further_words = ["--", *after.split()] if after else []
    parser = ConfigParser(interpolation=None)
    parser.read_string(tox("config", *before.split(), *keys.split(), *further_words))
    return parser
