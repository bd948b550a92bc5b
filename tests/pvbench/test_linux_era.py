"""The rules of a guest's kernel: from which release on, and on which CPUs."""

from __future__ import annotations

import re

import pytest

from pvbench.errors import UsageError
from pvbench.linux_era import (
    NO_FENCE,
    NO_FLAT,
    NO_IPI_IF_POLLING,
    PV_IPI,
    PV_WINDOW,
    RULES,
    SHORTHANDS,
    UNICAST_OF_REST,
    X2APIC_PHYSICAL,
    LinuxEra,
    LinuxRule,
    parsed,
)


@pytest.mark.parametrize(
    ("rule", "before", "first"),
    [
        pytest.param(X2APIC_PHYSICAL, "2.6.31", "2.6.32", id="x2apic-physical"),
        pytest.param(PV_IPI, "4.18", "4.19", id="pv-ipi"),
        pytest.param(SHORTHANDS, "5.3", "5.4", id="shorthands"),
        pytest.param(NO_IPI_IF_POLLING, "5.7", "5.8", id="polling"),
        pytest.param(UNICAST_OF_REST, "5.12", "5.13", id="rest"),
        pytest.param(PV_WINDOW, "5.17", "5.18", id="window"),
        pytest.param(NO_FENCE, "6.7", "6.8", id="fence"),
        pytest.param(NO_FLAT, "6.11", "6.12", id="flat"),
    ],
)
def test_a_rule_holds_from_its_first_release_on(
    rule: LinuxRule, before: str, first: str
) -> None:
    """A release counts by its numbers, so 5.13 comes after 5.8."""
    follows = [LinuxEra(version=v, vendor="AMD").follows(rule) for v in (before, first, "10.0")]

    assert follows == [False, True, True]


def test_a_stable_release_counts_as_its_mainline_release() -> None:
    """Its third number decides nothing."""
    assert not LinuxEra(version="5.3.99").follows(SHORTHANDS)
    assert LinuxEra(version="5.4.0").follows(SHORTHANDS)


def test_every_rule_names_a_commit_and_says_its_effect() -> None:
    """A reader can look it up."""
    assert [rule for rule in RULES if not re.fullmatch("[0-9a-f]{12}", rule.commit)] == []
    assert [rule for rule in RULES if not rule.effect.endswith(".")] == []
    assert len({rule.commit for rule in RULES}) == len(RULES)


@pytest.mark.parametrize(
    ("vendor", "fence"),
    [
        pytest.param("AMD", False, id="amd"),
        pytest.param("Hygon", False, id="hygon"),
        pytest.param("Intel", True, id="intel"),
        pytest.param("", True, id="unknown-as-linux-does"),
    ],
)
def test_only_amd_and_hygon_drop_the_fence(vendor: str, fence: bool) -> None:
    """Linux sets X86_FEATURE_APIC_MSRS_FENCE for all, and both vendors clear it."""
    assert fence == parsed("6.12", vendor).fence


@pytest.mark.parametrize("vendor", ["AMD", "Intel"])
def test_every_vendor_has_the_fence_before_it_was_dropped(vendor: str) -> None:
    """4.19 has one fence for all CPUs."""
    assert parsed("4.19", vendor).fence


@pytest.mark.parametrize(
    ("text", "shorthands"),
    [
        pytest.param("4.19", False, id="not-yet"),
        pytest.param("5.4", True, id="first"),
        pytest.param("5.4+no_ipi_broadcast", False, id="disabled"),
        pytest.param("4.19+no_ipi_broadcast", False, id="neither"),
    ],
)
def test_a_kernel_parameter_disables_shorthands(text: str, shorthands: bool) -> None:
    """no_ipi_broadcast=1 turns the static key off."""
    era = parsed(text)

    assert (shorthands, text) == (era.shorthands, era.name)


@pytest.mark.parametrize("text", ["4.19", "6.12", "6.12.7", "10.0", "6.12+no_ipi_broadcast"])
def test_any_version_can_be_named(text: str) -> None:
    """Versions are compared by their numbers, and none has to be known."""
    assert text == parsed(text).name


@pytest.mark.parametrize(
    "text",
    [
        "",
        "6",
        "v6.12",
        "6.12-rc1",
        "6.x",
        "6.12.1.2",
        "6.012",
        "6.12+pti",
        "99999.1",
        "6.\u0661",
        "6.12\n",
    ],
)
def test_what_is_no_version_is_refused_in_a_sentence(text: str) -> None:
    """The message shows how a version is written."""
    with pytest.raises(UsageError) as caught:
        parsed(text)

    assert str(caught.value) == (
        f"--linux {text!r} is not a version of Linux: a version has two or three numbers with "
        "dots between them. Write 6.12, or 6.12+no_ipi_broadcast for that kernel parameter."
    )


def test_an_era_of_untrusted_text_is_checked_too() -> None:
    """A job comes from another process."""
    with pytest.raises(ValueError, match=r"'6' is not a version of Linux, such as 6\.12"):
        LinuxEra(version="6")
