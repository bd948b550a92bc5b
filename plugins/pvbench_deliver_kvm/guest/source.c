/* source.c: a CPU that sends bursts and times them. */
#include "guest.h"
#include "send.h"

#define PATIENCE 4096 /* polls between two looks at the clock */

/* A source at work. */
struct run {
	volatile struct source *source;
	const u32 *targets;
	struct entry *entries;
	struct ops ops;
	struct apic apic;
	u64 mask[MASK_WORDS]; /* whom the burst sends to */
};

static u32 give_up(struct run *run, u32 trouble, u32 where)
{
	run->source->trouble = trouble;
	run->source->where = where;
	return 0;
}

/* Nobody looks at the clock without need: @deadline is 0 until a wait is long. */
static inline u32 too_late(u32 poll, u64 *deadline)
{
	if (poll % PATIENCE)
		return 0;
	if (!*deadline)
		*deadline = rdtsc() + box->limit_ticks;
	return rdtsc() > *deadline;
}

/* Have the other CPUs that will be interrupted come to rest? */
static u32 settle(struct run *run)
{
	u64 deadline = 0;

	for (u32 i = 0; i < run->source->ntargets; i++) {
		u32 cpu = run->targets[i];

		if (cpu == run->source->cpu)
			continue;
		for (u32 poll = 1; cpu_of(cpu)->idle != box->idle; poll++) {
			pause();
			if (too_late(poll, &deadline))
				return give_up(run, TROUBLE_NOT_IDLE, cpu);
		}
	}
	return 1;
}

/* Without lists a request is seen by whatever interrupt comes next. */
static void request(struct run *run, u64 generation)
{
	for (u32 i = 0; i < run->source->ntargets; i++)
		__atomic_store_n(&run->entries[run->targets[i]].generation,
				 generation, __ATOMIC_RELEASE);
}

/* csd_lock(): an entry is free once its target has taken it. */
static u32 lock_entry(struct run *run, u32 cpu)
{
	struct entry *entry = &run->entries[cpu];
	u64 deadline = 0;

	for (u32 poll = 1;
	     __atomic_load_n(&entry->acked, __ATOMIC_ACQUIRE) != entry->generation;
	     poll++) {
		pause();
		if (too_late(poll, &deadline))
			return give_up(run, TROUBLE_CSD_BUSY, cpu);
	}
	return 1;
}

/* llist_add(): true if the list was empty, so that an interrupt is due. */
static u32 push(volatile u64 *list, struct entry *entry)
{
	u64 first = *list;

	do {
		entry->next = first;
		RACE();
	} while (!__atomic_compare_exchange_n(list, &first, (u64)entry, 0,
					    __ATOMIC_SEQ_CST, __ATOMIC_RELAXED));
	return !first;
}

static u32 queue(struct run *run, u64 generation)
{
	u32 words = (box->cpus + 63) / 64;

	for (u32 i = 0; i < words; i++)
		run->mask[i] = 0;
	for (u32 i = 0; i < run->source->ntargets; i++) {
		u32 cpu = run->targets[i];

		if (!lock_entry(run, cpu))
			return 0;
		run->entries[cpu].generation = generation;
		if (push(&cpu_of(cpu)->call_list, &run->entries[cpu]))
			run->mask[cpu / 64] |= 1ull << cpu % 64;
	}
	return 1;
}

static void replay(struct ops *ops, const u64 *op)
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
		case OP_HYPERCALL:
			op_hypercall(ops, op[1], op + 2, *op >> 8);
			break;
		}
	}
}

static void call_back(struct run *run)
{
	volatile struct source *source = run->source;
	const u64 *mask = source->csd ? run->mask : (const u64 *)source->mask;

	send_burst(&run->apic, source->operation, mask, source->vector,
		   source->single_vector);
}

static void send(struct run *run)
{
	if (run->source->call)
		call_back(run);
	else
		replay(&run->ops, (const u64 *)run->source->program);
}

/* Polls every target's entry in CPU order; the latest entry of a handler. */
static u32 acknowledged(struct run *run, u64 *entered)
{
	u64 deadline = 0;

	for (u32 i = 0; i < run->source->ntargets; i++) {
		struct entry *entry = &run->entries[run->targets[i]];

		for (u32 poll = 1; __atomic_load_n(&entry->acked, __ATOMIC_ACQUIRE) !=
				   entry->generation; poll++) {
			pause();
			if (too_late(poll, &deadline))
				return give_up(run, TROUBLE_NO_ACK,
					       run->targets[i]);
		}
		if (entry->entered > *entered)
			*entered = entry->entered;
	}
	return 1;
}

static void log_partial(struct run *run, u64 burst)
{
	u32 words = (box->cpus + 63) / 64;
	u64 *log = (u64 *)run->source->partial + burst * words;

	for (u32 i = 0; i < words; i++)
		log[i] = run->mask[i];
}

/* smp_call_function_single() to the caller runs the function in place. */
static u32 call_locally(struct run *run, struct sample *sample)
{
	u64 start = rdtsc_ordered(), entered = rdtsc_ordered();

	work_off(&run->entries[run->source->cpu], entered);
	sample->deliver = entered - start;
	sample->wall = rdtsc_ordered() - start;
	return 1;
}

/* Times of a burst that went well; what does not exist stays 0. */
static void note(struct run *run, struct sample *sample, u64 start, u64 sent,
		 u64 entered, u64 end)
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

static u32 one_burst(struct run *run, struct sample *sample)
{
	volatile struct source *source = run->source;
	u64 generation = source->done + 1, entered = 0;
	u64 begin, start, sent, end;

	run->ops.irqs_off = run->ops.irqs_on = run->ops.done = 0;
	begin = rdtsc_ordered();
	if (!box->lists)
		request(run, generation);

	/* The measured window: no edits without a new PVBENCH_GUEST_ABI. */
	start = rdtsc_ordered();
	if (box->lists && !queue(run, generation))
		return 0;
	send(run);
	sent = rdtsc_ordered();

	if (run->ops.fault_vector)
		return give_up(run, TROUBLE_OP_FAULT,
			       run->ops.fault_vector << 24 | run->ops.fault_op);
	if (source->wait && !acknowledged(run, &entered))
		return 0;
	end = rdtsc_ordered();
	note(run, sample, start, sent, entered, end);
	sample->wall = rdtsc_ordered() - begin;
	return 1;
}

static u32 iterate(struct run *run, struct sample *sample)
{
	if (run->source->local)
		return call_locally(run, sample);
	if (run->source->settle && !settle(run))
		return 0;
	return one_burst(run, sample);
}

static void prepare(struct run *run, struct cpu *me)
{
	volatile struct source *source =
		(struct source *)box->sources + me->source;

	run->source = source;
	run->targets = (const u32 *)source->targets;
	run->entries = (struct entry *)source->entries;
	memset(run->mask, 0, sizeof(run->mask));
	memset(&run->ops, 0, sizeof(run->ops));
	run->ops.hypercall_abi = box->hypercall_abi;
	run->ops.vmmcall = box->vmmcall;
	run->apic.ops = &run->ops;
	run->apic.ids = (const u32 *)box->apic_ids;
	run->apic.clusters = (const struct clusters *)CLUSTERS_BASE;
	run->apic.cpus = box->cpus;
	run->apic.self = me->number;
	run->apic.x2apic = box->x2apic;
	run->apic.shorthands = source->shorthands;
	lay_out(&run->apic, source->driver, source->overlay);
}

/* Sources start together. */
static u32 line_up(struct run *run)
{
	u64 deadline = 0;

	__atomic_add_fetch(&box->arrived, 1, __ATOMIC_SEQ_CST);
	for (u32 poll = 1; box->arrived < box->nsources; poll++) {
		pause();
		if (too_late(poll, &deadline))
			return give_up(run, TROUBLE_ALONE, box->arrived);
	}
	return 1;
}

static void run_source(struct run *run)
{
	volatile struct source *source = run->source;
	struct sample *samples = (struct sample *)source->samples;

	memset(samples, 0, source->loops * sizeof(*samples)); /* touched before */
	if (!line_up(run))
		return;
	source->start = rdtsc_ordered();
	while (source->done < source->loops &&
	       iterate(run, &samples[source->done]))
		source->done++;
	source->end = rdtsc_ordered();
	source->icr_writes = run->ops.icr_writes;
	source->hypercalls = run->ops.hypercalls;
	source->returned = run->ops.returned;
}

static void trace_source(struct run *run)
{
	volatile struct source *source = run->source;

	run->ops.trace = (u64 *)source->program;
	run->ops.trace_end = (u64 *)source->program_end;
	memcpy(run->mask, (const void *)source->mask, (box->cpus + 63) / 64 * 8);
	call_back(run);
	*run->ops.trace = OP_END;
	if (run->ops.trace_full)
		give_up(run, TROUBLE_TRACE_FULL, 0);
}

void obey(struct cpu *me)
{
	struct run run;

	prepare(&run, me);
	if (me->command == COMMAND_TRACE)
		trace_source(&run);
	else
		run_source(&run);
	me->command = COMMAND_NONE;
	outb(0, PORT_DONE);
}
