/* kvm_cluster.c: a hypercall for each cluster of APIC IDs. */
#include "kvm.h"

#define CLUSTER_WORDS 3 /* of the widest cluster, 192 */

/* Radim Krcmar on patch v3: aligned clusters of 128 or 192 APIC IDs */

static inline __attribute__((always_inline)) void send_clusters(
	struct apic *apic, const u64 *mask, u32 vector,
	const struct clusters *clusters, u32 words)
{
	u64 left[MASK_WORDS];
	u32 cpu, cluster;

	if (!any_but(mask, apic->cpus, NOBODY))
		return;
	op_irq_save(apic->ops);
	op_scan_mask(apic, mask);
	copy_but(left, mask, apic->cpus, NOBODY);
	for_each_cpu (cpu, left, apic->cpus) {
		u64 args[CLUSTER_WORDS + 1] = { 0 };

		cluster = clusters->cluster_of[cpu];
		take_cluster(apic, left, clusters->members[cluster], 64 * words,
			     args);
		args[words] = (u64)clusters->number[cluster] << 8 |
			      icr_low(vector, 0);
		op_hypercall(apic->ops, KVM_HC_SEND_IPI, args, words + 1);
	}
	op_irq_restore(apic->ops);
}

static void cluster128_mask(struct apic *apic, const u64 *mask, u32 vector)
{
	send_clusters(apic, mask, vector, &apic->clusters[CLUSTERS_128], 2);
}

static void cluster128_others(struct apic *apic, const u64 *mask, u32 vector)
{
	send_mask_others(apic, mask, vector, cluster128_mask);
}

const struct callbacks kvm_pv_cluster128_callbacks = {
	.send_IPI_mask = cluster128_mask,
	.send_IPI_mask_allbutself = cluster128_others,
};

static void cluster192_mask(struct apic *apic, const u64 *mask, u32 vector)
{
	send_clusters(apic, mask, vector, &apic->clusters[CLUSTERS_192], 3);
}

static void cluster192_others(struct apic *apic, const u64 *mask, u32 vector)
{
	send_mask_others(apic, mask, vector, cluster192_mask);
}

const struct callbacks kvm_pv_cluster192_callbacks = {
	.send_IPI_mask = cluster192_mask,
	.send_IPI_mask_allbutself = cluster192_others,
};
