"""A host that is made of files."""

from __future__ import annotations

import os

import pytest

from support.hosts import (
    STEADY,
    FakeHost,
    write_files,
)


@pytest.fixture
def fake_host(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> FakeHost:
    """A steady host with some files changed, on which this process may use four CPUs."""
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: {3, 0, 2, 1})
    return lambda files: write_files(tmp_path_factory.mktemp("root"), {**STEADY, **files})
