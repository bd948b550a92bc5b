"""The machine itself as a site."""

from __future__ import annotations

from pathlib import Path

from support.runs import console


def test_a_worker_imports_nothing_from_the_current_directory(tmp_path: Path) -> None:
    """The folder has another pvbench and a module of the user's."""
    (tmp_path / "pvbench").mkdir()
    for name in ("pvbench/__init__.py", "json.py", "numpy.py"):
        (tmp_path / name).write_text("raise SystemExit('from the current directory')")

    output = console(
        *("run", "norov", "--fast", "-q", "-k", "dry-run", "--sender", "x2apic-physical"),
        cwd=tmp_path,
    )

    assert (output.returncode, "24.0 ns" in output.stdout) == (0, True)
