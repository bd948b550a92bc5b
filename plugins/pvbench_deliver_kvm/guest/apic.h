/* apic.h: the local APIC of this CPU. */
#ifndef PVBENCH_APIC_H
#define PVBENCH_APIC_H

#include "apicdef.h"
#include "cpu.h"
#include "irq_vectors.h"

#define FLAT_CPUS 8

#define HV_X64_MSR_GUEST_OS_ID 0x40000000
#define GUEST_OS_ID (0x8100ull << 48) /* that of Linux */

static inline u32 read_apic(const volatile struct mailbox *mailbox, u32 reg)
{
	if (mailbox->x2apic)
		return rdmsr(X2APIC_MSR(reg));
	return read_mmio(APIC_DEFAULT_PHYS_BASE + reg);
}

static inline void write_apic(const volatile struct mailbox *mailbox, u32 reg,
			      u32 value)
{
	if (mailbox->x2apic)
		wrmsr(X2APIC_MSR(reg), value);
	else
		write_mmio(APIC_DEFAULT_PHYS_BASE + reg, value);
}

/* Hyper-V serves hypercalls only after the guest has stored its ID. */
static inline void
hyperv_set_guest_os_id(const volatile struct mailbox *mailbox)
{
	if (mailbox->hypercall_abi == HYPERCALL_HYPERV)
		wrmsr(HV_X64_MSR_GUEST_OS_ID, GUEST_OS_ID);
}

/* As Linux does for at most eight CPUs, CPU i has the logical ID 1 << i. */
static inline void enable_apic(const volatile struct mailbox *mailbox,
			       struct cpu *me)
{
	if (!mailbox->x2apic && mailbox->cpus <= FLAT_CPUS) {
		write_apic(mailbox, APIC_DFR, APIC_DFR_FLAT);
		write_apic(mailbox, APIC_LDR, 1u << (24 + me->number));
	}
	write_apic(mailbox, APIC_TASKPRI, 0);
	write_apic(mailbox, APIC_SPIV,
		   APIC_SPIV_APIC_ENABLED | SPURIOUS_APIC_VECTOR);
	me->apic_id = read_apic(mailbox, APIC_ID) >> (mailbox->x2apic ? 0 : 24);
}

#endif
