/* null.c: a driver that sends nothing, for the cost of the loop itself. */
#include "local.h"

static void null_send_IPI_broadcast(struct apic *apic, u32 vector)
{
	(void)vector;
	op_irq_save(apic->ops);
	op_irq_restore(apic->ops);
}

static void null_send_IPI(struct apic *apic, u32 cpu, u32 vector)
{
	(void)cpu;
	null_send_IPI_broadcast(apic, vector);
}

static void null_send_IPI_mask(struct apic *apic, const u64 *mask, u32 vector)
{
	(void)mask;
	null_send_IPI_broadcast(apic, vector);
}

const struct callbacks null_callbacks = {
	.send_IPI = null_send_IPI,
	.send_IPI_mask = null_send_IPI_mask,
	.send_IPI_mask_allbutself = null_send_IPI_mask,
	.send_IPI_allbutself = null_send_IPI_broadcast,
	.send_IPI_all = null_send_IPI_broadcast,
	.send_IPI_self = null_send_IPI_broadcast,
};
