"""Bundled plugins pass the public conformance kit."""

from __future__ import annotations

import pytest

from pvbench.testing.deliveries import check_delivery
from pvbench.testing.senders import check_sender
from pvbench.testing.sites import check_site
from pvbench.testing.workloads import check_workload
from pvbench_deliver_kvm.vmm.kvm import DEVICE
from support.helpers import bundled
from support.require import skip_without

# Members of each family, far from its defaults.
MEMBERS = {
    "fanout": ("8", "8:spread", "200:random-1"),
    "futex": ("9",),
    "hackbench": ("2", "1:9"),
    "madvise": ("8:9",),
    "membarrier": ("1", "6:9"),
    "munmap": ("8:9",),
    "pairs": ("4", "3:ring"),
    "pipe": ("9",),
    "shootdown": ("2", "3:5", "8:all"),
}


@pytest.mark.parametrize("name", bundled().senders)
def test_a_bundled_sender_conforms(name: str) -> None:
    """The kit has its own guests and bursts."""
    check_sender(bundled().senders[name])


@pytest.mark.parametrize("name", bundled().table("workload"))
def test_a_bundled_workload_conforms(name: str) -> None:
    """The defaults and other members of the family are checked."""
    check_workload(bundled().table("workload")[name], *MEMBERS.get(name, ()))


@pytest.mark.usefixtures("busy_targets")
@pytest.mark.parametrize("name", bundled().table("delivery"))
def test_a_bundled_delivery_conforms(name: str) -> None:
    """The test is skipped with the reason if this machine cannot run it."""
    delivery = bundled().table("delivery")[name]
    skip_without(name, delivery.why_unavailable(), means=name != "kvm" or DEVICE.exists())
    check_delivery(delivery)


def test_the_bundled_site_local_conforms() -> None:
    """It boots the model in worker processes."""
    check_site(bundled().table("site")["local"])


def test_every_bundled_family_is_checked_beyond_its_defaults() -> None:
    """A new family must be added to the list above."""
    families = {
        name for name, workload in bundled().table("workload").items() if workload.parameters
    }

    assert families == set(MEMBERS)
