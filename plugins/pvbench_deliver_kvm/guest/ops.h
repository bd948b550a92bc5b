/* ops.h: a function for each op, which executes or records it. */
#ifndef PVBENCH_OPS_H
#define PVBENCH_OPS_H

#include "abi.h"

struct ops {
	u64 *record; /* where the next op is recorded; NULL: ops are executed */
	u64 *record_end;
	u32 record_full;
	u32 depth; /* nested OP_IRQ_SAVE */
	u32 done; /* ops executed of this burst */
	u32 fault_vector; /* of the first op that raised an exception */
	u32 fault_op; /* its number */
	u32 hypercall_abi;
	u32 vmmcall;
	u32 bits; /* width of the registers of a hypercall */
	u64 irqs_off; /* TSC when interrupts were first disabled */
	u64 irqs_on; /* TSC when they were last enabled */
	u64 icr_writes;
	u64 hypercalls;
	u64 returned;
};

/* Append an op to the record. */
void record_op(struct ops *ops, u32 kind, u64 key, const u64 *words, u32 count);

void op_irq_save(struct ops *ops);
void op_irq_restore(struct ops *ops);
void op_fence(struct ops *ops);
void op_scan(struct ops *ops, u32 cpus);
void op_wrmsr(struct ops *ops, u32 msr, u64 value);
void op_mmio_write(struct ops *ops, u64 address, u32 value);
void op_write_mem(struct ops *ops, u64 address, const u64 *words, u32 count);
void op_wait_icr_idle(struct ops *ops, u32 limit);
void op_cpuid(struct ops *ops, u32 leaf, u32 subleaf);
void op_rdmsr(struct ops *ops, u32 msr);
void op_hypercall(struct ops *ops, u64 nr, const u64 *args, u32 count);

#endif
