/*
 * ipi.c: shorthands, and the xAPIC sequence of physical destinations.
 *
 * As arch/x86/kernel/apic/ipi.c, with the x2APIC shorthands of x2apic_phys.c.
 */
#include "local.h"

void send_mask_except_self(struct apic *apic, const u64 *mask, u32 vector,
			   send_mask_fn *send)
{
	u64 others[MASK_WORDS];

	copy_mask_except(others, mask, apic->cpus, apic->self);
	send(apic, others, vector);
}

static void send_IPI_shorthand(struct apic *apic, u32 shorthand, u32 vector)
{
	if (!apic->x2apic) {
		wait_icr_idle(apic, vector);
		native_apic_mem_write(apic, APIC_ICR,
				      __prepare_ICR(shorthand, vector, 0));
	} else if (shorthand == APIC_DEST_SELF && vector != NMI_VECTOR) {
		op_wrmsr(apic->ops, X2APIC_MSR(APIC_SELF_IPI), vector);
	} else {
		x2apic_fence(apic);
		op_wrmsr(apic->ops, X2APIC_MSR(APIC_ICR),
			 __prepare_ICR(shorthand, vector, 0));
	}
}

static void shorthand_send_IPI_allbutself(struct apic *apic, u32 vector)
{
	send_IPI_shorthand(apic, APIC_DEST_ALLBUT, vector);
}

static void shorthand_send_IPI_all(struct apic *apic, u32 vector)
{
	send_IPI_shorthand(apic, APIC_DEST_ALLINC, vector);
}

void shorthand_send_IPI_self(struct apic *apic, u32 vector)
{
	send_IPI_shorthand(apic, APIC_DEST_SELF, vector);
}

static int uses_shorthands(const struct apic *apic)
{
	return apic->rules & RULE_SHORTHANDS && apic->cpus > 1;
}

/* Without shorthands, a broadcast is a mask, which an overlay may send. */
void native_send_IPI_allbutself(struct apic *apic, u32 vector)
{
	if (uses_shorthands(apic))
		shorthand_send_IPI_allbutself(apic, vector);
	else
		__send_all_except(apic, NO_CPU, vector,
				  apic->call.send_IPI_mask_allbutself);
}

void native_send_IPI_all(struct apic *apic, u32 vector)
{
	if (uses_shorthands(apic))
		shorthand_send_IPI_all(apic, vector);
	else
		__send_all_except(apic, NO_CPU, vector,
				  apic->call.send_IPI_mask);
}

void default_send_IPI_single_phys(struct apic *apic, u32 cpu, u32 vector)
{
	op_irq_save(apic->ops);
	__default_send_IPI_dest_field(apic, apic->ids[cpu], vector,
				      APIC_DEST_PHYSICAL);
	op_irq_restore(apic->ops);
}

void default_send_IPI_mask_sequence_phys(struct apic *apic, const u64 *mask,
					 u32 vector)
{
	u32 cpu;

	op_irq_save(apic->ops);
	op_scan_mask(apic, mask);
	for_each_cpu(cpu, mask, apic->cpus)
		__default_send_IPI_dest_field(apic, apic->ids[cpu], vector,
					      APIC_DEST_PHYSICAL);
	op_irq_restore(apic->ops);
}

void default_send_IPI_mask_allbutself_phys(struct apic *apic, const u64 *mask,
					   u32 vector)
{
	send_mask_except_self(apic, mask, vector,
			      default_send_IPI_mask_sequence_phys);
}

const struct callbacks shorthand_callbacks = {
	.send_IPI_allbutself = shorthand_send_IPI_allbutself,
	.send_IPI_all = shorthand_send_IPI_all,
	.send_IPI_self = shorthand_send_IPI_self,
};
