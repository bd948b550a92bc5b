"""What runs on a worker of a cluster, without a cluster."""

from __future__ import annotations

import threading
from types import SimpleNamespace

import pytest
from distributed import Status

from pvbench_site_dask import remote


@pytest.mark.parametrize(
    ("state", "status", "ends"),
    [
        pytest.param("executing", Status.running, False, id="executing"),
        pytest.param("executing", Status.paused, False, id="paused"),
        pytest.param("cancelled", Status.running, True, id="cancelled"),
        pytest.param("", Status.running, True, id="forgotten"),
        pytest.param("executing", Status.closing, True, id="closing"),
        pytest.param("executing", Status.closing_gracefully, False, id="retired"),
    ],
)
def test_a_boot_ends_as_soon_as_the_cluster_does_not_need_it(
    monkeypatch: pytest.MonkeyPatch, state: str, status: Status, ends: bool
) -> None:
    """A worker that closes waits for its threads, so it would not end before its boots."""
    tasks = {"boot": SimpleNamespace(state=state)} if state else {}
    member = SimpleNamespace(state=SimpleNamespace(tasks=tasks), status=status)
    monkeypatch.setattr(remote, "get_worker", lambda: member)
    looks, ended = threading.Event(), threading.Event()

    def watch(over: object, is_wanted: object, end: object) -> None:
        assert callable(is_wanted)
        assert callable(end)
        if not is_wanted():
            end()
        looks.set()

    monkeypatch.setattr(remote, "_watch", watch)
    workers = SimpleNamespace(end=ended.set)
    with remote._while_wanted("boot", workers):  # type: ignore[arg-type]
        assert looks.wait(60)

    assert ended.is_set() == ends
