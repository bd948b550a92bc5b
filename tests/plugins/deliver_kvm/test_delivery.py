"""The delivery kvm on a host without a compiler."""

from __future__ import annotations

import pytest

from pvbench_deliver_kvm import build
from pvbench_deliver_kvm.delivery import KvmDelivery


def test_the_compiled_guest_is_taken_to_a_host_without_a_compiler(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Its name in the cache there is the one that `build` looks for."""
    monkeypatch.setattr(build, "key", lambda: "0123")
    monkeypatch.setattr(build, "image", lambda: b"guest")

    assert KvmDelivery().cache_files() == {"guest-0123.bin": b"guest"}
