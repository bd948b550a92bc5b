/* send_kvm.c: overlays by KVM_HC_SEND_IPI, as merged and as proposed. */
#include "senders.h"

#define KVM_HC_SEND_IPI 10
#define WINDOW 128 /* APIC IDs of one call */
#define CLUSTER_WORDS 3 /* of the widest cluster, 192 */

/* arch/x86/kernel/kvm.c, __send_ipi_mask() */

struct window {
	unsigned __int128 bitmap;
	u64 min;
	u64 max;
};

typedef int window_test(const struct window *window, u64 id);

static inline int fits(const struct window *window, u64 id)
{
	return id > window->min && id < window->min + WINDOW;
}

/* Before c15e0ae42c8e: without the lower end. */
static inline int fits_4_19(const struct window *window, u64 id)
{
	return id < window->min + WINDOW;
}

static void send_window(struct apic *apic, const struct window *window,
			u32 icr)
{
	const u64 args[] = { window->bitmap, window->bitmap >> 64,
			     window->min, icr };

	op_hypercall(apic->ops, KVM_HC_SEND_IPI, args, 4);
}

static inline void add_id(struct apic *apic, struct window *window, u64 id,
			  u32 icr, window_test *test)
{
	if (!window->bitmap) {
		window->min = window->max = id;
	} else if (id < window->min && window->max - id < WINDOW) {
		window->bitmap <<= window->min - id;
		window->min = id;
	} else if (test(window, id)) {
		window->max = id < window->max ? window->max : id;
	} else {
		send_window(apic, window, icr);
		window->min = window->max = id;
		window->bitmap = 0;
	}
	/* In 4.19 the bit of a lower ID lands in memory before the bitmap. */
	if (id >= window->min)
		window->bitmap |= (unsigned __int128)1 << (id - window->min);
}

static inline void send_windows(struct apic *apic, const u64 *mask, u32 vector,
				window_test *test)
{
	struct window window = { .bitmap = 0 };
	u32 cpu, icr = icr_low(vector, 0);

	if (!any_but(mask, apic->cpus, NOBODY))
		return;
	op_irq_save(apic->ops);
	op_scan_mask(apic, mask);
	for_each_cpu(cpu, mask, apic->cpus)
		add_id(apic, &window, apic->ids[cpu], icr, test);
	send_window(apic, &window, icr);
	op_irq_restore(apic->ops);
}

static void kvm_pv_mask(struct apic *apic, const u64 *mask, u32 vector)
{
	send_windows(apic, mask, vector, fits);
}

static void kvm_pv_others(struct apic *apic, const u64 *mask, u32 vector)
{
	send_others(apic, mask, vector, kvm_pv_mask);
}

const struct callbacks kvm_pv_callbacks = {
	.send_IPI_mask = kvm_pv_mask,
	.send_IPI_mask_allbutself = kvm_pv_others,
};

static void kvm_pv_4_19_mask(struct apic *apic, const u64 *mask, u32 vector)
{
	send_windows(apic, mask, vector, fits_4_19);
}

static void kvm_pv_4_19_others(struct apic *apic, const u64 *mask, u32 vector)
{
	send_others(apic, mask, vector, kvm_pv_4_19_mask);
}

static void kvm_pv_4_19_allbutself(struct apic *apic, u32 vector)
{
	send_all_but(apic, apic->self, vector, kvm_pv_4_19_mask);
}

static void kvm_pv_4_19_all(struct apic *apic, u32 vector)
{
	send_all_but(apic, NOBODY, vector, kvm_pv_4_19_mask);
}

const struct callbacks kvm_pv_4_19_callbacks = {
	.send_IPI_mask = kvm_pv_4_19_mask,
	.send_IPI_mask_allbutself = kvm_pv_4_19_others,
	.send_IPI_allbutself = kvm_pv_4_19_allbutself,
	.send_IPI_all = kvm_pv_4_19_all,
};

/* "[PATCH v3 2/6] KVM: X86: Implement PV IPIs in linux guest" */

static void v3_mask(struct apic *apic, const u64 *mask, u32 vector)
{
	u64 args[] = { 0, 0, icr_low(vector, 0) };
	u32 cpu, id;

	if (!any_but(mask, apic->cpus, NOBODY))
		return;
	op_irq_save(apic->ops);
	op_scan_mask(apic, mask);
	for_each_cpu(cpu, mask, apic->cpus) {
		id = apic->ids[cpu];
		if (id < 128)
			args[id / 64] |= 1ull << id % 64;
	}
	op_hypercall(apic->ops, KVM_HC_SEND_IPI, args, 3);
	op_irq_restore(apic->ops);
}

static void v3_others(struct apic *apic, const u64 *mask, u32 vector)
{
	send_others(apic, mask, vector, v3_mask);
}

static void v3_allbutself(struct apic *apic, u32 vector)
{
	send_all_but(apic, apic->self, vector, v3_mask);
}

static void v3_all(struct apic *apic, u32 vector)
{
	send_all_but(apic, NOBODY, vector, v3_mask);
}

const struct callbacks kvm_pv128_v3_callbacks = {
	.send_IPI_mask = v3_mask,
	.send_IPI_mask_allbutself = v3_others,
	.send_IPI_allbutself = v3_allbutself,
	.send_IPI_all = v3_all,
};

/* Radim Krcmar on patch v3: aligned clusters of 128 or 192 APIC IDs */

static inline __attribute__((always_inline)) void
send_clusters(struct apic *apic, const u64 *mask, u32 vector,
	      const struct clusters *clusters, u32 words)
{
	u64 left[MASK_WORDS];
	u32 cpu, cluster;

	if (!any_but(mask, apic->cpus, NOBODY))
		return;
	op_irq_save(apic->ops);
	op_scan_mask(apic, mask);
	copy_but(left, mask, apic->cpus, NOBODY);
	for_each_cpu(cpu, left, apic->cpus) {
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
	send_others(apic, mask, vector, cluster128_mask);
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
	send_others(apic, mask, vector, cluster192_mask);
}

const struct callbacks kvm_pv_cluster192_callbacks = {
	.send_IPI_mask = cluster192_mask,
	.send_IPI_mask_allbutself = cluster192_others,
};
