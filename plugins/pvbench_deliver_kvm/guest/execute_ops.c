/* execute_ops.c: execute an op, or record it; hypercalls are in hypercall.c. */
#include "apicdef.h"
#include "may_fault.h"

#define ICR_ADDRESS (APIC_DEFAULT_PHYS_BASE + APIC_ICR)
#define MAX_ICR_POLLS (1u << 20) /* every loop of the guest is bounded */

void record_op(struct ops *ops, u32 kind, u64 key, const u64 *words,
		      u32 count)
{
	if (ops->record + 2 + count >= ops->record_end) {
		ops->record_full = 1;
		return;
	}
	*ops->record++ = kind | (u64)count << 8;
	*ops->record++ = key;
	for (u32 i = 0; i < count; i++)
		*ops->record++ = words[i];
}

void op_irq_save(struct ops *ops)
{
	if (ops->record)
		return record_op(ops, OP_IRQ_SAVE, 0, 0, 0);
	ops->done++;
	if (ops->depth++ == 0) {
		cli();
		if (!ops->irqs_off)
			ops->irqs_off = rdtsc();
	}
}

void op_irq_restore(struct ops *ops)
{
	if (ops->record)
		return record_op(ops, OP_IRQ_RESTORE, 0, 0, 0);
	ops->done++;
	if (--ops->depth == 0) {
		ops->irqs_on = rdtsc();
		sti();
	}
}

void op_fence(struct ops *ops)
{
	if (ops->record)
		return record_op(ops, OP_FENCE, 0, 0, 0);
	ops->done++;
	__asm__ volatile("mfence; lfence" : : : "memory");
}

/* An algorithm has already scanned the mask; a program of ops scans nothing. */
void op_scan(struct ops *ops, u32 cpus)
{
	if (ops->record)
		return record_op(ops, OP_SCAN, cpus, 0, 0);
	ops->done++;
}

void op_wrmsr(struct ops *ops, u32 msr, u64 value)
{
	u32 fault, low = value;

	if (ops->record)
		return record_op(ops, OP_WRMSR, msr, &value, 1);
	ops->icr_writes += msr == X2APIC_MSR(APIC_ICR) ||
			   msr == X2APIC_MSR(APIC_SELF_IPI);
	__asm__ volatile(MAY_FAULT("wrmsr")
			 : [fault] "=&r"(fault), "+a"(low)
			 : "c"(msr), "d"((u32)(value >> 32))
			 : "memory");
	finish_op(ops, fault);
}

void op_rdmsr(struct ops *ops, u32 msr)
{
	u32 fault, low, high;

	if (ops->record)
		return record_op(ops, OP_RDMSR, msr, 0, 0);
	__asm__ volatile(MAY_FAULT("rdmsr")
			 : [fault] "=&r"(fault), "=&a"(low), "=&d"(high)
			 : "c"(msr)
			 : "memory");
	finish_op(ops, fault);
}

void op_cpuid(struct ops *ops, u32 leaf, u32 subleaf)
{
	u64 word = subleaf;
	u32 ebx, edx;

	if (ops->record)
		return record_op(ops, OP_CPUID, leaf, &word, 1);
	__asm__ volatile("cpuid"
			 : "+a"(leaf), "=b"(ebx), "+c"(subleaf), "=d"(edx)
			 :
			 : "memory");
	finish_op(ops, 0);
}

void op_mmio_write(struct ops *ops, u64 address, u32 value)
{
	u64 word = value;
	u32 fault;

	if (ops->record)
		return record_op(ops, OP_MMIO_WRITE, address, &word, 1);
	ops->icr_writes += address == ICR_ADDRESS;
	__asm__ volatile(MAY_FAULT("movl %[value], (%[address])")
			 : [fault] "=&r"(fault)
			 : [value] "r"(value), [address] "r"(address)
			 : "memory", "rax");
	finish_op(ops, fault);
}

static u32 store_word(u64 address, u64 word)
{
	u32 fault;

	__asm__ volatile(MAY_FAULT("movq %[word], (%[address])")
			 : [fault] "=&r"(fault)
			 : [word] "r"(word), [address] "r"(address)
			 : "memory", "rax");
	return fault;
}

void op_write_mem(struct ops *ops, u64 address, const u64 *words, u32 count)
{
	u32 fault = 0;

	if (ops->record)
		return record_op(ops, OP_WRITE_MEM, address, words, count);
	for (u32 i = 0; i < count && !fault; i++)
		fault = store_word(address + 8 * i, words[i]);
	finish_op(ops, fault);
}

void op_wait_icr_idle(struct ops *ops, u32 limit)
{
	u32 polls = limit ? limit : MAX_ICR_POLLS;

	if (ops->record)
		return record_op(ops, OP_WAIT_ICR_IDLE, limit, 0, 0);
	while (read_mmio(ICR_ADDRESS) & APIC_ICR_BUSY && --polls)
		pause();
	ops->done++;
}
