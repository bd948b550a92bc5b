/* send.c: Linux's dispatch, the native drivers and their shorthands. */
#include "senders.h"

#define APIC_DEFAULT_PHYS_BASE 0xfee00000
#define APIC_ICR 0x300
#define APIC_DEST_SELF 0x40000
#define APIC_DEST_ALLINC 0x80000
#define APIC_DEST_ALLBUT 0xc0000
#define APIC_ICR2 0x310
#define APIC_SELF_IPI 0x3f0
#define APIC_BASE_MSR 0x800
#define X2APIC_MSR(reg) (APIC_BASE_MSR + ((reg) >> 4))

#define NMI_ICR_POLLS 1000 /* a crash path must not hang */

/* arch/x86/kernel/apic/ipi.c */

static void wait_icr_idle(struct apic *apic, u32 vector)
{
	op_wait_icr_idle(apic->ops, vector == NMI_VECTOR ? NMI_ICR_POLLS : 0);
}

static void write_icr(struct apic *apic, u32 icr)
{
	op_mmio_write(apic->ops, APIC_DEFAULT_PHYS_BASE + APIC_ICR, icr);
}

static void xapic_send(struct apic *apic, u32 dest, u32 vector, u32 mode)
{
	wait_icr_idle(apic, vector);
	op_mmio_write(apic->ops, APIC_DEFAULT_PHYS_BASE + APIC_ICR2,
		      dest << 24);
	write_icr(apic, icr_low(vector, mode));
}

static void x2apic_send(struct apic *apic, u32 dest, u32 vector, u32 fields)
{
	op_wrmsr(apic->ops, X2APIC_MSR(APIC_ICR),
		 (u64)dest << 32 | icr_low(vector, fields));
}

static void send_shorthand(struct apic *apic, u32 shorthand, u32 vector)
{
	if (!apic->x2apic) {
		wait_icr_idle(apic, vector);
		write_icr(apic, icr_low(vector, shorthand));
	} else if (shorthand == APIC_DEST_SELF && vector != NMI_VECTOR) {
		op_wrmsr(apic->ops, X2APIC_MSR(APIC_SELF_IPI), vector);
	} else {
		op_fence(apic->ops);
		x2apic_send(apic, 0, vector, shorthand);
	}
}

static void shorthand_allbutself(struct apic *apic, u32 vector)
{
	send_shorthand(apic, APIC_DEST_ALLBUT, vector);
}

static void shorthand_all(struct apic *apic, u32 vector)
{
	send_shorthand(apic, APIC_DEST_ALLINC, vector);
}

static void shorthand_self(struct apic *apic, u32 vector)
{
	send_shorthand(apic, APIC_DEST_SELF, vector);
}

/* By shorthand where the kernel uses it, else as a mask, through the stack. */
static void native_allbutself(struct apic *apic, u32 vector)
{
	if (apic->shorthands)
		shorthand_allbutself(apic, vector);
	else
		send_all_but(apic, NOBODY, vector,
			     apic->call.send_IPI_mask_allbutself);
}

static void native_all(struct apic *apic, u32 vector)
{
	if (apic->shorthands)
		shorthand_all(apic, vector);
	else
		send_all_but(apic, NOBODY, vector, apic->call.send_IPI_mask);
}

/* arch/x86/kernel/apic/apic_flat_64.c; up to 8 CPUs, so masks have one word */

static void flat_one(struct apic *apic, u32 cpu, u32 vector)
{
	u64 mask = 1ull << cpu;

	apic->call.send_IPI_mask(apic, &mask, vector);
}

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
	send_others(apic, mask, vector, flat_mask);
}

/* default_send_IPI_mask_sequence_phys() */

static void xapic_physical_one(struct apic *apic, u32 cpu, u32 vector)
{
	op_irq_save(apic->ops);
	xapic_send(apic, apic->ids[cpu], vector, 0);
	op_irq_restore(apic->ops);
}

static void xapic_physical_mask(struct apic *apic, const u64 *mask, u32 vector)
{
	u32 cpu;

	op_irq_save(apic->ops);
	op_scan_mask(apic, mask);
	for_each_cpu(cpu, mask, apic->cpus)
		xapic_send(apic, apic->ids[cpu], vector, 0);
	op_irq_restore(apic->ops);
}

static void xapic_physical_others(struct apic *apic, const u64 *mask,
				  u32 vector)
{
	send_others(apic, mask, vector, xapic_physical_mask);
}

/* arch/x86/kernel/apic/x2apic_phys.c */

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
	send_others(apic, mask, vector, x2apic_physical_mask);
}

/* arch/x86/kernel/apic/x2apic_cluster.c */

static void x2apic_cluster_one(struct apic *apic, u32 cpu, u32 vector)
{
	u32 id = apic->ids[cpu];

	op_fence(apic->ops);
	x2apic_send(apic, id >> 4 << 16 | 1u << id % 16, vector,
		    APIC_DEST_LOGICAL);
}

static void send_clusters(struct apic *apic, const u64 *mask, u32 but,
			  u32 vector)
{
	const struct clusters *clusters = &apic->clusters[CLUSTERS_16];
	u64 left[MASK_WORDS], logical;
	u32 cpu, cluster;

	op_fence(apic->ops);
	op_irq_save(apic->ops);
	copy_but(left, mask, apic->cpus, but);
	op_scan_mask(apic, left);
	for_each_cpu(cpu, left, apic->cpus) {
		cluster = clusters->cluster_of[cpu];
		logical = 0;
		take_cluster(apic, left, clusters->members[cluster], 16, &logical);
		x2apic_send(apic, clusters->number[cluster] << 16 | logical,
			    vector, APIC_DEST_LOGICAL);
	}
	op_irq_restore(apic->ops);
}

static void x2apic_cluster_mask(struct apic *apic, const u64 *mask, u32 vector)
{
	send_clusters(apic, mask, NOBODY, vector);
}

static void x2apic_cluster_others(struct apic *apic, const u64 *mask,
				  u32 vector)
{
	send_clusters(apic, mask, apic->self, vector);
}

/* DRIVER_NULL: what a call costs that sends nothing */

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

#define NATIVE(name)                                                           \
	{                                                                      \
		name##_one, name##_mask, name##_others,                        \
		native_allbutself, native_all, shorthand_self                  \
	}

static const struct callbacks drivers[] = {
	[DRIVER_NULL] = { null_one, null_mask, null_mask, null_broadcast,
			  null_broadcast, null_broadcast },
	[XAPIC_FLAT] = NATIVE(flat),
	[XAPIC_PHYSICAL] = NATIVE(xapic_physical),
	[X2APIC_PHYSICAL] = NATIVE(x2apic_physical),
	[X2APIC_CLUSTER] = NATIVE(x2apic_cluster),
};

static const struct callbacks shorthand = {
	.send_IPI_allbutself = shorthand_allbutself,
	.send_IPI_all = shorthand_all,
	.send_IPI_self = shorthand_self,
};

static const struct callbacks nothing;

static const struct callbacks *const overlays[] = {
	[OVERLAY_NONE] = &nothing,
	[SHORTHAND] = &shorthand,
	[KVM_PV] = &kvm_pv_callbacks,
	[KVM_PV_4_19] = &kvm_pv_4_19_callbacks,
	[KVM_PV128_V3] = &kvm_pv128_v3_callbacks,
	[KVM_PV_CLUSTER128] = &kvm_pv_cluster128_callbacks,
	[KVM_PV_CLUSTER192] = &kvm_pv_cluster192_callbacks,
	[HYPERV_IPI] = &hyperv_ipi_callbacks,
	[XEN_EVTCHN] = &xen_evtchn_callbacks,
};

#define LAY_OVER(call, over, name)                                             \
	do {                                                                   \
		if ((over)->name)                                              \
			(call)->name = (over)->name;                           \
	} while (0)

void lay_out(struct apic *apic, enum driver driver, enum overlay overlay)
{
	const struct callbacks *over = overlays[overlay];

	apic->call = drivers[driver];
	LAY_OVER(&apic->call, over, send_IPI);
	LAY_OVER(&apic->call, over, send_IPI_mask);
	LAY_OVER(&apic->call, over, send_IPI_mask_allbutself);
	LAY_OVER(&apic->call, over, send_IPI_allbutself);
	LAY_OVER(&apic->call, over, send_IPI_all);
	LAY_OVER(&apic->call, over, send_IPI_self);
}

/* kernel/smp.c, smp_call_function_many_cond() */
static void call_function(struct apic *apic, const u64 *mask, u32 vector,
			  u32 single_vector)
{
	u32 targets = weigh(mask, apic->cpus);

	if (targets == 0)
		return;
	if (targets == 1)
		apic->call.send_IPI(apic, next_cpu(mask, apic->cpus, 0),
				    single_vector);
	else if (targets == apic->cpus - 1)
		apic->call.send_IPI_allbutself(apic, vector);
	else
		apic->call.send_IPI_mask(apic, mask, vector);
}

static void send_mask(struct apic *apic, enum operation operation,
		      const u64 *mask, u32 vector)
{
	u32 but = operation == SEND_IPI_MASK_ALLBUTSELF ? apic->self : NOBODY;

	if (!any_but(mask, apic->cpus, but))
		return;
	if (operation == SEND_IPI)
		apic->call.send_IPI(apic, next_cpu(mask, apic->cpus, 0),
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
		call_function(apic, mask, vector, single_vector);
		break;
	case SEND_IPI:
	case SEND_IPI_MASK:
	case SEND_IPI_MASK_ALLBUTSELF:
		send_mask(apic, operation, mask, vector);
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
