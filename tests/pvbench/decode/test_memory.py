"""Guest memory as programs write it."""

from __future__ import annotations

from pvbench.decode.memory import Memory


def test_memory_is_zero_until_it_is_written() -> None:
    """A page exists even if no program touches it."""
    assert Memory().words(0x1234, 2) == (0, 0)


def test_a_word_is_read_back_from_its_address() -> None:
    """Words that were not written in between keep their values."""
    memory = Memory()
    memory.write(0x1000, (1, 2))
    memory.write(0x1008, (3,))

    assert memory.words(0x1000, 3) == (1, 3, 0)


def test_a_word_may_cross_a_page() -> None:
    """Memory is bytes, so an address need not be aligned."""
    memory = Memory()
    memory.write(0x1FFC, (0x1122_3344_5566_7788, 9))

    assert memory.words(0x1FFC, 2) == (0x1122_3344_5566_7788, 9)
    assert memory.words(0x2000, 1) == (9 << 32 | 0x1122_3344,)


def test_addresses_wrap() -> None:
    """The word after the last one is at address 0."""
    memory = Memory()
    memory.write((1 << 64) - 8, (1, 2))

    assert memory.words(0, 1) == (2,)
    assert memory.words((1 << 64) - 8, 2) == (1, 2)
