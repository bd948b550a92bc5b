/* workload.h - the workloads: fixed amounts of work, by name. */
#pragma once

#include "team.h"

/*
 * A workload: it prepares a team for its two numbers, which are the CPUs or
 * threads that take part, and the operations.
 */
struct workload {
	const char *name;
	void (*prepare)(struct team *team, int cpus, long operations);
};

void prepare_membarrier(struct team *team, int cpus, long operations);
void prepare_madvise(struct team *team, int cpus, long operations);
void prepare_munmap(struct team *team, int cpus, long operations);
void prepare_futex(struct team *team, int cpus, long operations);
void prepare_pipe(struct team *team, int cpus, long operations);
void prepare_hackbench(struct team *team, int cpus, long operations);
