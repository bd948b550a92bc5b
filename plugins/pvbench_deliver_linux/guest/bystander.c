/*
 * bystander.c - a process that sleeps on a CPU of its own beside the workload.
 *
 * A timer wakes it once a millisecond.  The lateness of each wake-up is the
 * latency of a CPU that takes no part in the workload.
 */
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "bystander.h"
#include "control.h"
#include "team.h"

#define PERIOD_NS 1000000ull
#define WAKE_UPS (1 << 18)

static void sleep_until(uint64_t ns)
{
	struct timespec end = { .tv_sec = ns / 1000000000ull,
				.tv_nsec = ns % 1000000000ull };

	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &end, NULL))
		;
}

static void time_wake_ups(struct bystander *bystander)
{
	while (!atomic_load(&bystander->is_over)) {
		uint64_t end = now_ns() + PERIOD_NS;

		sleep_until(end);
		add_time(&bystander->lateness, now_ns() - end);
	}
}

struct bystander *start_bystander(int cpu)
{
	struct bystander *bystander =
		mmap(NULL, sizeof(*bystander), PROT_READ | PROT_WRITE,
		     MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (bystander == MAP_FAILED)
		fail("there is no memory for a bystander");
	allocate_times(&bystander->lateness, WAKE_UPS);
	bystander->process = fork();
	if (!bystander->process) {
		pin(cpu);
		time_wake_ups(bystander);
		_exit(0);
	}
	if (bystander->process < 0)
		fail("fork(2) fails");
	return bystander;
}

void end_bystander(struct bystander *bystander)
{
	atomic_store(&bystander->is_over, 1);
	waitpid(bystander->process, NULL, 0);
}
