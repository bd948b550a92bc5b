/*
 * window.h: the measured window.
 *
 * No change of this file or of a function it calls may change an instruction of
 * the window without a new PVBENCH_GUEST_ABI; benchmarks/guest_window.py compares the
 * instructions with those of an earlier revision.
 *
 * measure_burst() reads the time stamp counter five times:
 *
 *   begin	starts `wall`
 *   start	starts `send`, `deliver` and `ack`
 *   sent	ends `send`
 *   end	ends `ack`
 *   (last)	ends `wall`
 *
 * Inside `send`: with call queues, waiting for and queueing an entry for each
 * target; then the algorithm from a cpumask to ops, or the program of ops; each
 * op is counted as it is executed.  Without call queues, the requests are
 * written before `start`.
 *
 * `deliver` ends when the last handler reads the time stamp counter, which is
 * its first action; the handler stores that time in the entry.  Inside are
 * `send` up to the last target's interrupt and the entry of the vector in
 * start.S.
 *
 * Inside `ack`: `send`, the check that no op raised an exception, and polling
 * the entries until every target has run the function.
 *
 * `irqoff` is not between these stamps: op_irq_save() and op_irq_restore() read
 * the counter when interrupts are first disabled and last enabled, without
 * fences.
 *
 * Only in `wall`: writing requests without call queues, and storing the sample.
 * Not in any time: waiting until the targets are idle, and the loop over bursts.
 *
 * measure_local_call() is for a CPU that calls itself.  It has no IPI: `deliver`
 * is the cost of one time stamp, and `wall` is that and running the function.
 */
#ifndef PVBENCH_WINDOW_H
#define PVBENCH_WINDOW_H

#include "csd.h"

/* Execute the ops of a program; a scan has no instruction. */
static void execute_program(struct ops *ops, const u64 *op)
{
	for (; *op & 0xff; op += 2 + (*op >> 8)) {
		switch (*op & 0xff) {
		case OP_IRQ_SAVE:
			op_irq_save(ops);
			break;
		case OP_IRQ_RESTORE:
			op_irq_restore(ops);
			break;
		case OP_FENCE:
			op_fence(ops);
			break;
		case OP_SCAN:
			break;
		case OP_WRMSR:
			op_wrmsr(ops, op[1], op[2]);
			break;
		case OP_MMIO_WRITE:
			op_mmio_write(ops, op[1], op[2]);
			break;
		case OP_WRITE_MEM:
			op_write_mem(ops, op[1], op + 2, *op >> 8);
			break;
		case OP_WAIT_ICR_IDLE:
			op_wait_icr_idle(ops, op[1]);
			break;
		case OP_CPUID:
			op_cpuid(ops, op[1], op[2]);
			break;
		case OP_RDMSR:
			op_rdmsr(ops, op[1]);
			break;
		case OP_HYPERCALL:
			op_hypercall(ops, op[1], op + 2, *op >> 8);
			break;
		}
	}
}

/* With call queues, the mask holds the targets whose queue was empty. */
static void execute_algorithm(struct source_run *run)
{
	volatile struct source *source = run->source;
	const u64 *mask = source->csd ? run->mask : (const u64 *)source->mask;

	send_burst(&run->apic, source->operation, mask, source->vector,
		   source->single_vector);
}

static void execute_burst(struct source_run *run)
{
	if (run->source->algorithm)
		execute_algorithm(run);
	else
		execute_program(&run->ops, (const u64 *)run->source->program);
}

/* Wait for each target in turn; @entered becomes the latest handler entry. */
static u32 wait_acks(struct source_run *run, u64 *entered)
{
	u64 deadline = 0;

	for (u32 i = 0; i < run->source->ntargets; i++) {
		struct entry *entry = &run->entries[run->targets[i]];

		for (u32 poll = 1;
		     __atomic_load_n(&entry->acked, __ATOMIC_ACQUIRE) !=
		     entry->generation;
		     poll++) {
			pause();
			if (deadline_passed(poll, &deadline))
				return fail(run, TROUBLE_NO_ACK,
					    run->targets[i]);
		}
		if (entry->entered > *entered)
			*entered = entry->entered;
	}
	return 1;
}

/* Store which targets got an interrupt. */
static void log_partial(struct source_run *run, u64 burst)
{
	u32 words = mask_words(mailbox->cpus);
	u64 *log = (u64 *)run->source->partial + burst * words;

	for (u32 i = 0; i < words; i++)
		log[i] = run->mask[i];
}

/* As smp_call_function_single(): a CPU that calls itself sends no IPI. */
static u32 measure_local_call(struct source_run *run, struct sample *sample)
{
	u64 start = rdtsc_ordered(), entered = rdtsc_ordered();

	run_csd(&run->entries[run->source->cpu], entered);
	sample->deliver = entered - start;
	sample->wall = rdtsc_ordered() - start;
	return 1;
}

/* Store the times of a burst; a time that does not exist remains 0. */
static void record_sample(struct source_run *run, struct sample *sample,
			  u64 start, u64 sent, u64 entered, u64 end)
{
	volatile struct source *source = run->source;

	if (run->ops.done)
		sample->send = sent - start;
	if (run->ops.irqs_off)
		sample->irqoff = run->ops.irqs_on - run->ops.irqs_off;
	if (entered > start)
		sample->deliver = entered - start;
	if (source->wait && source->ntargets)
		sample->ack = end - start;
	if (source->partial)
		log_partial(run, source->done);
}

static u32 measure_burst(struct source_run *run, struct sample *sample)
{
	volatile struct source *source = run->source;
	u64 generation = source->done + 1, entered = 0;
	u64 begin, start, sent, end;

	run->ops.irqs_off = run->ops.irqs_on = run->ops.done = 0;
	begin = rdtsc_ordered();
	if (!mailbox->call_queues)
		request_csds(run, generation);

	start = rdtsc_ordered();
	if (mailbox->call_queues && !queue_csds(run, generation))
		return 0;
	execute_burst(run);
	sent = rdtsc_ordered();

	if (run->ops.fault_vector)
		return fail(run, TROUBLE_OP_FAULT,
			    run->ops.fault_vector << 24 | run->ops.fault_op);
	if (source->wait && !wait_acks(run, &entered))
		return 0;
	end = rdtsc_ordered();
	record_sample(run, sample, start, sent, entered, end);
	sample->wall = rdtsc_ordered() - begin;
	return 1;
}

#endif
