"""The commands that bring a kernel into the cache."""

from __future__ import annotations

import pytest

from pvbench_site_lab import commands


@pytest.mark.parametrize(
    ("name", "origin", "command"),
    [
        ("6.1", "linux-image-6.1.0-56-amd64 6.1.192-2", "lab add 6.1"),
        ("mine", "linux-image-6.1.0-56-amd64 6.1.192-2", "lab add 6.1.0-56 --name mine"),
        ("6.12-source", "linux-source-6.12 6.12.118-1", "lab build 6.12"),
        ("base", "linux-source-6.12 6.12.118-1", "lab build 6.12 --name base"),
        (
            "6.12-proposals",
            "linux-source-6.12 6.12.118-1 with 4 patches of proposals",
            "lab build 6.12 --patches",
        ),
        (
            "6.12-mine",
            "linux-source-6.12 6.12.118-1 with 1 patch of mine",
            "lab build 6.12 --patches mine",
        ),
        (
            "x",
            "linux-source-6.12 6.12.118-1 with 1 patch of mine",
            "lab build 6.12 --patches mine --name x",
        ),
        ("mine", "/boot/vmlinuz", "lab remove mine"),
        ("mine", "linux-source-../x 1", "lab remove mine"),
        ("mine", "", "lab remove mine"),
    ],
)
def test_a_damaged_kernel_is_made_again_by_the_command_that_made_it(
    name: str, origin: str, command: str
) -> None:
    """One that is from a file has to be removed: only the user has another copy."""
    assert f"`pvbench {command}`" in commands.of_damaged(name, origin)
