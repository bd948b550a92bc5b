/*
 * kvm.c: overlays that use KVM_HC_SEND_IPI, as merged in Linux 4.19, as fixed
 * later, and as patched for TDX.  As arch/x86/kernel/kvm.c.
 */
#include "kvm.h"

#define KVM_IPI_CLUSTER_SIZE 128 /* APIC IDs of one hypercall */

void send_all_except(struct apic *apic, u32 cpu, u32 vector, send_mask_fn *send)
{
	u64 mask[MASK_WORDS];

	fill_mask_except(mask, apic->cpus, cpu);
	send(apic, mask, vector);
}

struct window {
	unsigned __int128 bitmap;
	u64 min;
	u64 max;
};

/* Before commit c15e0ae42c8e, the lower end was not tested. */
static inline int in_window(const struct window *window, u64 id, u32 bounded)
{
	return (id > window->min || !bounded) &&
	       id < window->min + KVM_IPI_CLUSTER_SIZE;
}

static void send_window(struct apic *apic, const struct window *window, u32 icr)
{
	const u64 args[] = { window->bitmap, window->bitmap >> 64, window->min,
			     icr };

	op_hypercall(apic->ops, KVM_HC_SEND_IPI, args, 4);
}

static inline void add_apic_id(struct apic *apic, struct window *window, u64 id,
			       u32 icr, u32 bounded)
{
	if (!window->bitmap) {
		window->min = window->max = id;
	} else if (id < window->min &&
		   window->max - id < KVM_IPI_CLUSTER_SIZE) {
		window->bitmap <<= window->min - id;
		window->min = id;
	} else if (in_window(window, id, bounded)) {
		window->max = id < window->max ? window->max : id;
	} else {
		send_window(apic, window, icr);
		window->min = window->max = id;
		window->bitmap = 0;
	}
	/* In 4.19, the bit of a lower ID misses the bitmap and is lost. */
	if (id >= window->min)
		window->bitmap |= (unsigned __int128)1 << (id - window->min);
}

static inline __attribute__((always_inline)) void
__send_ipi_mask(struct apic *apic, const u64 *mask, u32 vector,
		u32 bounded)
{
	struct window window = { .bitmap = 0 };
	u32 cpu, icr = __prepare_ICR(0, vector, 0);

	if (!has_cpu_except(mask, apic->cpus, NO_CPU))
		return;
	op_irq_save(apic->ops);
	op_scan_mask(apic, mask);
	for_each_cpu(cpu, mask, apic->cpus)
		add_apic_id(apic, &window, apic->ids[cpu], icr, bounded);
	send_window(apic, &window, icr);
	op_irq_restore(apic->ops);
}

static void kvm_send_ipi_mask(struct apic *apic, const u64 *mask, u32 vector)
{
	__send_ipi_mask(apic, mask, vector, apic->rules & RULE_PV_WINDOW);
}

static void kvm_send_ipi_mask_allbutself(struct apic *apic, const u64 *mask,
					 u32 vector)
{
	send_mask_except_self(apic, mask, vector, kvm_send_ipi_mask);
}

const struct callbacks kvm_pv_callbacks = {
	.send_IPI_mask = kvm_send_ipi_mask,
	.send_IPI_mask_allbutself = kvm_send_ipi_mask_allbutself,
};

static void kvm_send_call_func_single_ipi(struct apic *apic, u32 cpu,
					  u32 vector)
{
	u64 mask[MASK_WORDS];

	fill_mask_of(mask, apic->cpus, cpu);
	kvm_send_ipi_mask(apic, mask, vector);
}

const struct callbacks kvm_pv_single_callbacks = {
	.send_IPI_mask = kvm_send_ipi_mask,
	.send_IPI_mask_allbutself = kvm_send_ipi_mask_allbutself,
	.send_call_func_single_ipi = kvm_send_call_func_single_ipi,
};

static void kvm_4_19_send_ipi_mask(struct apic *apic, const u64 *mask,
				   u32 vector)
{
	__send_ipi_mask(apic, mask, vector, 0);
}

static void kvm_4_19_send_ipi_mask_allbutself(struct apic *apic,
					      const u64 *mask, u32 vector)
{
	send_mask_except_self(apic, mask, vector, kvm_4_19_send_ipi_mask);
}

static void kvm_4_19_send_ipi_allbutself(struct apic *apic, u32 vector)
{
	send_all_except(apic, apic->self, vector, kvm_4_19_send_ipi_mask);
}

static void kvm_4_19_send_ipi_all(struct apic *apic, u32 vector)
{
	send_all_except(apic, NO_CPU, vector, kvm_4_19_send_ipi_mask);
}

const struct callbacks kvm_pv_4_19_callbacks = {
	.send_IPI_mask = kvm_4_19_send_ipi_mask,
	.send_IPI_mask_allbutself = kvm_4_19_send_ipi_mask_allbutself,
	.send_IPI_allbutself = kvm_4_19_send_ipi_allbutself,
	.send_IPI_all = kvm_4_19_send_ipi_all,
};
