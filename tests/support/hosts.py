"""A host that is made of files, and the facts that it has."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

CPU = "sys/devices/system/cpu"
CPUINFO = "proc/cpuinfo"
CLOCK = "sys/devices/system/clocksource/clocksource0/current_clocksource"
HUGEPAGES = "sys/kernel/mm/transparent_hugepage/enabled"
ASLR = "proc/sys/kernel/randomize_va_space"
RELEASE, VERSION = "proc/sys/kernel/osrelease", "proc/sys/kernel/version"
GOVERNORS = tuple(f"{CPU}/cpu{number}/cpufreq/scaling_governor" for number in range(2))
NO_TURBO, BOOST = f"{CPU}/intel_pstate/no_turbo", f"{CPU}/cpufreq/boost"
BUGS = f"{CPU}/vulnerabilities"
POLL = "sys/module/kvm/parameters/halt_poll_ns"
AVIC = "sys/module/kvm_amd/parameters/avic"
Files = Mapping[str, str | bytes | None]
FakeHost = Callable[[Files], Path]


def cpuinfo(
    flags: str = "fpu svm constant_tsc nonstop_tsc",
    model: str = "AMD EPYC 7763",
    microcode: str = "0xa0011d1",
) -> str:
    """One CPU of /proc/cpuinfo."""
    return (
        f"processor\t: 0\nmodel\t\t: 1\nmodel name\t: {model}\nmicrocode\t: {microcode}\n"
        f"vmx flags\t: hypervisor\nflags\t\t: {flags}\nbogomips\t: 4900.00\n\n"
    )


# A host that there is nothing to say against.
STEADY = {
    CPUINFO: 2 * cpuinfo(),
    RELEASE: "6.8.0-31-generic\n",
    VERSION: "#31-Ubuntu SMP Sat Apr 20 00:40:06 UTC 2024\n",
    ASLR: "2\n",
    POLL: "0\n",
    "sys/module/kvm/parameters/tdp_mmu": "Y\n",
    AVIC: "N\n",
    "sys/module/kvm_amd/parameters/nested": "1\n",
    "sys/module/ext4/parameters/other": "1\n",
    CLOCK: "tsc\n",
    f"{CPU}/smt/active": "0\n",
    GOVERNORS[0]: "performance\n",
    GOVERNORS[1]: "performance\n",
    BOOST: "0\n",
    f"{CPU}/isolated": "2-3\n",
    f"{CPU}/nohz_full": "3\n",
    f"{BUGS}/meltdown": "Not affected\n",
    f"{BUGS}/spectre_v1": "Mitigation: usercopy/swapgs barriers\n",
    f"{BUGS}/tsa": "Vulnerable: No microcode\n",
    HUGEPAGES: "always [madvise] never\n",
}
ITS_FACTS = [
    ("cpu_model", "AMD EPYC 7763"),
    ("microcode", "0xa0011d1"),
    ("kernel_release", "6.8.0-31-generic"),
    ("kernel_version", "#31-Ubuntu SMP Sat Apr 20 00:40:06 UTC 2024"),
    ("kvm_modules", "kvm, kvm_amd"),
    ("kvm.halt_poll_ns", "0"),
    ("kvm.tdp_mmu", "Y"),
    ("kvm_amd.avic", "N"),
    ("kvm_amd.nested", "1"),
    ("nested", "no"),
    ("virtualization", "svm"),
    ("constant_tsc", "yes"),
    ("nonstop_tsc", "yes"),
    ("clocksource", "tsc"),
    ("smt", "off"),
    ("governor", "performance"),
    ("turbo", "off"),
    ("isolated_cpus", "2-3"),
    ("nohz_full", "3"),
    ("vulnerabilities", "spectre_v1, tsa"),
    ("vulnerability.spectre_v1", "Mitigation: usercopy/swapgs barriers"),
    ("vulnerability.tsa", "Vulnerable: No microcode"),
    ("transparent_hugepages", "madvise"),
    ("aslr", "full"),
]


def write_files(root: Path, files: Files) -> Path:
    """*root* with these files; None leaves one out."""
    for name, content in files.items():
        if content is not None:
            path = root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content.encode() if isinstance(content, str) else content)
    return root
