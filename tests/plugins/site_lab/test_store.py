"""Files that a lab makes once and keeps in the user's cache."""

from __future__ import annotations

import fcntl
import os
import threading
from pathlib import Path

import pytest

from pvbench.errors import UnavailableError
from pvbench_site_lab.store import Store, check_space


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """An empty store for 100 bytes."""
    return Store(tmp_path / "lab", largest=100)


def test_the_store_is_in_the_user_s_cache(monkeypatch: pytest.MonkeyPatch) -> None:
    """XDG_CACHE_HOME names another one."""
    monkeypatch.setenv("XDG_CACHE_HOME", "/somewhere")

    assert Store().folder == Path("/somewhere/pvbench/lab")


def test_a_file_is_made_once(store: Store) -> None:
    """Later its path is given."""
    made: list[Path] = []

    def make(path: Path) -> None:
        made.append(path)
        path.write_bytes(b"x")

    first = store.made("a", make)

    assert store.made("a", make) == first == store.folder / "a"
    assert (len(made), made[0] != first) == (1, True)


def test_a_file_appears_when_it_is_complete(store: Store) -> None:
    """Nobody sees a part, and a failure leaves nothing."""

    def make(path: Path) -> None:
        path.write_bytes(b"part")
        assert not (store.folder / "a").exists()
        raise ValueError("no more")

    with pytest.raises(ValueError, match="no more"):
        store.made("a", make)

    assert [path.name for path in store.folder.iterdir()] == [".a.lock"]


def test_parts_of_a_process_that_was_killed_are_removed(store: Store) -> None:
    """When the next file is made, whichever that is."""
    store.folder.mkdir()
    for name in ("a", "b.cpio"):
        (store.folder / f".{name}.lock").touch()
        (store.folder / f".{name}.12345678.tmp").write_bytes(b"part")
    store.made("a", lambda path: path.write_bytes(b"x"))

    assert not list(store.folder.glob(".*.tmp"))


def test_a_part_that_another_process_is_writing_stays(store: Store) -> None:
    """It has the lock of its file."""
    store.folder.mkdir()
    part = store.folder / ".b.12345678.tmp"
    part.write_bytes(b"part")
    with (store.folder / ".b.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        store.made("a", lambda path: path.write_bytes(b"x"))

    assert part.exists()


def test_two_that_need_a_file_make_it_once(store: Store) -> None:
    """The second waits for the first."""
    made, may_end, begun = [], threading.Event(), threading.Event()

    def make(path: Path) -> None:
        made.append(path)
        begun.set()
        may_end.wait(60)
        path.write_bytes(b"x")

    threads = [threading.Thread(target=store.made, args=("a", make)) for _ in range(2)]
    for thread in threads:
        thread.start()
    begun.wait(60)
    may_end.set()
    for thread in threads:
        thread.join(60)

    assert len(made) == 1


def test_the_file_that_was_not_used_longest_is_removed(store: Store) -> None:
    """The use of a file counts, not its age."""
    for number, name in enumerate("abc"):
        store.made(name, lambda path: path.write_bytes(b"x" * 40))
        if name != "c":
            os.utime(store.folder / name, (number, number))
    # c made the store too large, and a was the oldest
    assert sorted(p.name for p in store.folder.iterdir() if p.suffix != ".lock") == ["b", "c"]
    store.made("b", lambda path: None)
    os.utime(store.folder / "c", (9, 9))
    store.made("d", lambda path: path.write_bytes(b"x" * 40))

    assert sorted(p.name for p in store.folder.iterdir() if p.suffix != ".lock") == ["b", "d"]


def test_a_new_file_stays_even_if_it_is_too_large(store: Store) -> None:
    """It is needed now."""
    store.made("a", lambda path: path.write_bytes(b"x" * 40))
    store.made("b", lambda path: path.write_bytes(b"x" * 400))

    assert [p.name for p in store.folder.iterdir() if p.suffix != ".lock"] == ["b"]
    assert not (store.folder / ".a.lock").exists()


def test_small_files_are_written_and_read(store: Store) -> None:
    """One that is missing is None."""
    store.write("a", b"hello")

    assert (store.read("a"), store.read("b")) == (b"hello", None)
    store.remove("a")
    store.remove("a")
    assert store.read("a") is None


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    """With what to do."""
    (tmp_path / "file").touch()
    store = Store(tmp_path / "file/lab")
    for write in (
        lambda: store.write("a", b""),
        lambda: store.made("a", lambda path: path.write_bytes(b"")),
    ):
        with pytest.raises(
            UnavailableError, match=r"file/lab/a cannot be written: Not a dir.*"
        ):
            write()


def test_a_disk_without_space_is_named(tmp_path: Path) -> None:
    """Before a machine is booted in vain."""
    check_space(tmp_path, 1)
    with pytest.raises(UnavailableError, match=r"MB of free space, and a lab needs \d+ MB"):
        check_space(tmp_path, 1 << 60)
