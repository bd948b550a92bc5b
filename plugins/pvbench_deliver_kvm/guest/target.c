/* target.c: interrupts and exceptions of a CPU. */
#include "csd.h"

#define EXCEPTIONS 32
#define FIRST_LEGAL_VECTOR 16 /* of an interrupt */

/* Registers in the order in which start.S pushes them. */
struct frame {
	u64 r15, r14, r13, r12, r11, r10, r9, r8, rdi, rsi, rbp, rbx, rdx, rcx;
	u64 rax, vector, error, rip, cs, rflags, rsp, ss;
};

struct fixup {
	u64 fault;
	u64 resume;
};

extern const struct fixup ex_table_start[], ex_table_end[];

static int take_lock(void)
{
	u64 deadline = rdtsc() + mailbox->limit_ticks;

	while (__atomic_exchange_n(&mailbox->lock, 1, __ATOMIC_ACQUIRE)) {
		if (rdtsc() > deadline)
			return 0;
		pause();
	}
	__atomic_store_n(&mailbox->lock, 0, __ATOMIC_RELEASE);
	return 1;
}

/*
 * The function that is called takes the lock if the host asks for it.  If it
 * does not get the lock, it does not end, so there is no acknowledgement.
 */
void run_csd(struct entry *entry, u64 entered)
{
	if (mailbox->take_lock && !take_lock())
		return;
	entry->entered = entered;
	__atomic_store_n(&entry->acked, entry->generation, __ATOMIC_RELEASE);
}

static void report_fault(struct cpu *me, const struct frame *frame)
{
	me->fault_vector = frame->vector;
	me->fault_error = frame->error;
	me->fault_rip = frame->rip;
	__asm__ volatile("movq %%cr2, %0" : "=r"(me->fault_cr2));
	outb(frame->vector, PORT_FAULT);
	for (;;)
		__asm__ volatile("cli; hlt");
}

/* An op that faults continues in its fixup, with the vector in eax. */
static void handle_exception(struct cpu *me, struct frame *frame)
{
	const struct fixup *entry;

	for (entry = ex_table_start; entry < ex_table_end; entry++) {
		if (entry->fault == frame->rip) {
			frame->rip = entry->resume;
			frame->rax = frame->vector;
			return;
		}
	}
	report_fault(me, frame);
}

/*
 * An interrupt may have the vector of an exception, and is in service then.  The
 * entries of vectors with an error code cannot be used so: start.S expects it.
 */
static int is_exception(const struct frame *frame)
{
	if (frame->vector >= EXCEPTIONS || frame->vector == NMI_VECTOR)
		return 0;
	return frame->vector < FIRST_LEGAL_VECTOR ||
	       !(read_apic(mailbox, APIC_ISR) >> frame->vector & 1);
}

/*
 * No CPU takes an interrupt while interrupts are off.  QEMU's emulation of AMD-V
 * does, when it delivers an injected interrupt a second time.
 */
static int is_impossible(const struct frame *frame)
{
	return frame->vector >= EXCEPTIONS && !(frame->rflags & X86_EFLAGS_IF);
}

void handle(struct frame *frame)
{
	u64 entered = rdtsc_ordered();
	struct cpu *me = this_cpu();

	if (is_exception(frame))
		return handle_exception(me, frame);
	if (is_impossible(frame)) {
		/* The local APIC has no such interrupt in service. */
		me->impossible++;
		return;
	}
	me->idle = BUSY;
	if (frame->rip - (u64)halt_begin < (u64)(halt_end - halt_begin))
		frame->rip = (u64)halt_end;
	if (frame->vector != NMI_VECTOR)
		write_apic(mailbox, APIC_EOI, 0);
	/* Before the acknowledgement, after which the host reads it. */
	me->runs[frame->vector]++;
	if (frame->vector == mailbox->start_vector)
		return;
	if (mailbox->call_queues)
		flush_smp_call_function_queue(me, entered);
	else
		run_requested_csds(me, entered);
}
