"""A skip hides no failure where PVBENCH_REQUIRE forbids it."""

from __future__ import annotations

import pytest

from support.require import skip_without


@pytest.mark.parametrize("names", ["", "lab", "lab,kvmx"])
def test_what_is_lacking_skips(monkeypatch: pytest.MonkeyPatch, names: str) -> None:
    """With the reason."""
    monkeypatch.setenv("PVBENCH_REQUIRE", names)

    with pytest.raises(pytest.skip.Exception, match="there is no device"):
        skip_without("kvm", "there is no device", means=True)


@pytest.mark.parametrize("names", ["kvm", "lab,kvm"])
def test_what_is_required_fails_where_it_could_be_had(
    monkeypatch: pytest.MonkeyPatch, names: str
) -> None:
    """It skips where the machine could not."""
    monkeypatch.setenv("PVBENCH_REQUIRE", names)

    with pytest.raises(pytest.fail.Exception, match="names kvm: it may not be opened"):
        skip_without("kvm", "it may not be opened", means=True)
    with pytest.raises(pytest.skip.Exception):
        skip_without("kvm", "there is no device", means=False)


def test_what_is_there_is_tested(monkeypatch: pytest.MonkeyPatch) -> None:
    """No reason, no skip."""
    monkeypatch.setenv("PVBENCH_REQUIRE", "kvm")

    skip_without("kvm", None, means=True)
