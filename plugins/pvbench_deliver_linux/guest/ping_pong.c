/*
 * ping_pong.c - two threads wake each other, so each wake-up has one target.
 *
 * These workloads are negative controls: they have no multicast.
 */
#include <linux/futex.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "control.h"
#include "workload.h"

static void wait_for_turn(atomic_int *turn, int number)
{
	while (atomic_load(turn) != number)
		syscall(SYS_futex, turn, FUTEX_WAIT_PRIVATE, 1 - number, NULL);
}

static void pass_turn(struct worker *worker)
{
	atomic_int *turn = worker->team->context;

	wait_for_turn(turn, worker->number);
	atomic_store(turn, 1 - worker->number);
	syscall(SYS_futex, turn, FUTEX_WAKE_PRIVATE, 1);
}

static void pass_byte(struct worker *worker)
{
	int (*pipes)[2] = worker->team->context;
	char byte = 0;

	if ((worker->number && read(pipes[0][0], &byte, 1) != 1) ||
	    write(pipes[worker->number][1], &byte, 1) != 1 ||
	    (!worker->number && read(pipes[1][0], &byte, 1) != 1))
		fail("a pipe breaks");
}

static void exchange_turns(struct worker *worker)
{
	repeat(worker, pass_turn);
}

static void exchange_bytes(struct worker *worker)
{
	repeat(worker, pass_byte);
}

static void prepare(struct team *team, long operations)
{
	team->size = 2;
	team->is_pinned = 1;
	team->operations = operations;
}

void prepare_futex(struct team *team, int cpus, long operations)
{
	(void)cpus;
	prepare(team, operations);
	team->context = calloc(1, sizeof(atomic_int));
	team->work = exchange_turns;
}

void prepare_pipe(struct team *team, int cpus, long operations)
{
	int (*pipes)[2] = calloc(2, sizeof(*pipes));

	(void)cpus;
	if (pipe(pipes[0]) || pipe(pipes[1]))
		fail("pipe(2) fails");
	prepare(team, operations);
	team->context = pipes;
	team->work = exchange_bytes;
}
