/* apic.h: this CPU's own local APIC, set up and acknowledged. */
#ifndef PVBENCH_APIC_H
#define PVBENCH_APIC_H

#include "cpu.h"

#define APIC_DEFAULT_PHYS_BASE 0xfee00000
#define APIC_BASE_MSR 0x800
#define APIC_ID 0x20
#define APIC_TASKPRI 0x80
#define APIC_EOI 0xb0
#define APIC_LDR 0xd0
#define APIC_DFR 0xe0
#define APIC_DFR_FLAT 0xffffffff
#define APIC_SPIV 0xf0
#define APIC_SPIV_APIC_ENABLED 0x100
#define SPURIOUS_APIC_VECTOR 0xff
#define FLAT_CPUS 8

#define HV_X64_MSR_GUEST_OS_ID 0x40000000
#define GUEST_OS_ID (0x8100ull << 48) /* Linux's; none, and no call is served */

static inline u32 read_apic(const volatile struct mailbox *box, u32 reg)
{
	if (box->x2apic)
		return rdmsr(APIC_BASE_MSR + (reg >> 4));
	return read_mmio(APIC_DEFAULT_PHYS_BASE + reg);
}

static inline void write_apic(const volatile struct mailbox *box, u32 reg,
			      u32 value)
{
	if (box->x2apic)
		wrmsr(APIC_BASE_MSR + (reg >> 4), value);
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
	write_apic(box, APIC_SPIV, APIC_SPIV_APIC_ENABLED | SPURIOUS_APIC_VECTOR);
	me->apic_id = read_apic(box, APIC_ID) >> (box->x2apic ? 0 : 24);
}

#endif
