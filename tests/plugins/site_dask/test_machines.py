"""The machines of a cluster, and the workers that are refused."""

from __future__ import annotations

from typing import Any

import attrs
import pytest

from pvbench.errors import UnavailableError
from pvbench.site import Host
from pvbench_site_dask.machines import Identity, accepted, differences, hosts_of

OURS = {"plugin send-x": "pvbench 1.0", "protocol": "2"}
WORKER = Identity(
    address="tcp://10.0.0.1:1",
    host="a",
    boot_id="1",
    name="node-1",
    threads=2,
    timed=False,
    software=OURS,
)


def worker(**changes: Any) -> Identity:
    """A worker of machine ``a``, with *changes*."""
    return attrs.evolve(WORKER, **changes)


def test_a_host_is_a_machine_and_has_the_threads_of_all_its_workers_as_slots() -> None:
    """Two workers on one machine are one host."""
    others = worker(address="tcp://10.0.0.1:2", threads=3), worker(host="b", name="node-2")

    assert hosts_of((WORKER, *others)) == (Host("a", "node-1", 5), Host("b", "node-2", 2))


def test_two_machines_with_one_id_are_refused() -> None:
    """Machines that were cloned have one machine ID, and their times would be pooled."""
    clone = worker(address="tcp://10.0.0.2:1", boot_id="2")

    with pytest.raises(
        UnavailableError, match="different machines have host ID a: tcp://10"
    ) as e:
        hosts_of((WORKER, clone))
    assert "Set PVBENCH_HOST_ID" in str(e.value)


@pytest.mark.parametrize(
    ("theirs", "sentence"),
    [
        (OURS, ""),
        (OURS | {"protocol": "1"}, "protocol is 1 there and 2 here"),
        ({"protocol": "2"}, "plugin send-x is missing there and pvbench 1.0 here"),
        (OURS | {"plugin y": "y 3"}, "plugin y is y 3 there and missing here"),
    ],
    ids=["equal", "other-version", "plugin-missing", "plugin-more"],
)
def test_a_difference_of_software_is_named(theirs: dict[str, str], sentence: str) -> None:
    """By the plugin, with both versions."""
    assert differences(theirs, OURS) == sentence


def test_a_worker_with_other_software_is_refused_by_name(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """The others are used."""
    other = worker(address="tcp://10.0.0.2:1", software=OURS | {"protocol": "1"})

    assert list(accepted((WORKER, other), OURS)) == [WORKER]
    assert capsys.readouterr().err == (
        "pvbench: worker tcp://10.0.0.2:1 (node-1) is not used: "
        "protocol is 1 there and 2 here\n"
    )
