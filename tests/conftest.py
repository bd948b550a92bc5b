"""Fixtures of all tests: processes, isolation from the machine, and test plugins."""

from __future__ import annotations

import compileall
import os
import signal
import sys
from collections.abc import Callable, Generator, Iterator
from pathlib import Path

import pytest
from hypothesis import settings

import pvbench_deliver_live.this_kernel
from pvbench.plugin.guard import LIMIT_VARIABLE
from pvbench_deliver_kvm import delivery
from pvbench_deliver_kvm.delivery import KvmDelivery
from pvbench_deliver_kvm.probe import cache
from pvbench_deliver_kvm.vmm.kvm import DEVICE
from support.groups import write_groups
from support.helpers import DEADLINE_S
from support.kvm import PATIENCE_S
from support.live import SPARE_ATTEMPTS
from support.require import ONE_BY_ONE, skip_without
from support.runs import AddPlugin, Cli, call, run_to

# Fixtures of tests that boot guests or spin.
REAL = {"needs_kvm", "busy_targets"}
MOST_PROCESSES = 8  # more would wait for the tests that run one by one
ROOT = Path(__file__).parents[1]


def pytest_configure(config: pytest.Config) -> None:
    """Compile the modules once, so that none of the processes that tests start has to."""
    if not hasattr(config, "workerinput"):
        for folder in ("pvbench", "plugins", "suites", "benchmarks"):
            compileall.compile_dir(ROOT / folder, quiet=2)


def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """All tests run in a process for each CPU; a few are over before others have started."""
    whole_suite = config.args == config.getini("testpaths")
    return min(len(os.sched_getaffinity(0)), MOST_PROCESSES) if whole_suite else 0


@pytest.hookimpl(wrapper=True)
def pytest_collection_modifyitems(
    config: pytest.Config, items: list[pytest.Item]
) -> Generator[None, object, object]:
    """Other tests of a file share its fixtures, so they run in one process too."""
    for item in items:
        if not item.get_closest_marker("xdist_group"):
            is_real = REAL & set(getattr(item, "fixturenames", ()))
            item.add_marker(pytest.mark.xdist_group(ONE_BY_ONE if is_real else str(item.path)))
    result = yield
    if getattr(config.option, "loadgroup", False):  # of a process of pytest-xdist
        write_groups(items)
    return result


# The same examples on every machine, and no clocks.
settings.register_profile(
    "pvbench", derandomize=True, deadline=None, database=None, max_examples=60
)
settings.load_profile("pvbench")


@pytest.fixture(scope="session", autouse=True)
def own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Each test has an empty cache."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(scope="session", autouse=True)
def interruptible() -> Iterator[None]:
    """SIGINT ends what tests start, also where a shell in the background ignores it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture(scope="session", autouse=True)
def own_width() -> Iterator[None]:
    """Output is as wide as in any pipe, however wide the terminal of the tests is."""
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("COLUMNS", raising=False)
        yield


@pytest.fixture(scope="session", autouse=True)
def own_lock(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Tests never wait for timed runs of this machine, nor do the processes they start."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PVBENCH_LOCK", str(tmp_path_factory.mktemp("lock") / "pvbench.lock"))
        yield


@pytest.fixture(scope="session", autouse=True)
def patience_with_plugins() -> Iterator[None]:
    """No plugin is given up because this machine is busy."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(LIMIT_VARIABLE, str(DEADLINE_S))
        yield


@pytest.fixture(scope="session", autouse=True)
def patience() -> Iterator[None]:
    """No guest is given up because this machine is busy."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(delivery, "PATIENCE_S", PATIENCE_S)
        patch.setattr(cache, "LIMIT_S", PATIENCE_S)
        yield


@pytest.fixture(autouse=True)
def _own_modules(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A module that a test wrote is gone after it: another test's may have the same name."""
    before = set(sys.modules)
    yield
    folder = str(tmp_path_factory.getbasetemp())
    for name in set(sys.modules) - before:
        if (getattr(sys.modules[name], "__file__", None) or "").startswith(folder):
            del sys.modules[name]


@pytest.fixture
def one_cpu() -> Iterator[None]:
    """Runs may use one CPU only, so that their boots come one after another."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(before)})
    yield
    os.sched_setaffinity(0, before)


@pytest.fixture
def busy_targets(monkeypatch: pytest.MonkeyPatch) -> None:
    """The delivery live goes on for a minute where its targets seldom run."""
    monkeypatch.setattr(pvbench_deliver_live.this_kernel, "SPARE_ATTEMPTS", SPARE_ATTEMPTS)


@pytest.fixture(scope="session")
def needs_kvm(own_cache: None) -> None:
    """Tests of real guests are skipped where there are none, with the delivery's reason."""
    skip_without("kvm", KvmDelivery().why_unavailable(), means=DEVICE.exists())


@pytest.fixture
def only_bundled(monkeypatch: pytest.MonkeyPatch) -> None:
    """Plugins installed on this machine play no part."""
    monkeypatch.setenv("PVBENCH_DISABLE_PLUGIN_AUTOLOAD", "1")


@pytest.fixture
def write_plugin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str], str]:
    """Put a module on sys.path."""
    monkeypatch.syspath_prepend(tmp_path)

    def write(name: str, source: str) -> str:
        (tmp_path / f"{name}.py").write_text(source)
        return name

    return write


@pytest.fixture
def cli(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Cli:
    """Run a command in an empty directory."""
    monkeypatch.chdir(tmp_path)
    return call


@pytest.fixture
def add_plugin(
    monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> AddPlugin:
    """Write a module that ``-p`` can name, and that workers can import."""
    folder = tmp_path_factory.mktemp("plugins")
    monkeypatch.syspath_prepend(str(folder))
    monkeypatch.setenv("PYTHONPATH", str(folder), prepend=os.pathsep)

    def write(name: str, source: str) -> str:
        (folder / f"{name}.py").write_text(f"pvbench_api = 1\n{source}")
        return name

    return write


@pytest.fixture(scope="session")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the runs that tests share are kept."""
    return tmp_path_factory.mktemp("runs")


@pytest.fixture(scope="session")
def native_file(runs: Path) -> Path:
    """Both broadcasts, natively, in a guest of 80: three boots."""
    path = runs / "native.json"
    output = run_to(path, "-k", "broadcast", "--sender", "native", "--boots", "3")
    assert output.status == 0, output.err
    return path


@pytest.fixture(scope="session")
def overlay_file(runs: Path) -> Path:
    """All five workloads, native and under the merged overlay, in a guest of 80."""
    path = runs / "overlay.json"
    output = run_to(path, "--sender", "native,kvm-pv")
    assert output.status == 0, output.err
    return path


@pytest.fixture(scope="session")
def lossy_file(runs: Path) -> Path:
    """A sender that loses 32 of 159 IPIs, and one that loses none."""
    path = runs / "lossy.json"
    options = ("--sender", "kvm-pv,kvm-pv128-v3", "--vcpus", "160")
    output = run_to(path, "-k", "*.broadcast", "--driver", "x2apic-physical", *options)
    assert output.status == 0, output.err
    return path
