/* x2apic_phys.c: one x2APIC target after another. */
#include "local.h"

static void x2apic_physical_one(struct apic *apic, u32 cpu, u32 vector)
{
	op_fence(apic->ops);
	x2apic_send(apic, apic->ids[cpu], vector, 0);
}

static void x2apic_physical_mask(struct apic *apic, const u64 *mask,
				 u32 vector)
{
	u32 cpu;

	op_fence(apic->ops);
	op_irq_save(apic->ops);
	op_scan_mask(apic, mask);
	for_each_cpu(cpu, mask, apic->cpus)
		x2apic_send(apic, apic->ids[cpu], vector, 0);
	op_irq_restore(apic->ops);
}

static void x2apic_physical_others(struct apic *apic, const u64 *mask,
				   u32 vector)
{
	send_mask_others(apic, mask, vector, x2apic_physical_mask);
}

const struct callbacks x2apic_physical_callbacks = {
	.send_IPI = x2apic_physical_one,
	.send_IPI_mask = x2apic_physical_mask,
	.send_IPI_mask_allbutself = x2apic_physical_others,
	.send_IPI_allbutself = native_allbutself,
	.send_IPI_all = native_all,
	.send_IPI_self = shorthand_self,
};
