"""The files of a run: what is on disk after each verb of the store."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

import pytest

from pvbench.errors import Status, UnavailableError, UsageError
from pvbench.results import files as result_files
from pvbench.results import journal
from pvbench.results.journal import Journal
from pvbench.run.boot import BootResult, CaseResult
from pvbench.run.cases import Selection
from pvbench.run.outcome import Outcome
from pvbench.run.request import Request
from pvbench.run.store import RunStore
from support.helpers import bundled
from support.resume import BOOT_ONCE, prepared_small
from support.runs import journal_of
from support.sessions import prepared_run

PATH, BOOK = Path("a.json"), Path("a.jsonl")


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each test has a directory of its own."""
    monkeypatch.chdir(tmp_path)


def stored(*numbers: int) -> None:
    """Store some boots of the small run, in this order, and finish it."""
    prepared = prepared_small("a.json")
    with RunStore.opened(prepared) as store:
        already = store.resume()
        for number in numbers:
            assert number not in already
            boot = prepared.boots[number]
            store.add(number, boot, BOOT_ONCE(boot, prepared.launch_of(boot)))
        store.finish(Status.OK, 0)


def test_a_boot_is_complete_on_disk_when_add_returns() -> None:
    """Its values are written first, and then its line in the journal."""
    prepared = prepared_small("a.json")
    boot = prepared.boots[1]
    with RunStore.opened(prepared) as store:
        store.resume()
        store.add(1, boot, BOOT_ONCE(boot, prepared.launch_of(boot)))

        assert journal_of(PATH)[-1]["boot"] == 1
        assert {len(b.get_runs()) for b in result_files.read("a.json")} == {1}
        assert (store.measured, store.outcomes.count(Outcome("ok"))) == (True, len(boot.cases))


def test_the_journal_has_the_order_in_which_cases_took_turns() -> None:
    """By their numbers in the journal's own list of the cases of the boot."""
    stored(1, 2)
    boots = prepared_small("a.json").boots
    cases = {n: [case.name for case in boot.cases] for n, boot in boots.items()}
    places = {
        entry["boot"]: [list(entry["cases"])[n - 1] for n in entry["order"]]
        for entry in journal_of(PATH)
        if "boot" in entry
    }

    assert places == {n: sorted(cases[n], key=boots[n].places.__getitem__) for n in boots}


def test_boots_come_in_any_order() -> None:
    """A fleet finishes them as it likes; the result file is the same."""
    stored(2, 1)
    content = PATH.read_bytes()
    PATH.unlink()
    stored(1, 2)

    assert PATH.read_bytes() == content


def test_a_store_that_is_opened_again_has_its_boots() -> None:
    """Another process adds the one that is missing."""
    stored(2)
    before = journal_of(PATH)
    stored(1)
    ends = [entry["end"] for entry in journal_of(PATH) if "end" in entry]

    assert journal_of(PATH)[: len(before)] == before
    assert ends == [0, 0]
    assert {len(b.get_runs()) for b in result_files.read("a.json")} == {2}


def test_a_request_continues_no_earlier_run_by_default() -> None:
    """Results are never added to a file by mistake."""
    stored(1)
    content = PATH.read_bytes()
    selection = Selection(senders=("native",), guests=("1",), keywords="dry-run")
    request = Request(suite=bundled().suite("norov"), selection=selection, output="a.json")

    with (
        pytest.raises(UsageError, match=r"^a\.json exists"),
        RunStore.opened(prepared_run(request, bundled())),
    ):
        pass
    assert PATH.read_bytes() == content


def test_boots_outside_the_plan_are_ignored() -> None:
    """An edited journal may name any."""
    stored(1, 2)
    BOOK.write_text(BOOK.read_text() + '{"boot": 99, "outcome": "ok", "cases": {}}\n')
    content = PATH.read_bytes()
    stored()

    assert PATH.read_bytes() == content


def test_a_boot_without_a_value_is_not_repeated_if_its_cases_have_failed() -> None:
    """The journal says so, as it does for a boot whose values are in the result file."""
    prepared = prepared_small("a.json")
    boot = prepared.boots[1]
    failed = [CaseResult(name=case.name, outcome=Outcome("failed", "")) for case in boot.cases]
    with RunStore.opened(prepared) as store:
        store.resume()
        store.add(1, boot, BootResult(outcome=Outcome("ok"), cases=tuple(failed)))
        boot = prepared.boots[2]
        store.add(2, boot, BOOT_ONCE(boot, prepared.launch_of(boot)))
    with RunStore.opened(prepared) as store:
        stored_boots = store.resume()

        assert all(number in stored_boots for number in (1, 2))


def test_an_empty_store_leaves_no_file() -> None:
    """As when the wait for the machine was given up."""
    with RunStore.opened(prepared_small("a.json")):
        assert sorted(os.listdir()) == ["a.json", "a.jsonl"]

    assert os.listdir() == []


def test_temporary_files_of_a_killed_run_are_removed() -> None:
    """Once the store is locked, so that no live writer loses its file."""
    Path(".a.json.0123abcd.tmp").touch()
    stored(1)

    assert sorted(os.listdir()) == ["a.json", "a.jsonl"]


def test_a_live_run_keeps_its_journal_though_its_result_file_is_gone() -> None:
    """Another run into that file is refused and removes nothing but its own empty file."""
    stored(1)
    content = BOOK.read_bytes()
    PATH.unlink()
    with (
        Journal.opened(BOOK),
        pytest.raises(UnavailableError, match=r"another run is writing a\.jsonl"),
        RunStore.opened(prepared_small("a.json")),
    ):
        pass

    assert (os.listdir(), BOOK.read_bytes()) == (["a.jsonl"], content)


def test_the_journal_of_a_result_file_that_is_gone_starts_anew() -> None:
    """Its boots have no values."""
    stored(1, 2)
    PATH.unlink()
    stored(1)

    assert [entry["boot"] for entry in journal_of(PATH) if "boot" in entry] == [1]


def test_a_file_that_is_not_a_journal_is_not_changed() -> None:
    """It has the name of the journal, and was written by another program."""
    BOOK.write_text("dear diary\n")
    with (
        pytest.raises(UsageError, match=r"a\.jsonl is not a journal of a run"),
        RunStore.opened(prepared_small("a.json")),
    ):
        pass

    assert (os.listdir(), BOOK.read_text()) == (["a.jsonl"], "dear diary\n")


@pytest.mark.parametrize("name", ["a.json", "a.json.gz"])
def test_two_result_files_do_not_share_a_journal(name: str) -> None:
    """a.json and a.json.gz would."""
    other = {"a.json": "a.json.gz", "a.json.gz": "a.json"}[name]
    Path(other).touch()

    assert journal.beside(Path(name)) == journal.beside(Path(other)) == BOOK
    with pytest.raises(UsageError, match=f"{other} exists"):
        result_files.claim(name, "norov", None)


def test_a_journal_that_is_a_symbolic_link_is_refused() -> None:
    """Its target would be written to."""
    Path("victim").write_text("precious")
    BOOK.symlink_to("victim")
    with (
        pytest.raises(UnavailableError, match=r"a\.jsonl cannot be written"),
        RunStore.opened(prepared_small("a.json")),
    ):
        pass

    assert Path("victim").read_text() == "precious"


def test_a_journal_that_was_removed_before_it_was_locked_is_opened_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Otherwise the run would write to a file without a name."""
    lock = fcntl.flock
    removed: list[Path] = []

    def lock_and_remove(descriptor: int, operation: int) -> None:
        lock(descriptor, operation)
        if not removed:
            BOOK.unlink()
            removed.append(BOOK)

    monkeypatch.setattr(fcntl, "flock", lock_and_remove)
    with Journal.opened(BOOK) as book:
        book.write(plan={"format": 1})

    assert (BOOK.read_text(), removed) == ('{"plan": {"format": 1}}\n', [BOOK])
