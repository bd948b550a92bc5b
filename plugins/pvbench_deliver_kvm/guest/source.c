/* source.c: a CPU that sends bursts: its actions before and between them. */
#include "window.h"

/* Wait until every other target is idle. */
static u32 wait_targets_idle(struct source_run *run)
{
	u64 deadline = 0;

	for (u32 i = 0; i < run->source->ntargets; i++) {
		u32 cpu = run->targets[i];

		if (cpu == run->source->cpu)
			continue;
		for (u32 poll = 1; cpu_of(cpu)->idle != mailbox->idle; poll++) {
			pause();
			if (deadline_passed(poll, &deadline))
				return fail(run, TROUBLE_NOT_IDLE, cpu);
		}
	}
	return 1;
}

static u32 run_iteration(struct source_run *run, struct sample *sample)
{
	if (run->source->local)
		return measure_local_call(run, sample);
	if (run->source->wait_idle && !wait_targets_idle(run))
		return 0;
	return measure_burst(run, sample);
}

static void prepare_run(struct source_run *run, struct cpu *me)
{
	volatile struct source *source =
		(struct source *)mailbox->sources + me->source;

	run->source = source;
	run->targets = (const u32 *)source->targets;
	run->entries = (struct entry *)source->entries;
	memset(run->mask, 0, sizeof(run->mask));
	memset(&run->ops, 0, sizeof(run->ops));
	run->ops.hypercall_abi = mailbox->hypercall_abi;
	run->ops.vmmcall = mailbox->vmmcall;
	run->ops.bits = mailbox->bits;
	run->apic.ops = &run->ops;
	run->apic.ids = (const u32 *)mailbox->apic_ids;
	run->apic.clusters = (const struct clusters *)CLUSTERS_BASE;
	run->apic.cpus = mailbox->cpus;
	run->apic.self = me->number;
	run->apic.x2apic = mailbox->x2apic;
	run->apic.rules = source->rules;
	run->apic.called = source->ntargets;
	install_callbacks(&run->apic, source->driver, source->overlay);
}

/* All sources start together. */
static u32 wait_all_sources(struct source_run *run)
{
	u64 deadline = 0;

	__atomic_add_fetch(&mailbox->arrived, 1, __ATOMIC_SEQ_CST);
	for (u32 poll = 1; mailbox->arrived < mailbox->nsources; poll++) {
		pause();
		if (deadline_passed(poll, &deadline))
			return fail(run, TROUBLE_ALONE, mailbox->arrived);
	}
	return 1;
}

static void run_source(struct source_run *run)
{
	volatile struct source *source = run->source;
	struct sample *samples = (struct sample *)source->samples;

	/* Touch the pages now, not while a burst is timed. */
	memset(samples, 0, source->loops * sizeof(*samples));
	if (!wait_all_sources(run))
		return;
	source->start = rdtsc_ordered();
	while (source->done < source->loops &&
	       run_iteration(run, &samples[source->done]))
		source->done++;
	source->end = rdtsc_ordered();
	source->icr_writes = run->ops.icr_writes;
	source->hypercalls = run->ops.hypercalls;
	source->returned = run->ops.returned;
}

/* Record the ops of the algorithm instead of executing them. */
static void record_source(struct source_run *run)
{
	volatile struct source *source = run->source;

	run->ops.record = (u64 *)source->program;
	run->ops.record_end = (u64 *)source->program_end;
	memcpy(run->mask, (const void *)source->mask,
	       8 * mask_words(mailbox->cpus));
	execute_algorithm(run);
	*run->ops.record = OP_END;
	if (run->ops.record_full)
		fail(run, TROUBLE_RECORD_FULL, 0);
}

void run_command(struct cpu *me)
{
	struct source_run run;

	prepare_run(&run, me);
	if (me->command == COMMAND_RECORD)
		record_source(&run);
	else
		run_source(&run);
	me->command = COMMAND_NONE;
	outb(0, PORT_DONE);
}
