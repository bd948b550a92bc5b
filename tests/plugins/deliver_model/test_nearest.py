"""Which bundled cost profile is nearest to a machine, and why."""

from __future__ import annotations

import pytest

from pvbench.host.cpuinfo import CpuInfo
from pvbench_deliver_model.cost_file import bundled
from pvbench_deliver_model.nearest import nearest
from support.runs import Cli


def machine(vendor: str, family: int, model: int, flags: str = "fpu") -> CpuInfo:
    """The lines of /proc/cpuinfo that decide."""
    lines = (f"vendor_id : {vendor}", f"cpu family : {family}", f"model : {model}")
    return CpuInfo("\n".join((*lines, f"flags : {flags}")) + "\n")


@pytest.mark.parametrize(
    ("processor", "parameter", "expected"),
    [
        pytest.param(("GenuineIntel", 6, 85), "", "skylake-fastpath", id="skylake"),
        pytest.param(("GenuineIntel", 6, 143), "Y", "sapphire-rapids-ipiv", id="ipiv"),
        pytest.param(("GenuineIntel", 6, 143), "N", "skylake-fastpath", id="ipiv-off"),
        pytest.param(("GenuineIntel", 6, 158), "", "none", id="desktop"),
        pytest.param(("AuthenticAMD", 23, 49), "N", "epyc-rome", id="rome"),
        pytest.param(("AuthenticAMD", 23, 49), "1", "epyc-rome-avic", id="rome-with-avic"),
        pytest.param(("HygonGenuine", 24, 0), "0", "epyc-rome", id="hygon"),
        pytest.param(("AuthenticAMD", 25, 17), "Y", "epyc-genoa-x2avic", id="genoa"),
        pytest.param(("AuthenticAMD", 25, 17), "N", "epyc-rome", id="genoa-without-avic"),
        pytest.param(("AuthenticAMD", 25, 1), "N", "none", id="milan"),
        pytest.param(("AuthenticAMD", 26, 2), "Y", "epyc-genoa-x2avic", id="turin"),
        pytest.param(("Other", 6, 85), "", "none", id="vendor"),
    ],
)
def test_the_nearest_cost_profile_follows_from_processor_and_kvm(
    processor: tuple[str, int, int], parameter: str, expected: str
) -> None:
    """The sentence begins with its name, or with none, and then says why."""
    sentence = nearest(machine(*processor), lambda name: parameter)
    name, _, why = sentence.partition(", ")

    assert expected == name
    assert expected in (*bundled(), "none")
    assert why


def test_a_guest_does_not_show_its_host() -> None:
    """Its exits may go through another hypervisor."""
    sentence = nearest(machine("GenuineIntel", 6, 85, "fpu hypervisor"), lambda name: "")

    assert sentence.startswith("unknown, because this machine is a guest; by its processor sky")


def test_a_machine_without_a_known_cpu_has_none() -> None:
    """/proc/cpuinfo of another architecture lacks these lines."""
    assert nearest(CpuInfo(""), lambda name: "").startswith("none, because no cost profile is")


def test_a_verbose_run_names_the_nearest_cost_profile(cli: Cli) -> None:
    """Before it measures, on standard error."""
    chosen = ("--workload", "dry-run", "--sender", "native", "--vcpus", "2", "-o", "a.json")
    run = cli("-v", "run", "norov", "--fast", *chosen)

    assert "pvbench: model: nearest cost profile: " in run.err


def test_doctor_names_the_nearest_cost_profile(cli: Cli) -> None:
    """It is a row of the model's."""
    assert "model: nearest cost profile" in cli("doctor", "--no-probe").out
