/* wait.h: a source at work, which ends when a wait takes too long. */
#ifndef PVBENCH_WAIT_H
#define PVBENCH_WAIT_H

#include "guest.h"
#include "send.h"

#define POLLS_PER_CLOCK_READ 4096 /* polls between two looks at the clock */

/* A source at work. */
struct source_run {
	volatile struct source *source;
	const u32 *targets;
	struct entry *entries;
	struct ops ops;
	struct apic apic;
	u64 mask[MASK_WORDS]; /* whom the burst sends to */
};

static inline u32 fail(struct source_run *run, u32 trouble, u32 where)
{
	run->source->trouble = trouble;
	run->source->where = where;
	return 0;
}

/* Nobody looks at the clock without need: @deadline is 0 until a wait is long. */
static inline u32 deadline_passed(u32 poll, u64 *deadline)
{
	if (poll % POLLS_PER_CLOCK_READ)
		return 0;
	if (!*deadline)
		*deadline = rdtsc() + mailbox->limit_ticks;
	return rdtsc() > *deadline;
}

#endif
