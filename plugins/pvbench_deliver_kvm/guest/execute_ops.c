/* execute_ops.c: execute an op, or record it. */
#include "apicdef.h"
#include "cpu.h"
#include "ops.h"

#define ICR_ADDRESS (APIC_DEFAULT_PHYS_BASE + APIC_ICR)
#define MAX_ICR_POLLS (1u << 20) /* every loop of the guest is bounded */

/*
 * An instruction that may fault.  @fault becomes the vector of the exception,
 * or 0: the handler finds the instruction in .ex_table and continues at its
 * fixup with the vector in eax.
 */
#define MAY_FAULT(insn)                                     \
	"xorl %[fault], %[fault]\n"                         \
	"1:	" insn "\n"                                 \
	"2:\n"                                              \
	".pushsection .fixup, \"ax\"\n"                     \
	"3:	movl %%eax, %[fault]\n"                     \
	"	jmp 2b\n"                                   \
	".popsection\n"                                     \
	".pushsection .ex_table, \"a\"\n"                   \
	"	.quad 1b, 3b\n"                             \
	".popsection\n"

static void record_op(struct ops *ops, u32 kind, u64 key, const u64 *words,
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

static inline void finish_op(struct ops *ops, u32 fault)
{
	if (fault && !ops->fault_vector) {
		ops->fault_vector = fault;
		ops->fault_op = ops->done;
	}
	ops->done++;
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

/* The callback has just scanned the mask; a program of ops does not. */
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
	ops->icr_writes++;
	__asm__ volatile(MAY_FAULT("wrmsr")
			 : [fault] "=&r"(fault), "+a"(low)
			 : "c"(msr), "d"((u32)(value >> 32))
			 : "memory");
	finish_op(ops, fault);
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

/* Arguments are in rbx, rcx, rdx and rsi; proposals are translated to KVM's. */
static u64 hypercall_kvm(struct ops *ops, u64 nr, const u64 *args, u32 *fault)
{
	u64 min = args[2], icr = args[3], result = nr;

	if (ops->hypercall_abi == HYPERCALL_KVM_V3) {
		min = 0;
		icr = args[2];
	} else if (ops->hypercall_abi == HYPERCALL_KVM_CLUSTER128) {
		min = args[2] >> 8 << 7;
		icr = args[2] & 0xff;
	}
	if (ops->vmmcall)
		__asm__ volatile(MAY_FAULT("vmmcall")
				 : [fault] "=&r"(*fault), "+a"(result)
				 : "b"(args[0]), "c"(args[1]), "d"(min),
				   "S"(icr)
				 : "memory");
	else
		__asm__ volatile(MAY_FAULT("vmcall")
				 : [fault] "=&r"(*fault), "+a"(result)
				 : "b"(args[0]), "c"(args[1]), "d"(min),
				   "S"(icr)
				 : "memory");
	return result;
}

/* The control word is in rcx, arguments in rdx and r8; xmm is not used. */
static u64 hypercall_hyperv(struct ops *ops, u64 control, const u64 *args,
			    u32 *fault)
{
	register u64 r8 __asm__("r8") = args[1];
	u64 result = 0;

	if (ops->vmmcall)
		__asm__ volatile(MAY_FAULT("vmmcall")
				 : [fault] "=&r"(*fault), "+a"(result)
				 : "c"(control), "d"(args[0]), "r"(r8)
				 : "memory");
	else
		__asm__ volatile(MAY_FAULT("vmcall")
				 : [fault] "=&r"(*fault), "+a"(result)
				 : "c"(control), "d"(args[0]), "r"(r8)
				 : "memory");
	return result;
}

void op_hypercall(struct ops *ops, u64 nr, const u64 *args, u32 count)
{
	u64 four[4] = { 0 };
	u32 fault = 0;

	if (ops->record)
		return record_op(ops, OP_HYPERCALL, nr, args, count);
	for (u32 i = 0; i < count && i < 4; i++)
		four[i] = args[i];
	ops->hypercalls++;
	if (ops->hypercall_abi == HYPERCALL_HYPERV)
		ops->returned += hypercall_hyperv(ops, nr, four, &fault);
	else
		ops->returned += hypercall_kvm(ops, nr, four, &fault);
	finish_op(ops, fault);
}
