/* record_ops.c: ops.h for a native build, which only records ops. */
#include <stddef.h>
#include <string.h>

#include "send.h"

void record_op(struct ops *ops, u32 kind, u64 key, const u64 *words, u32 count)
{
	u32 i;

	if (ops->record_end - ops->record < 2 + (ptrdiff_t)count) {
		ops->record_full = 1;
		return;
	}
	*ops->record++ = kind | (u64)count << 8;
	*ops->record++ = key;
	for (i = 0; i < count; i++)
		*ops->record++ = words[i];
}

void op_irq_save(struct ops *ops)
{
	record_op(ops, OP_IRQ_SAVE, 0, NULL, 0);
}

void op_irq_restore(struct ops *ops)
{
	record_op(ops, OP_IRQ_RESTORE, 0, NULL, 0);
}

void op_fence(struct ops *ops)
{
	record_op(ops, OP_FENCE, 0, NULL, 0);
}

void op_scan(struct ops *ops, u32 cpus)
{
	record_op(ops, OP_SCAN, cpus, NULL, 0);
}

void op_wrmsr(struct ops *ops, u32 msr, u64 value)
{
	record_op(ops, OP_WRMSR, msr, &value, 1);
}

void op_mmio_write(struct ops *ops, u64 address, u32 value)
{
	const u64 word = value;

	record_op(ops, OP_MMIO_WRITE, address, &word, 1);
}

void op_write_mem(struct ops *ops, u64 address, const u64 *words, u32 count)
{
	record_op(ops, OP_WRITE_MEM, address, words, count);
}

void op_wait_icr_idle(struct ops *ops, u32 limit)
{
	record_op(ops, OP_WAIT_ICR_IDLE, limit, NULL, 0);
}

void op_hypercall(struct ops *ops, u64 nr, const u64 *args, u32 count)
{
	record_op(ops, OP_HYPERCALL, nr, args, count);
}

void op_cpuid(struct ops *ops, u32 leaf, u32 subleaf)
{
	const u64 word = subleaf;

	record_op(ops, OP_CPUID, leaf, &word, 1);
}

void op_rdmsr(struct ops *ops, u32 msr)
{
	record_op(ops, OP_RDMSR, msr, NULL, 0);
}

struct request {
	u32 driver;
	u32 overlay;
	u32 operation;
	u32 vector;
	u32 single_vector;
	u32 cpus;
	u32 self;
	u32 x2apic;
	u32 rules;
	u32 called;
};

/* Words written to @record; -1 if it is too small. */
long record_burst(const struct request *request, const u64 *mask,
		  const u32 *ids, u64 *record, u64 *record_end)
{
	struct ops ops = { .record = record, .record_end = record_end };
	static struct clusters clusters[CLUSTER_WIDTHS];
	struct apic apic = {
		.ops = &ops,
		.ids = ids,
		.clusters = clusters,
		.cpus = request->cpus,
		.self = request->self,
		.x2apic = request->x2apic,
		.rules = request->rules,
		.called = request->called,
	};

	memset(clusters, 0, sizeof(clusters));
	map_clusters(clusters, ids, request->cpus);
	install_callbacks(&apic, request->driver, request->overlay);
	send_burst(&apic, request->operation, mask, request->vector,
		   request->single_vector);
	return ops.record_full ? -1 : ops.record - record;
}
