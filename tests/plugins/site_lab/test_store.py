"""Files that a lab makes once and keeps in the user's cache."""

from __future__ import annotations

import fcntl
import os
import threading
from pathlib import Path

import pytest

from pvbench.errors import UnavailableError
from pvbench_site_lab import record
from pvbench_site_lab.locks import locked
from pvbench_site_lab.store import Store, check_space
from support.damage import damage_unseen


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


def names(store: Store) -> list[str]:
    """The files in *store* without those that belong to one of them."""
    return sorted(path.name for path in store.folder.glob("[!.]*"))


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
            os.utime(store.folder / f".{name}.record", (number, number))
    # c made the store too large, and a was the oldest
    assert names(store) == ["b", "c"]
    store.made("b", lambda path: None)
    os.utime(store.folder / ".c.record", (9, 9))
    store.made("d", lambda path: path.write_bytes(b"x" * 40))

    assert names(store) == ["b", "d"]


def test_a_new_file_stays_even_if_it_is_too_large(store: Store) -> None:
    """It is needed now."""
    store.made("a", lambda path: path.write_bytes(b"x" * 40))
    store.made("b", lambda path: path.write_bytes(b"x" * 400))

    assert sorted(p.name for p in store.folder.iterdir()) == [".b.lock", ".b.record", "b"]


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


def make_x(path: Path) -> None:
    """Make a file of ten bytes."""
    path.write_bytes(b"x" * 10)


@pytest.mark.parametrize("content", [b"", b"x" * 9, b"x" * 11, b"x" * 9 + b"y"], ids=str)
def test_a_damaged_file_is_made_again_once(
    store: Store, capsys: pytest.CaptureFixture[str], content: bytes
) -> None:
    """The user learns which."""
    path = store.made("a", make_x)
    path.write_bytes(content)
    for _ in range(2):
        store.made("a", make_x)

    assert path.read_bytes() == b"x" * 10
    assert capsys.readouterr().err == f"pvbench: {path} is damaged and is made again\n"


@pytest.mark.parametrize("content", ["", "[]", "{}", "{", "\0"])
def test_a_file_without_a_valid_record_is_made_again(store: Store, content: str) -> None:
    """An earlier version of pvbench wrote none."""
    path = store.made("a", make_x)
    path.write_bytes(b"other")
    (store.folder / ".a.record").write_text(content)

    assert store.made("a", make_x).read_bytes() == b"x" * 10


def test_a_file_that_has_not_changed_is_not_read_again(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """That takes longer than to start from it."""
    store.made("a", make_x)
    monkeypatch.setattr(record, "checksum_of", None)

    assert store.made("a", make_x).read_bytes() == b"x" * 10


def test_a_file_is_read_once_after_each_start_of_the_machine(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file that was not written to the disk may be damaged then."""
    path = store.made("a", make_x)
    boot_id = tmp_path / "boot_id"
    boot_id.write_text("next\n")
    monkeypatch.setattr(record, "_BOOT_ID", boot_id)
    checksum_of, sizes = record.checksum_of, []

    def counted(file: int) -> int:
        sizes.append(os.fstat(file).st_size)
        return checksum_of(file)

    monkeypatch.setattr(record, "checksum_of", counted)
    before = path.stat().st_ino
    for _ in range(2):
        store.made("a", make_x)

    assert (sizes, path.stat().st_ino) == ([10], before)


def test_a_file_that_was_copied_is_not_made_again(store: Store) -> None:
    """It has another inode and the same content."""
    path = store.made("a", make_x)
    copy = path.with_name("copy")
    copy.write_bytes(path.read_bytes())
    copy.replace(path)
    before = path.stat().st_ino
    store.made("a", make_x)

    assert path.stat().st_ino == before


def test_a_file_that_cannot_be_read_back_is_refused(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The disk is broken."""
    checksums = iter(range(9))
    monkeypatch.setattr(record, "checksum_of", lambda file: next(checksums))
    with pytest.raises(UnavailableError, match="a cannot be used: its content is not what"):
        store.made("a", make_x)


def test_an_open_file_outlives_its_name(store: Store) -> None:
    """It may be removed or made again at any time."""
    with store.opened("a", make_x) as file:
        store.remove("a")
        store.made("a", lambda path: path.write_bytes(b"other"))
        assert os.read(file, 99) == b"x" * 10


def test_damage_that_the_system_does_not_show_is_found_by_reading(store: Store) -> None:
    """The file is made again when it is needed next."""
    path = store.made("a", make_x)
    assert store.is_intact("a")
    damage_unseen(path)

    assert not store.is_intact("a")
    assert store.made("a", make_x).read_bytes() == b"x" * 10
    assert not store.is_intact("b")


def test_a_removed_file_leaves_nothing(store: Store) -> None:
    """Neither its record nor its lock stays."""
    store.made("a", make_x)
    store.remove("a")

    assert list(store.folder.iterdir()) == []


def test_a_file_in_use_is_not_pruned(store: Store) -> None:
    """Another process makes or checks it."""
    store.made("a", lambda path: path.write_bytes(b"x" * 90))
    with locked(store.folder / ".a.lock"):
        store.made("b", lambda path: path.write_bytes(b"x" * 90))

    assert names(store) == ["a", "b"]
