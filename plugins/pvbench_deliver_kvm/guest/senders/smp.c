/* smp.c: from a kernel operation to a callback. */
#include "local.h"

/* Whether a call to one CPU is sent as a unicast although it was for several. */
static int is_unicast(const struct apic *apic)
{
	return apic->called <= 1 || apic->rules & RULE_UNICAST_OF_REST;
}

/* As smp_call_function_many_cond() in kernel/smp.c chooses a callback. */
static void send_call_function_ipis(struct apic *apic, const u64 *mask,
				    u32 vector, u32 single_vector)
{
	u32 targets = cpumask_weight(mask, apic->cpus);

	if (targets == 0)
		return;
	if (targets == 1 && is_unicast(apic))
		apic->call.send_call_func_single_ipi(
			apic, find_next_bit(mask, apic->cpus, 0),
			single_vector);
	else if (targets == apic->cpus - 1)
		apic->call.send_IPI_allbutself(apic, vector);
	else
		apic->call.send_IPI_mask(apic, mask, vector);
}

static void send_ipis_to_mask(struct apic *apic, enum operation operation,
			      const u64 *mask, u32 vector)
{
	u32 except =
		operation == SEND_IPI_MASK_ALLBUTSELF ? apic->self : NO_CPU;

	if (!has_cpu_except(mask, apic->cpus, except))
		return;
	if (operation == SEND_IPI)
		apic->call.send_IPI(apic, find_next_bit(mask, apic->cpus, 0),
				    vector);
	else if (operation == SEND_IPI_MASK)
		apic->call.send_IPI_mask(apic, mask, vector);
	else
		apic->call.send_IPI_mask_allbutself(apic, mask, vector);
}

void send_burst(struct apic *apic, enum operation operation, const u64 *mask,
		u32 vector, u32 single_vector)
{
	switch (operation) {
	case SMP_CALL_FUNCTION_SINGLE:
	case SMP_CALL_FUNCTION_MANY:
		send_call_function_ipis(apic, mask, vector, single_vector);
		break;
	case SEND_IPI:
	case SEND_IPI_MASK:
	case SEND_IPI_MASK_ALLBUTSELF:
		send_ipis_to_mask(apic, operation, mask, vector);
		break;
	case SEND_IPI_ALLBUTSELF:
		if (apic->cpus > 1)
			apic->call.send_IPI_allbutself(apic, vector);
		break;
	case SEND_IPI_ALL:
		apic->call.send_IPI_all(apic, vector);
		break;
	case SEND_IPI_SELF:
		apic->call.send_IPI_self(apic, vector);
		break;
	}
}
