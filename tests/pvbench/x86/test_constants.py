"""Constants equal those of the system's headers and of the manuals."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from pvbench.x86 import apic, hyperv, kvm_para, xen
from support.helpers import DEADLINE_S

CC = shutil.which("cc") or shutil.which("gcc")
HEADERS = "#include <errno.h>\n#include <linux/kvm_para.h>\n"


def compiled(source: str, folder: Path) -> Path | None:
    """Compile a C source; None if that fails."""
    (folder / "facts.c").write_text(source)
    command = [str(CC), "-o", str(folder / "facts"), str(folder / "facts.c")]
    output = subprocess.run(command, capture_output=True, check=False, timeout=DEADLINE_S)
    return folder / "facts" if output.returncode == 0 else None


def printed(names: list[str], folder: Path) -> dict[str, int]:
    """Values of the names that the headers define, printed by a C program."""
    lines = [
        f'#ifdef {name}\nprintf("{name} %lld\\n", (long long)({name}));\n#endif\n'
        for name in names
    ]
    body = f"#include <stdio.h>\n{HEADERS}int main(void) {{\n{''.join(lines)}return 0; }}\n"
    program = compiled(body, folder)
    assert program is not None
    out = subprocess.run(
        [program], capture_output=True, check=True, text=True, timeout=DEADLINE_S
    )
    return {name: int(value) for name, value in map(str.split, out.stdout.splitlines())}


def test_kvm_constants_equal_those_of_the_system_s_header(tmp_path: Path) -> None:
    """Their spelling and values are those of <linux/kvm_para.h>."""
    if CC is None:
        pytest.skip("no C compiler (cc) on this machine")
    if compiled(f"{HEADERS}int main(void) {{ return 0; }}\n", tmp_path) is None:
        pytest.skip("no <linux/kvm_para.h> on this machine (install the kernel's headers)")
    ours = {
        name: value
        for name, value in vars(kvm_para).items()
        if name.startswith("KVM_") and type(value) is int
    }

    theirs = printed(sorted(ours), tmp_path)

    assert theirs == {name: ours[name] for name in theirs}
    assert "KVM_HC_SEND_IPI" in theirs


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        pytest.param(apic.x2apic_msr(apic.APIC_ICR), 0x830, id="x2apic-icr"),
        pytest.param(apic.x2apic_msr(apic.APIC_EOI), 0x80B, id="x2apic-eoi"),
        pytest.param(apic.x2apic_msr(apic.APIC_SELF_IPI), 0x83F, id="self-ipi"),
        pytest.param(apic.APIC_DEFAULT_PHYS_BASE, 0xFEE00000, id="xapic-page"),
        pytest.param(apic.APIC_ICR, 0x300, id="icr-low"),
        pytest.param(apic.APIC_ICR2, 0x310, id="icr-high"),
        pytest.param(apic.APIC_EOI, 0xB0, id="eoi"),
        pytest.param(apic.APIC_DM_FIXED, 0, id="fixed"),
        pytest.param(apic.APIC_DM_NMI, 4 << 8, id="nmi"),
        pytest.param(apic.APIC_DEST_LOGICAL, 1 << 11, id="logical"),
        pytest.param(apic.APIC_ICR_BUSY, 1 << 12, id="delivery-status"),
        pytest.param(apic.APIC_DEST_SELF, 1 << 18, id="shorthand-self"),
        pytest.param(apic.APIC_DEST_ALLINC, 2 << 18, id="shorthand-all"),
        pytest.param(apic.APIC_DEST_ALLBUT, 3 << 18, id="shorthand-all-but-self"),
        pytest.param(apic.APIC_VECTOR_MASK, 0xFF, id="vector-is-bits-7-0"),
        pytest.param(apic.APIC_MODE_MASK, 7 << 8, id="mode-is-bits-10-8"),
        pytest.param(apic.XAPIC_BROADCAST, 255, id="xapic-broadcast"),
        pytest.param(apic.X2APIC_BROADCAST, 4294967295, id="x2apic-broadcast"),
        pytest.param(apic.NMI_VECTOR, 2, id="nmi-vector"),
        pytest.param(apic.RESCHEDULE_VECTOR, 253, id="reschedule"),
        pytest.param(apic.CALL_FUNCTION_VECTOR, 252, id="call-function"),
        pytest.param(apic.CALL_FUNCTION_SINGLE_VECTOR, 251, id="call-function-single"),
        pytest.param(apic.IRQ_WORK_VECTOR, 246, id="irq-work"),
        pytest.param(kvm_para.KVM_HC_SEND_IPI, 10, id="kvm-send-ipi"),
        pytest.param(kvm_para.KVM_HC_KICK_CPU, 5, id="kvm-kick-cpu"),
        pytest.param(kvm_para.KVM_HC_SCHED_YIELD, 11, id="kvm-sched-yield"),
        pytest.param(kvm_para.KVM_ENOSYS, 1000, id="kvm-enosys"),
        pytest.param(kvm_para.KVM_EINVAL, 22, id="kvm-einval"),
        pytest.param(kvm_para.KVM_EOPNOTSUPP, 95, id="kvm-eopnotsupp"),
        pytest.param(kvm_para.KVM_EPERM, 1, id="kvm-eperm"),
        pytest.param(hyperv.HVCALL_SEND_IPI, 0x000B, id="hyperv-send-ipi"),
        pytest.param(hyperv.HVCALL_SEND_IPI_EX, 0x0015, id="hyperv-send-ipi-ex"),
        pytest.param(hyperv.HV_HYPERCALL_FAST_BIT, 0x10000, id="hyperv-fast"),
        pytest.param(hyperv.HV_HYPERCALL_VARHEAD_OFFSET, 17, id="hyperv-variable-header"),
        pytest.param(hyperv.HV_GENERIC_SET_SPARSE_4K, 0, id="hyperv-sparse"),
        pytest.param(hyperv.HV_GENERIC_SET_ALL, 1, id="hyperv-all"),
        pytest.param(hyperv.HV_STATUS_INVALID_HYPERCALL_CODE, 2, id="hyperv-bad-code"),
        pytest.param(hyperv.HV_STATUS_INVALID_HYPERCALL_INPUT, 3, id="hyperv-bad-input"),
        pytest.param(hyperv.HV_IPI_LOW_VECTOR, 16, id="hyperv-lowest-vector"),
        pytest.param(hyperv.HV_IPI_HIGH_VECTOR, 255, id="hyperv-highest-vector"),
        pytest.param(xen.__HYPERVISOR_event_channel_op, 32, id="xen-event-channel-op"),
        pytest.param(xen.EVTCHNOP_send, 4, id="xen-evtchnop-send"),
        pytest.param(xen.XEN_NR_IPIS, 6, id="xen-ipis-per-cpu"),
    ],
)
def test_a_constant_has_the_manual_s_value(value: int, expected: int) -> None:
    """The numbers are from the Intel SDM, the TLFS and Xen's public headers."""
    assert expected == value


@pytest.mark.parametrize(
    ("apic_id", "expected"),
    [
        pytest.param(0x0, 0x0_0001, id="first"),
        pytest.param(0xF, 0x0_8000, id="last-of-cluster-0"),
        pytest.param(0x10, 0x1_0001, id="first-of-cluster-1"),
        pytest.param(0xF_FFFF, 0xFFFF_8000, id="last-with-a-logical-id"),
    ],
)
def test_a_logical_x2apic_id_is_a_cluster_and_one_bit(apic_id: int, expected: int) -> None:
    """It is ((id >> 4) << 16) | (1 << (id & 15)), see SDM "Logical x2APIC ID"."""
    assert expected == apic.x2apic_logical_id(apic_id)


@pytest.mark.parametrize(
    ("vector", "fields", "expected"),
    [
        pytest.param(0xFC, 0, 0x0_00FC, id="fixed"),
        pytest.param(0xFC, 0x800, 0x0_08FC, id="fixed-logical"),
        pytest.param(2, 0, 0x0_0400, id="nmi-has-vector-0"),
        pytest.param(2, 0xC_0000, 0xC_0400, id="nmi-by-shorthand"),
    ],
)
def test_the_low_word_is_shorthand_mode_and_vector(
    vector: int, fields: int, expected: int
) -> None:
    """__prepare_ICR() sets delivery mode NMI for vector 2 and does not set the level."""
    assert expected == apic.icr_low(vector, fields)


@pytest.mark.parametrize(
    ("cpu", "ipi", "expected"),
    [
        pytest.param(0, 0, 1, id="port-0-is-invalid"),
        pytest.param(0, 5, 6, id="last-of-cpu-0"),
        pytest.param(1, 0, 7, id="first-of-cpu-1"),
    ],
)
def test_event_channel_ports_are_consecutive(cpu: int, ipi: int, expected: int) -> None:
    """A guest that binds six IPIs for each CPU as it comes up gets these ports."""
    assert expected == xen.evtchn_port(cpu, ipi)
