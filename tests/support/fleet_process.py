"""
A cluster of processes for tests: a scheduler, and a worker for each table of options.

    python fleet_process.py '[{"env": {"PVBENCH_HOST_ID": "a"}}, ...]'

It prints the address of its scheduler, kills the n-th worker at each line ``kill n``, and ends
at the end of its input.  A worker that was killed is started again.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from typing import Any

from distributed import LocalCluster, Nanny


def main() -> None:
    """Serve until the input ends."""
    tables: list[dict[str, Any]] = json.loads(sys.argv[1])
    with LocalCluster(n_workers=0, dashboard_address=None, silence_logs=50) as cluster:
        for number, table in enumerate(tables):
            options = {"nthreads": 1, "silence_logs": 50} | table
            cluster.worker_spec[number] = {"cls": Nanny, "options": options}
        cluster.sync(cluster._correct_state)
        cluster.wait_for_workers(len(tables))
        print(cluster.scheduler_address, flush=True)
        for line in sys.stdin:
            process = cluster.workers[int(line.removeprefix("kill "))].process
            if process and process.pid:  # it may be starting again already
                os.kill(process.pid, signal.SIGKILL)


if __name__ == "__main__":
    main()
