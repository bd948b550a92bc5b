/* wait.h: a source at work, which ends when a wait takes too long. */
#ifndef PVBENCH_WAIT_H
#define PVBENCH_WAIT_H

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

static inline u32 give_up(struct run *run, u32 trouble, u32 where)
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

#endif
