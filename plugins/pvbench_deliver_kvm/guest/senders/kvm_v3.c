/*
 * kvm_v3.c: a hypercall for APIC IDs below 128.
 *
 * As "[PATCH v3 2/6] KVM: X86: Implement PV IPIs in linux guest".
 */
#include "kvm.h"

static void v3_send_ipi_mask(struct apic *apic, const u64 *mask, u32 vector)
{
	u64 args[] = { 0, 0, __prepare_ICR(0, vector, 0) };
	u32 cpu, id;

	if (!has_cpu_except(mask, apic->cpus, NO_CPU))
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

static void v3_send_ipi_mask_allbutself(struct apic *apic, const u64 *mask,
					u32 vector)
{
	send_mask_except_self(apic, mask, vector, v3_send_ipi_mask);
}

static void v3_send_ipi_allbutself(struct apic *apic, u32 vector)
{
	send_all_except(apic, apic->self, vector, v3_send_ipi_mask);
}

static void v3_send_ipi_all(struct apic *apic, u32 vector)
{
	send_all_except(apic, NO_CPU, vector, v3_send_ipi_mask);
}

const struct callbacks kvm_pv128_v3_callbacks = {
	.send_IPI_mask = v3_send_ipi_mask,
	.send_IPI_mask_allbutself = v3_send_ipi_mask_allbutself,
	.send_IPI_allbutself = v3_send_ipi_allbutself,
	.send_IPI_all = v3_send_ipi_all,
};
