"""A description says how its mechanisms were probed: by new processes or forked ones."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from pvbench.delivery import Options
from pvbench_deliver_kvm.delivery import KvmDelivery
from pvbench_deliver_kvm.probe import cache
from pvbench_deliver_kvm.probe.processes import forked, started


@pytest.mark.usefixtures("needs_kvm")
@pytest.mark.parametrize(("fork", "start"), [(True, forked), (False, started)])
def test_a_site_of_one_thread_can_ask_for_forked_processes(
    monkeypatch: pytest.MonkeyPatch, fork: bool, start: Callable[..., object]
) -> None:
    """Otherwise each group of probes has a new interpreter."""
    asked: list[object] = []

    def probes(**options: object) -> dict[str, str]:
        asked.append(options["start"])
        return {"x2apic-self": ""}

    monkeypatch.setattr(cache, "probes", probes)
    description = KvmDelivery().describe(Options(fork=fork))

    assert (asked, description.probes) == ([start], {"x2apic-self": ""})
