"""A skip hides no failure where PVBENCH_REQUIRE forbids it."""

from __future__ import annotations

import pytest

from support.require import skip_without


@pytest.mark.parametrize("names", ["", "lab", "lab,kvmx"])
def test_a_missing_means_skips_the_test(monkeypatch: pytest.MonkeyPatch, names: str) -> None:
    """The skip has the reason."""
    monkeypatch.setenv("PVBENCH_REQUIRE", names)

    with pytest.raises(pytest.skip.Exception, match="there is no device"):
        skip_without("kvm", "there is no device", means=True)


@pytest.mark.parametrize("names", ["kvm", "lab,kvm"])
def test_a_required_means_fails_where_the_machine_has_it(
    monkeypatch: pytest.MonkeyPatch, names: str
) -> None:
    """It skips where the machine does not have it."""
    monkeypatch.setenv("PVBENCH_REQUIRE", names)

    with pytest.raises(pytest.fail.Exception, match="names kvm: it may not be opened"):
        skip_without("kvm", "it may not be opened", means=True)
    with pytest.raises(pytest.skip.Exception):
        skip_without("kvm", "there is no device", means=False)


def test_a_test_with_its_means_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a reason there is no skip."""
    monkeypatch.setenv("PVBENCH_REQUIRE", "kvm")

    skip_without("kvm", None, means=True)
