/* wait.h: the state of a running source, and waits that end with an error. */
#ifndef PVBENCH_WAIT_H
#define PVBENCH_WAIT_H

#include "guest.h"
#include "send.h"

#define POLLS_PER_CLOCK_READ 4096

/* The state of a source while it runs; the rest is in struct source. */
struct source_run {
	volatile struct source *source;
	const u32 *targets;
	struct entry *entries;
	struct ops ops;
	struct apic apic;
	u64 mask[MASK_WORDS]; /* CPUs that the burst interrupts */
};

/* Store why the source stops; return 0, which ends it. */
static inline u32 fail(struct source_run *run, u32 trouble, u32 where)
{
	run->source->trouble = trouble;
	run->source->where = where;
	return 0;
}

/*
 * Short waits do not read the clock: @deadline is 0 at first and is set after
 * POLLS_PER_CLOCK_READ polls.
 */
static inline u32 deadline_passed(u32 poll, u64 *deadline)
{
	if (poll % POLLS_PER_CLOCK_READ)
		return 0;
	if (!*deadline)
		*deadline = rdtsc() + mailbox->limit_ticks;
	return rdtsc() > *deadline;
}

#endif
