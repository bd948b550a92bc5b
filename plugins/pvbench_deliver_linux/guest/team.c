/* team.c - threads that start the timed phase of a workload together. */
#include <sched.h>
#include <stdlib.h>

#include "control.h"
#include "team.h"

void pin(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	if (sched_setaffinity(0, sizeof(set), &set))
		fail("CPU %d cannot be used", cpu);
}

static void *enter(void *argument)
{
	struct worker *worker = argument;
	struct team *team = worker->team;

	if (team->is_pinned)
		pin(worker->number);
	pthread_barrier_wait(&team->start);
	team->work(worker);
	pthread_barrier_wait(&team->end);
	return NULL;
}

void gather(struct team *team)
{
	pthread_attr_t attributes;

	pthread_attr_init(&attributes);
	pthread_attr_setstacksize(&attributes, 64 << 10);
	pthread_barrier_init(&team->start, NULL, team->size + 1);
	pthread_barrier_init(&team->end, NULL, team->size + 1);
	team->workers = calloc(team->size, sizeof(*team->workers));
	team->times = calloc(team->size, sizeof(*team->times));
	for (int number = 0; number < team->size; number++) {
		struct worker *worker = &team->workers[number];

		*worker = (struct worker){ .team = team, .number = number,
					   .times = &team->times[number] };
		allocate_times(worker->times, team->operations);
		if (pthread_create(&worker->thread, &attributes, enter, worker))
			fail("thread %d cannot be started", number);
	}
}

uint64_t run_team(struct team *team)
{
	uint64_t start;

	pthread_barrier_wait(&team->start);
	start = now_ns();
	pthread_barrier_wait(&team->end);
	return now_ns() - start;
}

void repeat(struct worker *worker, void (*operation)(struct worker *worker))
{
	for (long done = 0; done < worker->team->operations; done++) {
		uint64_t start = now_ns();

		operation(worker);
		add_time(worker->times, now_ns() - start);
	}
}

void spin(struct worker *worker)
{
	while (!atomic_load(&worker->team->is_over))
		__builtin_ia32_pause();
}
