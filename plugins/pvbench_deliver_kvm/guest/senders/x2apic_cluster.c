/*
 * x2apic_cluster.c: an ICR write per cluster.
 *
 * As arch/x86/kernel/apic/x2apic_cluster.c.
 */
#include "local.h"

static void x2apic_send_IPI(struct apic *apic, u32 cpu, u32 vector)
{
	u32 id = apic->ids[cpu];

	x2apic_fence(apic);
	__x2apic_send_IPI_dest(apic, id >> 4 << 16 | 1u << id % 16, vector,
			       APIC_DEST_LOGICAL);
}

static void __x2apic_send_IPI_mask(struct apic *apic, const u64 *mask,
				   u32 except, u32 vector)
{
	const struct clusters *clusters = &apic->clusters[CLUSTERS_16];
	u64 remaining[MASK_WORDS], logical;
	u32 cpu, cluster;

	x2apic_fence(apic);
	op_irq_save(apic->ops);
	copy_mask_except(remaining, mask, apic->cpus, except);
	op_scan_mask(apic, remaining);
	for_each_cpu(cpu, remaining, apic->cpus) {
		cluster = clusters->cluster_of[cpu];
		logical = 0;
		take_cluster(apic, remaining, clusters->members[cluster], 16,
			     &logical);
		__x2apic_send_IPI_dest(
			apic, clusters->number[cluster] << 16 | logical, vector,
			APIC_DEST_LOGICAL);
	}
	op_irq_restore(apic->ops);
}

static void x2apic_send_IPI_mask(struct apic *apic, const u64 *mask, u32 vector)
{
	__x2apic_send_IPI_mask(apic, mask, NO_CPU, vector);
}

static void x2apic_send_IPI_mask_allbutself(struct apic *apic, const u64 *mask,
					    u32 vector)
{
	__x2apic_send_IPI_mask(apic, mask, apic->self, vector);
}

const struct callbacks x2apic_cluster_callbacks = {
	.send_IPI = x2apic_send_IPI,
	.send_IPI_mask = x2apic_send_IPI_mask,
	.send_IPI_mask_allbutself = x2apic_send_IPI_mask_allbutself,
	.send_IPI_allbutself = native_send_IPI_allbutself,
	.send_IPI_all = native_send_IPI_all,
	.send_IPI_self = shorthand_send_IPI_self,
};
