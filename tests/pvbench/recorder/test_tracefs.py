"""Tracefs and an instance of one's own."""

from __future__ import annotations

import os
from pathlib import Path

import attrs
import pytest

from pvbench.errors import UnavailableError
from pvbench.recorder.tracefs import Tracefs, mounted
from support.fake_tracefs import fake_kernel


def test_an_instance_is_removed_with_what_was_set_in_it(tmp_path: Path) -> None:
    """It does not trace before and after its time."""
    kernel = fake_kernel(tmp_path)
    with kernel.tracefs.instance() as instance:
        assert (instance.path / "tracing_on").read_text() == "0"
        with instance.on():
            assert (instance.path / "tracing_on").read_text() == "1"

    assert kernel.instances == []
    assert kernel.settings[0]["tracing_on"] == "0"


@pytest.mark.parametrize("error", [KeyboardInterrupt, RuntimeError])
def test_an_instance_is_removed_after_an_exception(
    tmp_path: Path, error: type[BaseException]
) -> None:
    """SIGINT and SIGTERM raise one."""
    kernel = fake_kernel(tmp_path)
    with pytest.raises(error), kernel.tracefs.instance() as instance, instance.on():
        raise error

    assert kernel.instances == []
    assert kernel.settings[0]["tracing_on"] == "0"


def test_instances_that_a_killed_process_left_are_removed(tmp_path: Path) -> None:
    """The kernel keeps those that are in use, and other names are not touched."""
    kernel = fake_kernel(tmp_path)
    for name in ("pvbench-record-1-0", "pvbench-record-2-3", "mine", "pvbench-record-x"):
        kernel.fill(tmp_path / "tracefs/instances" / name)

    def busy(path: Path) -> None:
        if path.name == "pvbench-record-2-3":
            raise OSError(16, os.strerror(16))
        kernel.empty(path)

    attrs.evolve(kernel.tracefs, rmdir=busy).remove_stale()
    assert sorted(kernel.instances) == ["mine", "pvbench-record-2-3", "pvbench-record-x"]


def test_an_instance_that_cannot_be_removed_is_named(tmp_path: Path) -> None:
    """The user can remove it."""

    def busy(path: Path) -> None:
        raise OSError(16, "it is busy")

    tracefs = attrs.evolve(fake_kernel(tmp_path).tracefs, rmdir=busy)
    message = r"cannot be removed: it is busy\. rmdir "
    with pytest.raises(UnavailableError, match=message), tracefs.instance():
        pass


@pytest.mark.parametrize(
    ("error", "fix"),
    [
        (PermissionError(13, "Permission denied"), "as root, or as a member of the group"),
        (OSError(12, "Cannot allocate memory"), "Cannot allocate memory"),
    ],
)
def test_an_instance_that_cannot_be_made_has_a_reason(
    tmp_path: Path, error: OSError, fix: str
) -> None:
    """If permission is missing, the error names the users who have it."""

    def refused(path: Path) -> None:
        raise error

    tracefs = attrs.evolve(fake_kernel(tmp_path).tracefs, mkdir=refused)
    with pytest.raises(UnavailableError, match=fix), tracefs.instance():
        pass


def test_a_value_that_the_kernel_refuses_is_named(tmp_path: Path) -> None:
    """So is the file."""
    kernel = fake_kernel(tmp_path, events=())
    with (
        kernel.tracefs.instance() as instance,
        pytest.raises(UnavailableError, match=r"'1' cannot be written to .*/enable"),
    ):
        instance.enable("ipi/ipi_send_cpu")


def test_events_are_counted_by_cpu(tmp_path: Path) -> None:
    """Those that were overwritten were written too, and those that were dropped are lost."""
    kernel = fake_kernel(tmp_path)
    kernel.statistics = ((3, 10, 0), (2, 0, 7))
    with kernel.tracefs.instance() as instance:
        assert instance.written() == {0: 13, 1: 2}
        assert instance.lost() == {0: 10, 1: 7}


def test_tracefs_is_where_it_is_mounted(tmp_path: Path) -> None:
    """The place is up to the user."""
    fake_kernel(tmp_path)

    assert mounted(tmp_path).path == tmp_path / "tracefs"


def test_a_tracefs_that_is_not_mounted_can_be(tmp_path: Path) -> None:
    """The sentence has the command, if the kernel has a tracefs."""
    fake_kernel(tmp_path)
    (tmp_path / "proc/mounts").write_text("proc /proc proc rw 0 0\n")
    with pytest.raises(UnavailableError, match="As root: mount -t tracefs nodev /sys/kernel"):
        mounted(tmp_path)
    (tmp_path / "proc/filesystems").unlink()
    with pytest.raises(UnavailableError, match="this kernel has no tracefs"):
        mounted(tmp_path)


def test_a_tracefs_that_the_user_must_not_read_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its group may read it."""
    fake_kernel(tmp_path)
    monkeypatch.setattr(os, "access", lambda path, mode: False)

    with pytest.raises(UnavailableError, match=r"must not read tracefs\. Run .* as root"):
        mounted(tmp_path)


def test_tracefs_makes_folders_by_the_calls_of_the_system(tmp_path: Path) -> None:
    """Others are for tests."""
    tracefs = Tracefs(path=tmp_path)

    assert (tracefs.mkdir, tracefs.rmdir) == (os.mkdir, os.rmdir)
