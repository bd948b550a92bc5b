"""SIGKILL ends a manager: its worker, guest and lock go with it, and a run can go on."""

from __future__ import annotations

from pathlib import Path

import pytest

import kill
from pvbench_deliver_kvm.delivery import KvmDelivery
from pvbench_deliver_kvm.vmm.kvm import DEVICE
from support.require import skip_without

# A boot never ends by itself.  What `benchmarks/kill.py` gives three seconds for gets a
# minute here, because the machine may be busy.
LIMIT_S = 60.0
MOMENTS_S = [0.2, 0.7, 1.1, 1.5, 2.1]
MIDDLE_S = 1.0  # about the middle of the run that is completed
# A delivery whose boots never end by themselves.
ENDLESS = """
pvbench_api = 1
import threading
from contextlib import contextmanager
from pvbench.hookspecs import hookimpl
from {module} import {base}

class Endless({base}):
    name = "endless"

    @contextmanager
    def boot(self, *args):
        with super().boot(*args) as booted:
            threading.Event().wait()
            yield booted

@hookimpl
def pvbench_deliveries():
    return [Endless()]
"""


@pytest.fixture(params=["model", "kvm"])
def base(request: pytest.FixtureRequest) -> tuple[str, str]:
    """Module and class of each delivery whose boots hold something."""
    if request.param == "model":
        return "pvbench_deliver_model", "Model"
    skip_without("kvm", KvmDelivery().why_unavailable(), means=DEVICE.exists())
    return "pvbench_deliver_kvm", "KvmDelivery"


@pytest.mark.parametrize("after_s", MOMENTS_S)
def test_nothing_outlives_a_manager_that_is_killed(
    base: tuple[str, str], after_s: float, tmp_path: Path
) -> None:
    """No process of an endless boot is alive, no /dev/kvm is open and no lock is held."""
    module, name = base
    (tmp_path / "endless.py").write_text(ENDLESS.format(module=module, base=name))

    remaining = kill.kill("endless", after_s, tmp_path, "-p", "./endless.py", limit_s=LIMIT_S)

    assert (remaining.processes, remaining.kvm, remaining.locked) == ((), (), False)


@pytest.mark.parametrize("victim", ["manager", "worker"])
def test_a_run_whose_process_is_killed_is_completed_to_the_undisturbed_bytes(
    victim: str, tmp_path: Path
) -> None:
    """The exact clock gives the same bytes every time."""
    undisturbed = kill.completed("model", tmp_path)

    remaining, results = kill.kill_and_resume(
        "model", victim, MIDDLE_S, tmp_path, limit_s=LIMIT_S
    )

    assert (remaining.is_empty, results) == (True, undisturbed)
    assert isinstance(undisturbed, bytes)
