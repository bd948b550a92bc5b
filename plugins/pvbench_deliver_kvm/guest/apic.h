/* apic.h: this CPU's own local APIC, set up and acknowledged. */
#ifndef PVBENCH_APIC_H
#define PVBENCH_APIC_H

#include "apicdef.h"
#include "cpu.h"
#include "irq_vectors.h"

#define FLAT_CPUS 8

#define HV_X64_MSR_GUEST_OS_ID 0x40000000
#define GUEST_OS_ID (0x8100ull << 48) /* Linux's; none, and no call is served */

static inline u32 read_apic(const volatile struct mailbox *box, u32 reg)
{
	if (box->x2apic)
		return rdmsr(X2APIC_MSR(reg));
	return read_mmio(APIC_DEFAULT_PHYS_BASE + reg);
}

static inline void write_apic(const volatile struct mailbox *box, u32 reg,
			      u32 value)
{
	if (box->x2apic)
		wrmsr(X2APIC_MSR(reg), value);
	else
		write_mmio(APIC_DEFAULT_PHYS_BASE + reg, value);
}

/* Hyper-V answers a guest that says who it is. */
static inline void introduce(const volatile struct mailbox *box)
{
	if (box->hypercall_abi == HYPERCALL_HYPERV)
		wrmsr(HV_X64_MSR_GUEST_OS_ID, GUEST_OS_ID);
}

/* Logical IDs are Linux's: CPU i of at most eight has 1 << i. */
static inline void enable_apic(const volatile struct mailbox *box,
			       struct cpu *me)
{
	if (!box->x2apic && box->cpus <= FLAT_CPUS) {
		write_apic(box, APIC_DFR, APIC_DFR_FLAT);
		write_apic(box, APIC_LDR, 1u << (24 + me->number));
	}
	write_apic(box, APIC_TASKPRI, 0);
	write_apic(box, APIC_SPIV,
		   APIC_SPIV_APIC_ENABLED | SPURIOUS_APIC_VECTOR);
	me->apic_id = read_apic(box, APIC_ID) >> (box->x2apic ? 0 : 24);
}

#endif
