/* send.h: interface of the senders: from a cpumask to ops. */
#ifndef PVBENCH_SEND_H
#define PVBENCH_SEND_H

#include "ops.h"

struct apic;

typedef void send_mask_fn(struct apic *apic, const u64 *mask, u32 vector);

/* Callbacks of struct apic in Linux; those of an overlay replace a driver's. */
struct callbacks {
	void (*send_IPI)(struct apic *apic, u32 cpu, u32 vector);
	void (*send_IPI_mask)(struct apic *apic, const u64 *mask, u32 vector);
	void (*send_IPI_mask_allbutself)(struct apic *apic, const u64 *mask,
					 u32 vector);
	void (*send_IPI_allbutself)(struct apic *apic, u32 vector);
	void (*send_IPI_all)(struct apic *apic, u32 vector);
	void (*send_IPI_self)(struct apic *apic, u32 vector);
	/* Of struct smp_ops in Linux; no driver has its own. */
	void (*send_call_func_single_ipi)(struct apic *apic, u32 cpu,
					  u32 vector);
};

/* APIC IDs in a cluster: 16 of x2APIC, others of proposed hypercalls. */
enum cluster_width {
	CLUSTERS_16,
	CLUSTERS_128,
	CLUSTERS_192,
	CLUSTER_WIDTHS,
};

#define MASK_WORDS (MAX_CPUS / 64)

/* CPUs that share a cluster; computed at boot, as Linux does. */
struct clusters {
	u32 count; /* clusters that have a CPU */
	u32 cluster_of[MAX_CPUS]; /* by CPU: index into the next two */
	u32 number[MAX_CPUS]; /* APIC ID / width */
	u64 members[MAX_CPUS][MASK_WORDS];
};

struct apic {
	struct callbacks call;
	struct ops *ops;
	const u32 *ids; /* APIC ID of each CPU */
	const struct clusters *clusters; /* of each enum cluster_width */
	u32 cpus;
	u32 self;
	u32 x2apic;
	u32 rules; /* RULE_*, or-ed */
	u32 called; /* CPUs that a function call is for */
};

void map_clusters(struct clusters *clusters, const u32 *ids, u32 cpus);
void install_callbacks(struct apic *apic, enum driver driver,
		       enum overlay overlay);
void send_burst(struct apic *apic, enum operation operation, const u64 *mask,
		u32 vector, u32 single_vector);

#endif
