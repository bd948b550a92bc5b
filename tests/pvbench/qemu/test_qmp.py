"""QEMU's monitor: commands and results."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator

import pytest

from pvbench.errors import WorkerError
from pvbench.qemu.qmp import Qmp


@pytest.fixture
def pair() -> Iterator[tuple[Qmp, socket.socket]]:
    """A monitor and the other end of its connection."""
    ours, theirs = socket.socketpair()
    with theirs:
        monitor = Qmp(ours)
        yield monitor, theirs
        monitor.close()


def test_a_greeting_ends_the_negotiation(pair: tuple[Qmp, socket.socket]) -> None:
    """QEMU accepts no other command before."""
    monitor, qemu = pair
    qemu.sendall(b'{"QMP": {}}\n{"return": {}}\n')
    monitor.greet()

    assert json.loads(qemu.recv(999)) == {"execute": "qmp_capabilities", "arguments": {}}


def test_events_before_a_result_are_skipped(pair: tuple[Qmp, socket.socket]) -> None:
    """They come at any time."""
    monitor, qemu = pair
    qemu.sendall(b'{"event": "RESUME"}\n{"event": "STOP"}\n{"return": {"status": "paused"}}\n')

    assert monitor.execute("query-status") == {"status": "paused"}


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        (b'{"error": {"class": "X", "desc": "not now"}}\n', "QEMU refuses cont: not now"),
        (b'{"error": "odd"}\n', "QEMU refuses cont: odd"),
        (b"4\n", "QEMU does not answer: it closed its monitor"),
        (b"hello\n", "QEMU does not answer: Expecting value"),
        (b"\xff\n", "QEMU does not answer: "),
    ],
)
def test_what_is_no_result_is_an_error(
    pair: tuple[Qmp, socket.socket], answer: bytes, sentence: str
) -> None:
    """The message has QEMU's words."""
    monitor, qemu = pair
    qemu.sendall(answer)
    with pytest.raises(WorkerError, match=sentence):
        monitor.execute("cont")


def test_a_monitor_that_is_closed_is_an_error(pair: tuple[Qmp, socket.socket]) -> None:
    """As when QEMU ends; the second command cannot be written."""
    monitor, qemu = pair

    def close() -> None:
        qemu.recv(999)
        qemu.close()

    thread = threading.Thread(target=close)
    thread.start()
    for _ in range(2):
        with pytest.raises(WorkerError, match="QEMU does not answer: "):
            monitor.execute("cont")
    thread.join()
