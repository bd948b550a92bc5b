/*
 * x2apic_phys.c: an ICR write per target.
 *
 * As arch/x86/kernel/apic/x2apic_phys.c.
 */
#include "local.h"

static void x2apic_send_IPI(struct apic *apic, u32 cpu, u32 vector)
{
	x2apic_fence(apic);
	__x2apic_send_IPI_dest(apic, apic->ids[cpu], vector,
			       APIC_DEST_PHYSICAL);
}

static void x2apic_send_IPI_mask(struct apic *apic, const u64 *mask, u32 vector)
{
	u32 cpu;

	x2apic_fence(apic);
	op_irq_save(apic->ops);
	op_scan_mask(apic, mask);
	for_each_cpu(cpu, mask, apic->cpus)
		__x2apic_send_IPI_dest(apic, apic->ids[cpu], vector,
				       APIC_DEST_PHYSICAL);
	op_irq_restore(apic->ops);
}

static void x2apic_send_IPI_mask_allbutself(struct apic *apic, const u64 *mask,
					    u32 vector)
{
	send_mask_except_self(apic, mask, vector, x2apic_send_IPI_mask);
}

const struct callbacks x2apic_physical_callbacks = {
	.send_IPI = x2apic_send_IPI,
	.send_IPI_mask = x2apic_send_IPI_mask,
	.send_IPI_mask_allbutself = x2apic_send_IPI_mask_allbutself,
	.send_IPI_allbutself = native_send_IPI_allbutself,
	.send_IPI_all = native_send_IPI_all,
	.send_IPI_self = shorthand_send_IPI_self,
};
