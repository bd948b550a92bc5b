/* apic_flat_64.c: the drivers of xAPIC mode; flat has up to 8 CPUs, so masks of one word. */
#include "local.h"

static void flat_mask(struct apic *apic, const u64 *mask, u32 vector)
{
	if (!mask[0])
		return;
	op_irq_save(apic->ops);
	xapic_send(apic, mask[0], vector, APIC_DEST_LOGICAL);
	op_irq_restore(apic->ops);
}

static void flat_others(struct apic *apic, const u64 *mask, u32 vector)
{
	send_mask_others(apic, mask, vector, flat_mask);
}

const struct callbacks xapic_flat_callbacks = {
	.send_IPI = one_as_mask,
	.send_IPI_mask = flat_mask,
	.send_IPI_mask_allbutself = flat_others,
	.send_IPI_allbutself = native_allbutself,
	.send_IPI_all = native_all,
	.send_IPI_self = shorthand_self,
};

const struct callbacks xapic_physical_callbacks = {
	.send_IPI = xapic_physical_one,
	.send_IPI_mask = xapic_physical_mask,
	.send_IPI_mask_allbutself = xapic_physical_others,
	.send_IPI_allbutself = native_allbutself,
	.send_IPI_all = native_all,
	.send_IPI_self = shorthand_self,
};
