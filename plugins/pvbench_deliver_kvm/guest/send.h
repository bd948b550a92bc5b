/* send.h: the senders as guest code, from a cpumask to ops. */
#ifndef PVBENCH_SEND_H
#define PVBENCH_SEND_H

#include "ops.h"

struct apic;

/* Linux's struct apic: a driver, with an overlay's callbacks laid over it. */
struct callbacks {
	void (*send_IPI)(struct apic *apic, u32 cpu, u32 vector);
	void (*send_IPI_mask)(struct apic *apic, const u64 *mask, u32 vector);
	void (*send_IPI_mask_allbutself)(struct apic *apic, const u64 *mask,
					 u32 vector);
	void (*send_IPI_allbutself)(struct apic *apic, u32 vector);
	void (*send_IPI_all)(struct apic *apic, u32 vector);
	void (*send_IPI_self)(struct apic *apic, u32 vector);
};

struct apic {
	struct callbacks call;
	struct ops *ops;
	const u32 *ids; /* APIC ID of each CPU */
	u32 cpus;
	u32 self;
	u32 x2apic;
	u32 shorthands; /* the kernel sends full broadcasts by shorthand */
};

void lay_out(struct apic *apic, enum driver driver, enum overlay overlay);
void send_burst(struct apic *apic, enum operation operation, const u64 *mask,
		u32 vector, u32 single_vector);

#endif
