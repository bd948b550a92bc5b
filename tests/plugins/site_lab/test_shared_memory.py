"""The channel between the host and the agent."""

from __future__ import annotations

import mmap
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pvbench.errors import ProtocolError
from pvbench_site_lab import shared_memory
from pvbench_site_lab.shared_memory import SIZE, AnswerStream, SharedMemory


@pytest.fixture
def memory() -> Iterator[SharedMemory]:
    """Memory as it is when a machine starts."""
    with mmap.mmap(-1, SIZE) as mapped:
        yield SharedMemory(mapped)


def test_a_request_is_there_until_it_is_done(memory: SharedMemory) -> None:
    """Its status is then that of its process."""
    assert (memory.request(), memory.status) == (None, 0)
    memory.put("a job\n")
    assert (memory.request(), memory.status) == ("a job\n", None)
    memory.finish(9)
    assert (memory.request(), memory.status) == (None, 9)


def test_the_agent_says_that_it_is_ready(memory: SharedMemory) -> None:
    """The snapshot is taken then."""
    assert not memory.is_ready
    memory.set_ready()
    assert memory.is_ready


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.text(max_size=9), max_size=5))
def test_an_answer_is_what_was_appended(memory: SharedMemory, texts: list[str]) -> None:
    """It can be read in parts, and a request begins a new one."""
    memory.put("x")
    stream = AnswerStream(memory)
    read = b""
    for text in texts:
        stream.write(text)
        stream.flush()
        assert memory.has_answer(len(read)) == bool(text)
        read += memory.answer(len(read))

    assert read.decode() == "".join(texts)
    assert memory.answer(len(read) + 9) == b""


def test_a_request_that_is_too_long_is_refused(
    memory: SharedMemory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It would overwrite the answer."""
    monkeypatch.setattr(shared_memory, "_HALF", 5000)
    memory.put("x" * 904)
    with pytest.raises(ProtocolError, match="a job of 905 bytes does not fit"):
        memory.put("x" * 905)


def test_an_answer_that_is_too_long_is_refused(
    memory: SharedMemory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It would end behind the memory."""
    monkeypatch.setattr(shared_memory, "_HALF", 5000)
    memory.append("x" * 5000)
    with pytest.raises(ProtocolError, match="an answer has more than 5000 bytes"):
        memory.append("x")


def test_a_size_that_is_wrong_reads_no_further_than_the_memory(memory: SharedMemory) -> None:
    """The machine inside may write anything."""
    memory._set_word(shared_memory._ANSWER_SIZE, 1 << 63)

    assert len(memory.answer(0)) == SIZE // 2
