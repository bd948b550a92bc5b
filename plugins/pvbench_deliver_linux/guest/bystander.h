/* bystander.h - a process that sleeps on a CPU of its own beside the workload. */
#pragma once

#include <stdatomic.h>
#include <sys/types.h>

#include "times.h"

struct bystander {
	pid_t process;
	atomic_int is_over;
	struct times lateness;
};

/* Start it on a CPU; it times its wake-ups until it is ended. */
struct bystander *start_bystander(int cpu);

void end_bystander(struct bystander *bystander);
