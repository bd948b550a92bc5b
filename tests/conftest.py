"""One hypothesis profile, and plugins made for a test."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import settings

import pvbench_deliver_kvm
import pvbench_deliver_live.machine
from kvm_helpers import PATIENCE_S
from live_helpers import SPARE_ATTEMPTS
from pvbench_deliver_kvm import KvmDelivery, verdicts
from pvbench_deliver_kvm.kvm import DEVICE
from require import skip_without

# The same examples on every machine, and no clocks.
settings.register_profile(
    "pvbench", derandomize=True, deadline=None, database=None, max_examples=60
)
settings.load_profile("pvbench")


@pytest.fixture(scope="session", autouse=True)
def own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """What earlier runs have kept plays no part."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(scope="session", autouse=True)
def own_lock(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Tests never wait for timed runs of this machine, nor do the processes they start."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PVBENCH_LOCK", str(tmp_path_factory.mktemp("lock") / "pvbench.lock"))
        yield


@pytest.fixture(scope="session", autouse=True)
def patience() -> Iterator[None]:
    """No guest is given up because this machine is busy."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pvbench_deliver_kvm, "PATIENCE_S", PATIENCE_S)
        patch.setattr(verdicts, "LIMIT_S", PATIENCE_S)
        yield


@pytest.fixture
def busy_targets(monkeypatch: pytest.MonkeyPatch) -> None:
    """The delivery live goes on for a minute where its targets seldom run."""
    monkeypatch.setattr(pvbench_deliver_live.machine, "SPARE_ATTEMPTS", SPARE_ATTEMPTS)


@pytest.fixture(scope="session")
def needs_kvm(own_cache: None) -> None:
    """Tests of real guests are skipped where there are none, with the delivery's reason."""
    skip_without("kvm", KvmDelivery().unavailable(), means=DEVICE.exists())


@pytest.fixture
def only_bundled(monkeypatch: pytest.MonkeyPatch) -> None:
    """Plugins installed on this machine play no part."""
    monkeypatch.setenv("PVBENCH_DISABLE_PLUGIN_AUTOLOAD", "1")


@pytest.fixture
def write_plugin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str], str]:
    """Put a module on sys.path, forgotten by earlier tests."""
    monkeypatch.syspath_prepend(tmp_path)

    def write(name: str, source: str) -> str:
        monkeypatch.delitem(sys.modules, name, raising=False)
        (tmp_path / f"{name}.py").write_text(source)
        return name

    return write
