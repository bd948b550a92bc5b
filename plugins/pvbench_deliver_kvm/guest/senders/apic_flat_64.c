/*
 * apic_flat_64.c: the xAPIC drivers, arch/x86/kernel/apic/apic_flat_64.c.
 *
 * A flat guest has at most eight CPUs, so its masks have one word.  Linux
 * writes the ICR for an empty mask too, but no caller here passes one.
 */
#include "local.h"

static void default_send_IPI_single(struct apic *apic, u32 cpu, u32 vector)
{
	u64 mask = 1ull << cpu;

	apic->call.send_IPI_mask(apic, &mask, vector);
}

static void flat_send_IPI_mask(struct apic *apic, const u64 *mask, u32 vector)
{
	if (!mask[0])
		return;
	op_irq_save(apic->ops);
	__default_send_IPI_dest_field(apic, mask[0], vector, APIC_DEST_LOGICAL);
	op_irq_restore(apic->ops);
}

static void flat_send_IPI_mask_allbutself(struct apic *apic, const u64 *mask,
					  u32 vector)
{
	send_mask_except_self(apic, mask, vector, flat_send_IPI_mask);
}

const struct callbacks xapic_flat_callbacks = {
	.send_IPI = default_send_IPI_single,
	.send_IPI_mask = flat_send_IPI_mask,
	.send_IPI_mask_allbutself = flat_send_IPI_mask_allbutself,
	.send_IPI_allbutself = native_send_IPI_allbutself,
	.send_IPI_all = native_send_IPI_all,
	.send_IPI_self = shorthand_send_IPI_self,
};

const struct callbacks xapic_physical_callbacks = {
	.send_IPI = default_send_IPI_single_phys,
	.send_IPI_mask = default_send_IPI_mask_sequence_phys,
	.send_IPI_mask_allbutself = default_send_IPI_mask_allbutself_phys,
	.send_IPI_allbutself = native_send_IPI_allbutself,
	.send_IPI_all = native_send_IPI_all,
	.send_IPI_self = shorthand_send_IPI_self,
};
