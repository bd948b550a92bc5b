/* null.c: what a call costs that sends nothing. */
#include "local.h"

static void null_broadcast(struct apic *apic, u32 vector)
{
	(void)vector;
	op_irq_save(apic->ops);
	op_irq_restore(apic->ops);
}

static void null_one(struct apic *apic, u32 cpu, u32 vector)
{
	(void)cpu;
	null_broadcast(apic, vector);
}

static void null_mask(struct apic *apic, const u64 *mask, u32 vector)
{
	(void)mask;
	null_broadcast(apic, vector);
}

const struct callbacks null_callbacks = {
	.send_IPI = null_one,
	.send_IPI_mask = null_mask,
	.send_IPI_mask_allbutself = null_mask,
	.send_IPI_allbutself = null_broadcast,
	.send_IPI_all = null_broadcast,
	.send_IPI_self = null_broadcast,
};
