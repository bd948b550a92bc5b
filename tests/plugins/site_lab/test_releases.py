"""Which package of Debian has the kernel that a user means."""

from __future__ import annotations

import pytest

from pvbench_site_lab.releases import is_version, mirrors, newest, parts, sources, versions

PACKAGES = [
    "linux-image-6.1.0-9-amd64",
    "linux-image-6.1.0-56-amd64",
    "linux-image-6.1.0-56-cloud-amd64",
    "linux-image-6.1.0-0.deb11.52-amd64",
    "linux-image-6.12-amd64",
    "linux-image-6.12.90+deb13-amd64",
    "linux-image-6.12.90+deb13.1-amd64",
    "linux-image-6.12.117+deb12-amd64",
    "linux-image-6.12.118+deb13-rt-amd64",
    "linux-image-amd64",
    "linux-image-6.1.0-57-amd64-dbg",
    "linux-image-6.1.0-57-arm64",
]


@pytest.mark.parametrize(
    ("version", "package"),
    [
        ("6.1", "linux-image-6.1.0-56-amd64"),
        ("6.12", "linux-image-6.12.117+deb12-amd64"),
        ("6.12.90", "linux-image-6.12.90+deb13.1-amd64"),
        ("6.12.90+deb13-amd64", "linux-image-6.12.90+deb13-amd64"),
        ("6.1.0-9", "linux-image-6.1.0-9-amd64"),
        ("6.1.0-5", None),
        ("6.2", None),
    ],
)
def test_the_newest_package_of_a_version_is_chosen(version: str, package: str | None) -> None:
    """Numbers are compared as numbers; rt and cloud kernels are others."""
    assert newest(PACKAGES, version) == package


def test_the_versions_of_packages_are_listed_in_order() -> None:
    """6.12 comes after 6.1 and 6.2."""
    assert versions([*PACKAGES, "linux-image-6.2.1-amd64"]) == ["6.1", "6.2", "6.12"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [("6.1", True), ("6.12.90+deb13-amd64", True), ("6", False), ("v6.1", False), ("", False)],
)
def test_a_version_begins_with_two_numbers(text: str, expected: bool) -> None:
    """Anything else is the name of something else."""
    assert is_version(text) is expected


def test_the_parts_of_a_kernel_are_those_of_its_own_release() -> None:
    """Since 7.0 the image and the modules are packages of their own."""
    depends = (
        "dracut | initramfs-tools (>= 0.120), linux-base-7.3.4+deb13-amd64 (= 7.3.4-1), "
        "linux-binary-7.3.4+deb13-amd64 (= 7.3.4-1), linux-modules-7.3.4+deb13-amd64, "
        "../linux-binary-7.3.4+deb13-amd64, linux-modules-7.3.3+deb13-amd64"
    )

    assert parts(depends, "7.3.4+deb13") == [
        "linux-base-7.3.4+deb13-amd64",
        "linux-binary-7.3.4+deb13-amd64",
        "linux-modules-7.3.4+deb13-amd64",
    ]


def test_the_mirrors_are_those_of_the_system() -> None:
    """Sources of others are left out, and so are lines that are none."""
    uris = (
        "Reading package lists...\n"
        "'http://other.example/dists/nodistro/InRelease' other 0\n"
        "'http://a.example/debian/dists/trixie-updates/InRelease' a 0\n"
        "'http://b.example/debian/dists/trixie/InRelease' b 0\n"
        "'http://c.example/sec/dists/trixie-security/InRelease' c 0\n"
        "'http://c.example/sec/dists/trixie-security/main/Packages.xz' d 0\n"
    )

    assert mirrors(uris) == ("http://a.example/debian", "http://c.example/sec")
    assert mirrors("") == ("", "")


def test_all_suites_of_a_mirror_are_sources() -> None:
    """A keyring and the mirror for security updates are used if there are any."""
    text = sources("http://a.example/debian", "http://c.example/sec", "/keys.gpg")
    option = "[arch=amd64 target=Packages signed-by=/keys.gpg]"

    assert f"deb {option} http://a.example/debian sid main\n" in text
    assert f"deb {option} http://a.example/debian trixie-backports main\n" in text
    assert f"deb {option} http://c.example/sec bookworm-security main\n" in text
    assert "security" not in sources("http://a.example/debian", "", "")
    assert "signed-by" not in sources("http://a.example/debian", "", "")
