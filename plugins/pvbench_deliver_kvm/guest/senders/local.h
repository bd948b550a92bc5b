/* local.h: code common to the senders, as arch/x86/kernel/apic/local.h. */
#ifndef PVBENCH_LOCAL_H
#define PVBENCH_LOCAL_H

#include "apicdef.h"
#include "cpumask.h"
#include "irq_vectors.h"
#include "send.h"

#define NMI_ICR_POLLS 1000

/* Native drivers. */
extern const struct callbacks null_callbacks;
extern const struct callbacks xapic_flat_callbacks;
extern const struct callbacks xapic_physical_callbacks;
extern const struct callbacks x2apic_physical_callbacks;
extern const struct callbacks x2apic_cluster_callbacks;

/* Overlay that sends broadcasts by shorthand. */
extern const struct callbacks shorthand_callbacks;

/* Overlays that make hypercalls; a NULL callback is left to the driver. */
extern const struct callbacks kvm_pv_callbacks;
extern const struct callbacks kvm_pv_4_19_callbacks;
extern const struct callbacks kvm_pv128_v3_callbacks;
extern const struct callbacks kvm_pv_cluster128_callbacks;
extern const struct callbacks kvm_pv_cluster192_callbacks;
extern const struct callbacks hyperv_ipi_callbacks;
extern const struct callbacks xen_evtchn_callbacks;
extern const struct callbacks kvm_pv_single_callbacks;

static inline u32 __prepare_ICR(u32 shortcut, u32 vector, u32 dest)
{
	return shortcut | dest | (vector == NMI_VECTOR ? APIC_DM_NMI : vector);
}

/* As weak_wrmsr_fence(). */
static inline void x2apic_fence(struct apic *apic)
{
	if (apic->rules & RULE_FENCE)
		op_fence(apic->ops);
}

static inline void __x2apic_send_IPI_dest(struct apic *apic, u32 apicid,
					  u32 vector, u32 dest)
{
	op_wrmsr(apic->ops, X2APIC_MSR(APIC_ICR),
		 (u64)apicid << 32 | __prepare_ICR(0, vector, dest));
}

static inline void native_apic_mem_write(struct apic *apic, u32 reg, u32 value)
{
	op_mmio_write(apic->ops, APIC_DEFAULT_PHYS_BASE + reg, value);
}

/* An NMI is sent in a crash, where a wait must end. */
static inline void wait_icr_idle(struct apic *apic, u32 vector)
{
	op_wait_icr_idle(apic->ops, vector == NMI_VECTOR ? NMI_ICR_POLLS : 0);
}

static inline void __default_send_IPI_dest_field(struct apic *apic,
						 u32 dest_mask, u32 vector,
						 u32 dest)
{
	wait_icr_idle(apic, vector);
	native_apic_mem_write(apic, APIC_ICR2, dest_mask << 24);
	native_apic_mem_write(apic, APIC_ICR, __prepare_ICR(0, vector, dest));
}

/* The page with the input of a hypercall of this CPU. */
static inline u64 hypercall_input_page(const struct apic *apic)
{
	return INPUT_PAGE_BASE + (u64)apic->self * 4096;
}

/* The CPUs are counted only for the record, so execution spends no time on it. */
static inline void op_scan_mask(struct apic *apic, const u64 *mask)
{
	op_scan(apic->ops,
		apic->ops->record ? cpumask_weight(mask, apic->cpus) : 0);
}

/* Call @send with @mask without the sending CPU. */
static inline void __send_mask_except_self(struct apic *apic, const u64 *mask,
					   u32 vector, send_mask_fn *send)
{
	u64 others[MASK_WORDS];

	copy_mask_except(others, mask, apic->cpus, apic->self);
	send(apic, others, vector);
}

/* Call @send with all CPUs except @cpu. */
static inline void __send_all_except(struct apic *apic, u32 cpu, u32 vector,
				     send_mask_fn *send)
{
	u64 mask[MASK_WORDS];

	fill_mask_except(mask, apic->cpus, cpu);
	send(apic, mask, vector);
}

/*
 * Move the CPUs of a cluster from @remaining to @bits, where the number of a
 * CPU's bit is its place in the cluster.
 */
static inline __attribute__((always_inline)) void
take_cluster(const struct apic *apic, u64 *remaining, const u64 *members,
	     u32 width, u64 *bits)
{
	u32 i, place;
	u64 word;

	for (i = 0; i < mask_words(apic->cpus); i++) {
		for (word = remaining[i] & members[i]; word; word &= word - 1) {
			place = apic->ids[i * 64 + __builtin_ctzll(word)] %
				width;
			bits[place / 64] |= 1ull << place % 64;
		}
		remaining[i] &= ~members[i];
	}
}

/* Out of line, for drivers and overlays of several files. */
void send_mask_except_self(struct apic *apic, const u64 *mask, u32 vector,
			   send_mask_fn *send);

/* ipi.c */
void native_send_IPI_allbutself(struct apic *apic, u32 vector);
void native_send_IPI_all(struct apic *apic, u32 vector);
void shorthand_send_IPI_self(struct apic *apic, u32 vector);
void default_send_IPI_single_phys(struct apic *apic, u32 cpu, u32 vector);
void default_send_IPI_mask_sequence_phys(struct apic *apic, const u64 *mask,
					 u32 vector);
void default_send_IPI_mask_allbutself_phys(struct apic *apic, const u64 *mask,
					   u32 vector);

#endif
