"""Live: what do IPIs cost on this machine, sent by its running kernel?"""

from __future__ import annotations

from pvbench.hookspecs import hookimpl
from pvbench.suite import Suite

pvbench_api = 1


@hookimpl
def pvbench_suites() -> list[Suite]:
    return [
        Suite(
            name="live",
            version=1,
            summary="IPIs of this machine's running kernel",
            workloads=("dry-run", "normal-ipi", "broadcast"),
            drivers=("kernel",),
            overlays=(),
            guests=("host",),
            target_states=("running",),
            delivery="live",
        )
    ]


if __name__ == "__main__":
    from pvbench.pyperf_script import main

    main(*pvbench_suites())
