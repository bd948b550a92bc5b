/* run.c - one workload, in phases between which the host reads its counters. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bystander.h"
#include "control.h"
#include "run.h"
#include "workload.h"

#define CANARY_TARGETS 3 /* of at least four other CPUs, so they are not all */

static const struct workload workloads[] = {
	{ "membarrier", prepare_membarrier },
	{ "madvise", prepare_madvise },
	{ "munmap", prepare_munmap },
	{ "futex", prepare_futex },
	{ "pipe", prepare_pipe },
	{ "hackbench", prepare_hackbench },
};

static const struct workload *workload_named(const char *name)
{
	for (size_t number = 0; number < sizeof(workloads) / sizeof(*workloads); number++)
		if (!strcmp(workloads[number].name, name))
			return &workloads[number];
	fail("there is no workload %s", name);
}

static uint64_t timed(struct team *team)
{
	uint64_t ns;

	gather(team);
	pause_for_host("prepared");
	ns = run_team(team);
	pause_for_host("done");
	return ns;
}

static long operations_of(const struct team *team)
{
	long count = 0;

	for (int number = 0; number < team->size; number++)
		count += team->times[number].count;
	return count;
}

static void run_workload(const char *name, int cpus, long operations)
{
	int online = sysconf(_SC_NPROCESSORS_ONLN);
	struct bystander *bystander;
	struct team team = { 0 };
	uint64_t ns;

	workload_named(name)->prepare(&team, cpus, operations);
	if (team.is_pinned && team.size >= online)
		fail("%s needs %d CPUs and one for the bystander", name, team.size);
	bystander = start_bystander(online - 1);
	ns = timed(&team);
	end_bystander(bystander);
	say("wall %llu", (unsigned long long)ns);
	say("operations %ld", operations_of(&team));
	say_times("operation", team.times, team.size);
	say_times("bystander", &bystander->lateness, 1);
}

static void run_canary(long operations)
{
	struct team team = { 0 };

	prepare_membarrier(&team, CANARY_TARGETS, operations);
	timed(&team);
}

void run_line(char *line)
{
	char name[32];
	long cpus = 0, operations = 0;
	int words = sscanf(line, "run %31s %ld %ld", name, &cpus, &operations);

	if (words == 3 && cpus > 0 && operations > 0)
		run_workload(name, cpus, operations);
	else if (words == 2 && cpus > 0) /* no number of CPUs */
		run_workload(name, 2, cpus);
	else if (sscanf(line, "canary %ld", &operations) == 1 && operations > 0)
		run_canary(operations);
	else
		fail("the host sends a line that is not understood");
	say("end");
}
