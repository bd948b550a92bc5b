"""Invalid cost profiles are refused with one sentence when they are read."""

from __future__ import annotations

import math
import os
from pathlib import Path

import pytest

from pvbench.errors import UsageError
from pvbench_deliver_model.cost_file import read
from support.cost_profiles import GONE, changed_file

NO_NUMBER = r"cost profile mine\.toml, hypercall\.value is {}, not a number from 0 to 1e12"
NO_TSC = r"cost profile mine\.toml, tsc_hz is {}, not a frequency in Hz, 1e6 to 1e11"


@pytest.mark.parametrize(
    ("key", "value", "words"),
    [
        pytest.param("costs.hypercall.value", -1, NO_NUMBER.format("-1"), id="negative"),
        pytest.param("costs.hypercall.value", 10**12, NO_NUMBER.format("1000+"), id="huge"),
        pytest.param("costs.hypercall.value", True, NO_NUMBER.format("True"), id="bool"),
        pytest.param("costs.hypercall.value", "1530", NO_NUMBER.format("'1530'"), id="text"),
        pytest.param("costs.hypercall.value", [1530], NO_NUMBER.format(r"\[1530\]"), id="list"),
        pytest.param("costs.hypercall.value", math.nan, NO_NUMBER.format("nan"), id="nan"),
        pytest.param("costs.hypercall.value", math.inf, NO_NUMBER.format("inf"), id="inf"),
        pytest.param(
            "ratios.halt_poll_grow.value", -2, "halt_poll_grow.value is -2", id="ratio"
        ),
        pytest.param(
            "ratios.exit_entry_share.value",
            1.5,
            "exit_entry_share",
            id="share-of-an-exit-above-the-whole",
        ),
        pytest.param(
            "costs.hypercall.unit",
            "ms",
            r"hypercall\.unit is 'ms', not one of ps, ns, us, cycles$",
            id="unknown-unit",
        ),
        pytest.param("costs.hypercall.unit", "ratio", "unit is 'ratio'", id="ratio-as-cost"),
        pytest.param(
            "ratios.halt_poll_grow.unit",
            "cycles",
            "halt_poll_grow.unit is 'cycles', not one of ratio$",
            id="cost-as-ratio",
        ),
        pytest.param("costs.hypercall.unit", 1, "unit is 1, not one of", id="unit-number"),
        pytest.param(
            "costs.hypercall.unit", ["ps"], r"unit is \['ps'\], not one of", id="unit-list"
        ),
        pytest.param(
            "costs.hypercall.confidence",
            "D",
            r"hypercall\.confidence is 'D', not A, B or C$",
            id="unknown-confidence",
        ),
        pytest.param("costs.hypercall.confidence", "a", "confidence is 'a'", id="lower-case"),
        pytest.param(
            "costs.hypercall.source",
            "",
            r"hypercall\.source is '', not the source of the number$",
            id="empty-source",
        ),
        pytest.param(
            "costs.hypercall.source", 4, "source is 4, not the source", id="source-number"
        ),
        pytest.param(
            "costs.hypercall.fitted", "no", "hypercall.fitted is 'no'", id="fitted-text"
        ),
        pytest.param(
            "costs.hypercall", 1530, "hypercall is 1530, not a table", id="bare-number"
        ),
        pytest.param("costs", 1530, r"costs is 1530, not a table \[costs\]", id="no-table"),
        pytest.param("tsc_hz", 999_999, NO_TSC.format("999999"), id="slow-clock"),
        pytest.param("tsc_hz", 10**11 + 1, NO_TSC.format("100000000001"), id="fast-clock"),
        pytest.param("tsc_hz", 2.5e9, NO_TSC.format(r"2500000000\.0"), id="float-clock"),
        pytest.param("tsc_hz", True, NO_TSC.format("True"), id="bool-clock"),
        pytest.param("tsc_hz_source", "", "tsc_hz_source is ''", id="clock-without-source"),
        pytest.param(
            "features.local_apic",
            True,
            r"local_apic is True, not one of emulated, apicv, ipiv, avic, x2avic, tdx, bare$",
            id="local-apic-flag",
        ),
        pytest.param(
            "features.local_apic",
            "x3avic",
            "local_apic is 'x3avic', not one of",
            id="local-apic",
        ),
        pytest.param(
            "features.host_linux",
            "6.17.1",
            r"features\.host_linux is '6\.17\.1', not a version of Linux, such as '6\.17'$",
            id="host-linux",
        ),
        pytest.param("features.pv_eoi", 1, "pv_eoi is 1, not true or false$", id="pv-eoi"),
        pytest.param("features.host_linux", 6.17, "host_linux is 6.17, not", id="host-number"),
        pytest.param(
            "features.cpu_family",
            "AMD 17",
            r"cpu_family is 'AMD 17', not a vendor and a family, such as 'AMD 17h'$",
            id="cpu-family",
        ),
    ],
)
def test_an_invalid_value_is_refused_with_the_valid_ones(
    tmp_path: Path, key: str, value: object, words: str
) -> None:
    """A cost profile is checked once, when it is read."""
    file = changed_file(tmp_path, key, value)

    with pytest.raises(UsageError, match=words):
        read(file)


COPY = r"Start from a copy of a bundled cost profile\.$"


@pytest.mark.parametrize(
    ("key", "missing"),
    [
        pytest.param("costs.hypercall", r"mine\.toml lacks hypercall", id="cost"),
        pytest.param("ratios.halt_poll_grow", r"mine\.toml lacks halt_poll_grow", id="ratio"),
        pytest.param("costs.hypercall.value", "hypercall lacks value", id="value"),
        pytest.param("costs.hypercall.unit", "hypercall lacks unit", id="unit"),
        pytest.param("costs.hypercall.confidence", "hypercall lacks confidence", id="letter"),
        pytest.param("costs.hypercall.source", "hypercall lacks source", id="source"),
        pytest.param("tsc_hz", r"mine\.toml lacks tsc_hz", id="clock"),
        pytest.param("tsc_hz_source", r"mine\.toml lacks tsc_hz_source", id="clock-source"),
        pytest.param("features.local_apic", r"\[features\] lacks local_apic", id="feature"),
        pytest.param("costs", r"mine\.toml lacks costs", id="table"),
    ],
)
def test_a_missing_key_is_named(tmp_path: Path, key: str, missing: str) -> None:
    """A cost profile must be complete, since no cost has a default."""
    file = changed_file(tmp_path, key, GONE)

    with pytest.raises(UsageError, match=f"{missing}. {COPY}"):
        read(file)


@pytest.mark.parametrize(
    ("key", "words"),
    [
        pytest.param(
            "costs.hypercal", r"'hypercal'\. Did you mean 'hypercall'\?$", id="misspelt"
        ),
        pytest.param(
            "costs.zzz", r"mine\.toml has an unknown key 'zzz'\. Remove it\.$", id="alien"
        ),
        pytest.param("costs.eoi.sauce", r"eoi has an .*'sauce'\. .*'source'\?$", id="field"),
        pytest.param(
            "features.local_apik",
            r"\[features\] .*'local_apik'\. .*'local_apic'\?$",
            id="feature",
        ),
        pytest.param("tsc_khz", r"'tsc_khz'\. Did you mean 'tsc_hz'\?$", id="head"),
    ],
)
def test_an_unknown_key_is_refused_with_the_nearest(
    tmp_path: Path, key: str, words: str
) -> None:
    """A misspelt cost must not be ignored."""
    file = changed_file(tmp_path, key, 1)

    with pytest.raises(UsageError, match=words):
        read(file)


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"title = \n", id="no-value"),
        pytest.param(b"a = 1\na = 2\n", id="key-twice"),
        pytest.param(b"title = '\xff'\n", id="not-utf-8"),
        pytest.param(b"{}", id="json"),
    ],
)
def test_a_file_that_is_not_toml_is_refused_with_the_reason(
    tmp_path: Path, content: bytes
) -> None:
    """The reason is the message of the parser."""
    path = tmp_path / "mine.toml"
    path.write_bytes(content)

    with pytest.raises(UsageError, match=r"cost profile .*mine\.toml is not TOML: \S+"):
        read(str(path))


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    """A name that ends in .toml is a file."""
    with pytest.raises(
        UsageError, match=r"cost profile .*nowhere\.toml cannot be read: No such file"
    ):
        read(str(tmp_path / "nowhere.toml"))


def test_a_fifo_is_refused_at_once(tmp_path: Path) -> None:
    """Opening it would block until another process writes to it."""
    path = tmp_path / "fifo.toml"
    os.mkfifo(path)

    with pytest.raises(UsageError, match="cannot be read: it is not a regular file"):
        read(str(path))


def test_a_folder_is_refused(tmp_path: Path) -> None:
    """The reason is the operating system's message."""
    (tmp_path / "folder.toml").mkdir()

    with pytest.raises(
        UsageError, match=r"cost profile .*folder\.toml cannot be read: Is a directory"
    ):
        read(str(tmp_path / "folder.toml"))


@pytest.mark.parametrize(
    ("name", "words"),
    [
        pytest.param("skylake-2081", "Did you mean 'skylake-2018'", id="misspelt"),
        pytest.param(
            "zzz",
            r"no cost profile called 'zzz'\. Use one of bare-metal, .*, or a file",
            id="alien",
        ),
        pytest.param("mine.yaml", r"or a file that ends in \.toml\.$", id="other-ending"),
    ],
)
def test_an_unknown_name_is_refused_with_the_bundled_ones(name: str, words: str) -> None:
    """A name that does not end in .toml is that of a bundled cost profile."""
    with pytest.raises(UsageError, match=words):
        read(name)
