/* xen.c: an event channel per target, as __xen_send_IPI_mask(). */
#include "local.h"

#define __HYPERVISOR_event_channel_op 32
#define EVTCHNOP_send 4
#define XEN_NR_IPIS 6

/* xen_map_vector(), in the order of enum ipi_vector */
static u32 xen_ipi_of_vector(u32 vector)
{
	switch (vector) {
	case 0xfd:
		return 0; /* RESCHEDULE_VECTOR */
	case 0xfc:
		return 1; /* CALL_FUNCTION_VECTOR */
	case 0xfb:
		return 2; /* CALL_FUNCTION_SINGLE_VECTOR */
	default:
		return 4; /* IRQ_WORK_VECTOR; the host refuses others */
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
