"""The two ways in which traces write a mask."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pvbench.errors import UsageError
from pvbench.recording.masks import check_cpu, mask_of

MASKS = st.integers(1, (1 << 200) - 1)


def listed(mask: int) -> str:
    """The mask as libtraceevent prints it."""
    runs: list[list[int]] = []
    for cpu in range(mask.bit_length()):
        if mask >> cpu & 1:
            if runs and runs[-1][-1] == cpu - 1:
                runs[-1].append(cpu)
            else:
                runs.append([cpu])
    return ",".join(f"{run[0]}-{run[-1]}" if len(run) > 1 else str(run[0]) for run in runs)


def grouped(mask: int) -> str:
    """The mask as the kernel prints it."""
    groups = []
    while mask:
        groups.append(f"{mask & 0xFFFFFFFF:08x}")
        mask >>= 32
    return ",".join(reversed(groups))


@given(MASKS)
def test_both_forms_of_a_mask_are_read(mask: int) -> None:
    """Hex of eight digits is recognised without being told."""
    assert mask_of(listed(mask), "list") == mask
    assert mask_of(grouped(mask), "hex") == mask
    assert mask_of(grouped(mask), "") == mask


@pytest.mark.parametrize(
    ("text", "masks", "why"),
    [
        ("3", "", "can be a list of CPUs or hex"),
        ("0,5", "", "can be a list of CPUs or hex"),
        ("0-3", "hex", "the mask '0-3' is not hex: the trace mixes"),
        ("00000000,0000008c", "list", "is not a list of CPUs: the trace mixes"),
        ("524320", "list", "is not a mask but the word that locates one"),
        ("1,99999", "list", "has a CPU 99999, and x86 Linux has at most 8192"),
        ("3-1", "list", "'3-1' is not a list of CPUs"),
        ("1,,2", "list", "'1,,2' is not a list of CPUs"),
        ("00000000", "hex", "the mask '00000000' has no CPU"),
        ("f" * 8 + ",00000000" * 300, "hex", "x86 Linux has at most 8192"),
    ],
)
def test_a_mask_that_cannot_be_is_refused(text: str, masks: str, why: str) -> None:
    """A word of a raw text and a mask in the other form have sentences of their own."""
    with pytest.raises(UsageError, match=why):
        mask_of(text, masks)


def test_a_range_decides_for_a_list() -> None:
    """No hex has a dash."""
    assert mask_of("0-3", "") == 0xF


def test_the_last_cpu_of_linux_is_allowed() -> None:
    """The next one is not."""
    check_cpu(8191)
    with pytest.raises(UsageError, match="CPU 8192"):
        check_cpu(8192)
