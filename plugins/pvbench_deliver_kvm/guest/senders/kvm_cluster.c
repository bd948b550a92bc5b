/*
 * kvm_cluster.c: a hypercall per aligned cluster of 128 or 192 APIC IDs.
 *
 * As Radim Krcmar proposed in reply to version 3 of the PV IPI patches.
 */
#include "kvm.h"

#define CLUSTER_WORDS 3 /* of a cluster of 192 IDs */

static inline __attribute__((always_inline)) void
send_ipi_clusters(struct apic *apic, const u64 *mask, u32 vector,
		  const struct clusters *clusters, u32 words)
{
	u64 remaining[MASK_WORDS];
	u32 cpu, cluster;

	if (!has_cpu_except(mask, apic->cpus, NO_CPU))
		return;
	op_irq_save(apic->ops);
	op_scan_mask(apic, mask);
	copy_mask_except(remaining, mask, apic->cpus, NO_CPU);
	for_each_cpu(cpu, remaining, apic->cpus) {
		u64 args[CLUSTER_WORDS + 1] = { 0 };

		cluster = clusters->cluster_of[cpu];
		take_cluster(apic, remaining, clusters->members[cluster],
			     64 * words, args);
		args[words] = (u64)clusters->number[cluster] << 8 |
			      __prepare_ICR(0, vector, 0);
		op_hypercall(apic->ops, KVM_HC_SEND_IPI, args, words + 1);
	}
	op_irq_restore(apic->ops);
}

static void cluster128_send_ipi_mask(struct apic *apic, const u64 *mask,
				     u32 vector)
{
	send_ipi_clusters(apic, mask, vector, &apic->clusters[CLUSTERS_128], 2);
}

static void cluster128_send_ipi_mask_allbutself(struct apic *apic,
						const u64 *mask, u32 vector)
{
	send_mask_except_self(apic, mask, vector, cluster128_send_ipi_mask);
}

const struct callbacks kvm_pv_cluster128_callbacks = {
	.send_IPI_mask = cluster128_send_ipi_mask,
	.send_IPI_mask_allbutself = cluster128_send_ipi_mask_allbutself,
};

static void cluster192_send_ipi_mask(struct apic *apic, const u64 *mask,
				     u32 vector)
{
	send_ipi_clusters(apic, mask, vector, &apic->clusters[CLUSTERS_192], 3);
}

static void cluster192_send_ipi_mask_allbutself(struct apic *apic,
						const u64 *mask, u32 vector)
{
	send_mask_except_self(apic, mask, vector, cluster192_send_ipi_mask);
}

const struct callbacks kvm_pv_cluster192_callbacks = {
	.send_IPI_mask = cluster192_send_ipi_mask,
	.send_IPI_mask_allbutself = cluster192_send_ipi_mask_allbutself,
};
