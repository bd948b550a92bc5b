/* team.h - threads that start the timed phase of a workload together. */
#pragma once

#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>

#include "times.h"

struct team;

struct worker {
	struct team *team;
	int number;
	pthread_t thread;
	struct times *times;
};

/* What the threads of a workload do in its timed phase. */
struct team {
	int size;
	int is_pinned; /* worker n runs on CPU n */
	long operations; /* of each worker that times its own */
	void (*work)(struct worker *worker);
	void *context;
	atomic_int is_over; /* a worker that spins ends then */
	pthread_barrier_t start, end;
	struct worker *workers;
	struct times *times;
};

/* Allow this thread one CPU only. */
void pin(int cpu);

/* Start the threads; they wait for run_team(). */
void gather(struct team *team);

/* Let the threads work, and wait for them; returns the time that they take. */
uint64_t run_team(struct team *team);

/* Run an operation that many times, and time each. */
void repeat(struct worker *worker, void (*operation)(struct worker *worker));

/* Keep this CPU busy until the team is over. */
void spin(struct worker *worker);
