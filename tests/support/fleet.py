"""A cluster of processes, started and ended by a test."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import attrs

_SCRIPT = Path(__file__).with_name("fleet_process.py")


@attrs.frozen
class Fleet:
    """
    A cluster.

    Args:
        site: as `--site` names it.
    """

    site: str
    _process: subprocess.Popen[str]

    def kill(self, worker: int) -> None:
        """Kill a worker, which is started again."""
        assert self._process.stdin
        self._process.stdin.write(f"kill {worker}\n")
        self._process.stdin.flush()


@contextmanager
def fleet(*workers: dict[str, Any]) -> Iterator[Fleet]:
    """A cluster with a worker of one thread for each table of options of dask's Nanny."""
    environment = os.environ | {"DASK_DISTRIBUTED__WORKER__MULTIPROCESSING_METHOD": "spawn"}
    with subprocess.Popen(
        (sys.executable, "-P", str(_SCRIPT), json.dumps(workers)),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=environment,
        text=True,
    ) as process:
        assert process.stdin
        assert process.stdout
        address = process.stdout.readline().strip()
        assert address, "the cluster does not start"
        try:
            yield Fleet(f"dask:{address}", process)
        finally:
            process.stdin.close()
            process.wait()
