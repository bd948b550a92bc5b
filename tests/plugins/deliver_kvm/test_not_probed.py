"""Commands that only show a plan probe no mechanism."""

from __future__ import annotations

import json
from typing import NoReturn

import pytest

from pvbench.host import lock as host_lock
from pvbench_deliver_kvm import build
from pvbench_deliver_kvm.probe.programs import PROBES
from support.runs import Cli

pytestmark = pytest.mark.usefixtures("needs_kvm", "nothing_runs")

RUN = ("run", "norov", "--vcpus", "2", "-k", "normal-ipi", "--sender", "x2apic-physical")


@pytest.fixture
def nothing_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Compiling, looking for what was probed, and waiting for the lock raise."""

    def refused(*_: object, **__: object) -> NoReturn:
        raise AssertionError("this is done only to probe or to run")

    for module, name in ((build, "image"), (build, "key"), (host_lock, "alone")):
        monkeypatch.setattr(module, name, refused)


def test_a_plan_of_real_guests_says_that_nothing_was_probed(cli: Cli) -> None:
    """A mechanism that does not work here shows when the run begins."""
    output = cli(*RUN, "--delivery", "kvm", "--dry-run")

    assert (output.status, "planned" in output.out) == (0, True)
    assert output.err == "pvbench: kvm is not probed: a case may not work there\n"


def test_doctor_states_what_it_has_not_probed(cli: Cli) -> None:
    """The limits of KVM are read; its mechanisms are not probed."""
    facts = json.loads(cli("doctor", "--no-probe", "--json").out)

    assert facts["delivery kvm"] == "not probed (--no-probe)"
    assert facts["delivery model"] == "usable"
    probes = {f"kvm: {name}" for *_, programs in PROBES.values() for name in programs}
    assert ("kvm: x2apic-self" in probes, probes & facts.keys()) == (True, set())


def test_a_list_of_deliveries_tries_none(cli: Cli) -> None:
    """Whether one can be used is a matter of the host, which `pvbench doctor` asks."""
    assert cli("list", "deliveries").status == 0
