/*
 * csd.h: requests for a function call, from the source and from the target.
 *
 * As kernel/smp.c and lib/llist.c do it.  Without call queues, a handler looks
 * at the entries of every source instead.
 */
#ifndef PVBENCH_CSD_H
#define PVBENCH_CSD_H

#include "cpumask.h"
#include "wait.h"

/* Without call queues, the next interrupt of a target finds the request. */
static inline void request_csds(struct source_run *run, u64 generation)
{
	for (u32 i = 0; i < run->source->ntargets; i++)
		__atomic_store_n(&run->entries[run->targets[i]].generation,
				 generation, __ATOMIC_RELEASE);
}

/* As csd_lock() waits: until the target has run the earlier request. */
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

/* True if the queue was empty, so that the target needs an interrupt. */
static inline u32 llist_add(struct entry *entry, volatile u64 *list)
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

/* Queue a request for each target; the mask gets those to interrupt. */
static inline u32 queue_csds(struct source_run *run, u64 generation)
{
	u32 words = mask_words(mailbox->cpus);

	for (u32 i = 0; i < words; i++)
		run->mask[i] = 0;
	for (u32 i = 0; i < run->source->ntargets; i++) {
		u32 cpu = run->targets[i];

		if (!wait_csd_unlocked(run, cpu))
			return 0;
		run->entries[cpu].generation = generation;
		if (llist_add(&run->entries[cpu], &cpu_of(cpu)->call_queue))
			run->mask[cpu / 64] |= 1ull << cpu % 64;
	}
	return 1;
}

/* The queue has the newest entry first; functions run oldest first. */
static inline void flush_smp_call_function_queue(struct cpu *me, u64 entered)
{
	u64 newest = xchg(&me->call_queue, 0), oldest = 0, next;

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

/* Run the requests that any source has made to this CPU. */
static inline void run_requested_csds(struct cpu *me, u64 entered)
{
	const struct source *sources = (void *)mailbox->sources;

	for (u32 i = 0; i < mailbox->nsources; i++) {
		struct entry *entry =
			(struct entry *)sources[i].entries + me->number;
		u64 generation =
			__atomic_load_n(&entry->generation, __ATOMIC_ACQUIRE);

		if (generation != entry->acked) {
			me->functions++;
			run_csd(entry, entered);
		}
	}
}

#endif
