/* csd.h: requests of sources to targets, call lists among them. */
#ifndef PVBENCH_CSD_H
#define PVBENCH_CSD_H

#include "wait.h"

/* Without lists a request is seen by whatever interrupt comes next. */
static inline void request_csds(struct source_run *run, u64 generation)
{
	for (u32 i = 0; i < run->source->ntargets; i++)
		__atomic_store_n(&run->entries[run->targets[i]].generation,
				 generation, __ATOMIC_RELEASE);
}

/* csd_lock(): an entry is free once its target has taken it. */
static inline u32 wait_csd_unlocked(struct source_run *run, u32 cpu)
{
	struct entry *entry = &run->entries[cpu];
	u64 deadline = 0;

	for (u32 poll = 1; __atomic_load_n(&entry->acked, __ATOMIC_ACQUIRE) !=
			   entry->generation;
	     poll++) {
		pause();
		if (deadline_passed(poll, &deadline))
			return fail(run, TROUBLE_CSD_BUSY, cpu);
	}
	return 1;
}

/* llist_add(): true if the list was empty, so that an interrupt is due. */
static inline u32 llist_add(volatile u64 *list, struct entry *entry)
{
	u64 first = *list;

	do {
		entry->next = first;
		RACE();
	} while (!__atomic_compare_exchange_n(list, &first, (u64)entry, 0,
					      __ATOMIC_SEQ_CST,
					      __ATOMIC_RELAXED));
	return !first;
}

static inline u32 queue_csds(struct source_run *run, u64 generation)
{
	u32 words = (mailbox->cpus + 63) / 64;

	for (u32 i = 0; i < words; i++)
		run->mask[i] = 0;
	for (u32 i = 0; i < run->source->ntargets; i++) {
		u32 cpu = run->targets[i];

		if (!wait_csd_unlocked(run, cpu))
			return 0;
		run->entries[cpu].generation = generation;
		if (llist_add(&cpu_of(cpu)->call_list, &run->entries[cpu]))
			run->mask[cpu / 64] |= 1ull << cpu % 64;
	}
	return 1;
}

/* Linux's llist: taken whole, newest first, worked off oldest first. */
static inline void flush_smp_call_function_queue(struct cpu *me, u64 entered)
{
	u64 newest = xchg(&me->call_list, 0), oldest = 0, next;

	for (; newest; newest = next) {
		next = ((struct entry *)newest)->next;
		((struct entry *)newest)->next = oldest;
		oldest = newest;
	}
	for (; oldest; oldest = next) {
		next = ((struct entry *)oldest)->next;
		me->functions++;
		run_csd((struct entry *)oldest, entered);
	}
}

static inline void run_requested_csds(struct cpu *me, u64 entered)
{
	const struct source *sources = (void *)mailbox->sources;

	for (u32 i = 0; i < mailbox->nsources; i++) {
		struct entry *entry =
			(struct entry *)sources[i].entries + me->number;
		u64 wanted =
			__atomic_load_n(&entry->generation, __ATOMIC_ACQUIRE);

		if (wanted != entry->acked) {
			me->functions++;
			run_csd(entry, entered);
		}
	}
}

#endif
