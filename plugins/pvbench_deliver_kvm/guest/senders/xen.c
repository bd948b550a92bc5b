/* xen.c: an event channel per target, arch/x86/xen/smp.c. */
#include "local.h"

#define __HYPERVISOR_event_channel_op 32
#define EVTCHNOP_send 4

enum ipi_vector {
	XEN_RESCHEDULE_VECTOR,
	XEN_CALL_FUNCTION_VECTOR,
	XEN_CALL_FUNCTION_SINGLE_VECTOR,
	XEN_SPIN_UNLOCK_VECTOR,
	XEN_IRQ_WORK_VECTOR,
	XEN_NMI_VECTOR,
	XEN_NR_IPIS,
};

/* The host refuses a burst with a vector that is not one of these. */
static enum ipi_vector xen_ipi_of_vector(u32 vector)
{
	switch (vector) {
	case RESCHEDULE_VECTOR:
		return XEN_RESCHEDULE_VECTOR;
	case CALL_FUNCTION_VECTOR:
		return XEN_CALL_FUNCTION_VECTOR;
	case CALL_FUNCTION_SINGLE_VECTOR:
		return XEN_CALL_FUNCTION_SINGLE_VECTOR;
	default:
		return XEN_IRQ_WORK_VECTOR;
	}
}

static void send_event(struct apic *apic, u32 cpu, u32 vector)
{
	const u64 port = 1 + cpu * XEN_NR_IPIS + xen_ipi_of_vector(vector);
	const u64 args[] = { EVTCHNOP_send, hypercall_input_page(apic) };

	op_write_mem(apic->ops, args[1], &port, 1);
	op_hypercall(apic->ops, __HYPERVISOR_event_channel_op, args, 2);
}

static void xen_send_IPI_one(struct apic *apic, u32 cpu, u32 vector)
{
	op_scan(apic->ops, 1);
	send_event(apic, cpu, vector);
}

static void xen_send_IPI_mask(struct apic *apic, const u64 *mask, u32 vector)
{
	u32 cpu;

	op_scan_mask(apic, mask);
	for_each_cpu(cpu, mask, apic->cpus)
		send_event(apic, cpu, vector);
}

static void xen_send_IPI_mask_allbutself(struct apic *apic, const u64 *mask,
					 u32 vector)
{
	__send_mask_except_self(apic, mask, vector, xen_send_IPI_mask);
}

static void xen_send_IPI_allbutself(struct apic *apic, u32 vector)
{
	__send_all_except(apic, apic->self, vector, xen_send_IPI_mask);
}

static void xen_send_IPI_all(struct apic *apic, u32 vector)
{
	__send_all_except(apic, NO_CPU, vector, xen_send_IPI_mask);
}

static void xen_send_IPI_self(struct apic *apic, u32 vector)
{
	xen_send_IPI_one(apic, apic->self, vector);
}

const struct callbacks xen_evtchn_callbacks = {
	.send_IPI = xen_send_IPI_one,
	.send_IPI_mask = xen_send_IPI_mask,
	.send_IPI_mask_allbutself = xen_send_IPI_mask_allbutself,
	.send_IPI_allbutself = xen_send_IPI_allbutself,
	.send_IPI_all = xen_send_IPI_all,
	.send_IPI_self = xen_send_IPI_self,
};
