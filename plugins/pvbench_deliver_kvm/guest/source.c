/* source.c: a CPU that sends bursts and times them. */
#include "window.h"

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

	memset(samples, 0,
	       source->loops * sizeof(*samples)); /* touched before */
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

static void record_source(struct run *run)
{
	volatile struct source *source = run->source;

	run->ops.record = (u64 *)source->program;
	run->ops.record_end = (u64 *)source->program_end;
	memcpy(run->mask, (const void *)source->mask,
	       (box->cpus + 63) / 64 * 8);
	call_back(run);
	*run->ops.record = OP_END;
	if (run->ops.record_full)
		give_up(run, TROUBLE_RECORD_FULL, 0);
}

void obey(struct cpu *me)
{
	struct run run;

	prepare(&run, me);
	if (me->command == COMMAND_RECORD)
		record_source(&run);
	else
		run_source(&run);
	me->command = COMMAND_NONE;
	outb(0, PORT_DONE);
}
