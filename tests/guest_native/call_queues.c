/* call_queues.c: the guest's call queues in a native build. */
#include <pthread.h>
#include <sched.h>
#include <string.h>

#include "abi.h"

#define CPUS 64
#define SOURCES 4

static _Alignas(64) unsigned char areas[CPUS * CPU_AREA_SIZE];
static struct mailbox mailbox_page;

#undef MAILBOX_BASE
#define MAILBOX_BASE &mailbox_page
#undef CPU_AREA_BASE
#define CPU_AREA_BASE ((u64)areas)
static void race(void);
#define RACE() race()
#include "guest.h"

#include "target.c"
#include "source.c"

/* Symbols of the linker script and of main.c; there are no exceptions here. */
const struct fixup ex_table_start[1], ex_table_end[1];
const char halt_begin[1], halt_end[1];

static struct source_run runs[SOURCES];
static struct source sources[SOURCES];
static struct entry entries[SOURCES][CPUS];
static u32 targets_of[SOURCES][CPUS];
static u64 logs[SOURCES];
static u32 pending[CPUS]; /* interrupts that no handler has taken */
static u32 over;
/* What happens during the next llist_add() to CPU 0: TAKER or a source. */
static int intruder;
static u32 intruder_is_due;

enum { NO_INTRUDER = -1, TAKER = SOURCES };

void start_over(u64 limit_ticks)
{
	memset(areas, 0, sizeof(areas));
	memset(entries, 0, sizeof(entries));
	memset(sources, 0, sizeof(sources));
	memset(runs, 0, sizeof(runs));
	memset(pending, 0, sizeof(pending));
	over = 0;
	intruder = NO_INTRUDER;
	intruder_is_due = 0;
	mailbox_page.lock = mailbox_page.take_lock = 0;
	mailbox_page.cpus = CPUS;
	mailbox_page.limit_ticks = limit_ticks;
	for (u32 i = 0; i < SOURCES; i++) {
		sources[i].partial = (u64)&logs[i];
		runs[i].source = &sources[i];
		runs[i].targets = targets_of[i];
		runs[i].entries = entries[i];
	}
}

/* The mask of targets to interrupt; if there is an error, *trouble names it. */
u64 queue_burst(u32 source, const u32 *targets, u32 count, u64 generation,
		u32 *trouble)
{
	memcpy(targets_of[source], targets, count * sizeof(*targets));
	sources[source].ntargets = count;
	queue_csds(&runs[source], generation);
	log_partial(&runs[source], 0);
	*trouble = sources[source].trouble;
	return logs[source];
}

/* The number of functions that one interrupt runs. */
u64 take(u32 cpu)
{
	struct cpu *me = (struct cpu *)cpu_of(cpu);
	u64 before = me->functions;

	flush_smp_call_function_queue(me, 1);
	return me->functions - before;
}

/* Another CPU holds the lock that every function takes. */
void hold_lock(void)
{
	mailbox_page.lock = mailbox_page.take_lock = 1;
}

/* @who adds to the call queue of CPU 0 or, as TAKER, flushes it, during an addition. */
void intrude(int who)
{
	intruder = who;
}

u32 was_due(void)
{
	return intruder_is_due;
}

static void race(void)
{
	int who = intruder;

	intruder = NO_INTRUDER;
	if (who == TAKER)
		flush_smp_call_function_queue((struct cpu *)cpu_of(0), 1);
	else if (who != NO_INTRUDER)
		intruder_is_due =
			llist_add(&entries[who][0], &cpu_of(0)->call_queue);
}

struct job {
	u32 number;
	u32 targets;
	u32 loops;
	u64 interrupts;
	pthread_t thread;
};

static void *send_all(void *argument)
{
	struct job *job = argument;
	struct source_run *run = &runs[job->number];
	u64 entered;

	run->source->ntargets = job->targets;
	for (u32 i = 0; i < job->targets; i++)
		targets_of[job->number][i] = i;
	for (u32 loop = 1; loop <= job->loops; loop++) {
		if (!queue_csds(run, loop))
			return NULL;
		for (u32 i = 0; i < job->targets; i++) {
			if (!(run->mask[0] >> i & 1))
				continue;
			__atomic_add_fetch(&pending[i], 1, __ATOMIC_SEQ_CST);
			job->interrupts++;
		}
		if (!wait_acks(run, &entered))
			return NULL;
		run->source->done++;
	}
	return NULL;
}

static void *take_all(void *argument)
{
	struct job *job = argument;

	while (!__atomic_load_n(&over, __ATOMIC_SEQ_CST)) {
		if (!__atomic_load_n(&pending[job->number], __ATOMIC_SEQ_CST)) {
			sched_yield();
			continue;
		}
		__atomic_sub_fetch(&pending[job->number], 1, __ATOMIC_SEQ_CST);
		flush_smp_call_function_queue((struct cpu *)cpu_of(job->number),
					      1);
		job->interrupts++;
	}
	return NULL;
}

/* Bursts that succeeded; *sent and *taken count interrupts. */
u64 all_at_once(u32 nsources, u32 ntargets, u32 loops, u64 *sent, u64 *taken,
		u64 *functions)
{
	struct job senders[SOURCES] = { 0 }, takers[CPUS] = { 0 };
	u64 done = 0;

	for (u32 i = 0; i < ntargets; i++) {
		takers[i].number = i;
		pthread_create(&takers[i].thread, NULL, take_all, &takers[i]);
	}
	for (u32 i = 0; i < nsources; i++) {
		senders[i] = (struct job) { i, ntargets, loops, 0, 0 };
		pthread_create(&senders[i].thread, NULL, send_all, &senders[i]);
	}
	for (u32 i = 0; i < nsources; i++) {
		pthread_join(senders[i].thread, NULL);
		*sent += senders[i].interrupts;
		done += sources[i].done;
	}
	__atomic_store_n(&over, 1, __ATOMIC_SEQ_CST);
	for (u32 i = 0; i < ntargets; i++) {
		pthread_join(takers[i].thread, NULL);
		*taken += takers[i].interrupts;
		*functions += cpu_of(i)->functions;
	}
	return done;
}
