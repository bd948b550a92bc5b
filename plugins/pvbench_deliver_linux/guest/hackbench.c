/*
 * hackbench.c - groups of threads send messages to each other over sockets.
 *
 * As hackbench of rt-tests with threads: in a group each sender writes to each
 * receiver.  An operation is a message that is written.
 */
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "control.h"
#include "workload.h"

#define PEERS 4 /* senders of a group, and receivers */
#define BYTES 100

struct group {
	int sockets[PEERS][2]; /* of each receiver */
};

static void write_message(struct worker *worker)
{
	struct group *groups = worker->team->context;
	struct group *group = &groups[worker->number / (2 * PEERS)];
	char message[BYTES] = { 0 };
	int receiver = worker->times->count % PEERS;

	if (write(group->sockets[receiver][1], message, BYTES) != BYTES)
		fail("a message cannot be written");
}

static void receive(struct worker *worker, const struct group *group, int receiver)
{
	for (long rest = worker->team->operations * BYTES; rest;) {
		char message[BYTES];
		ssize_t size = read(group->sockets[receiver][0], message, BYTES);

		if (size <= 0)
			fail("a message cannot be read");
		rest -= size;
	}
}

static void work(struct worker *worker)
{
	struct group *groups = worker->team->context;
	int place = worker->number % (2 * PEERS);

	if (place < PEERS)
		repeat(worker, write_message);
	else
		receive(worker, &groups[worker->number / (2 * PEERS)], place - PEERS);
}

/* Each sender writes equally many messages to each receiver. */
void prepare_hackbench(struct team *team, int cpus, long operations)
{
	struct group *groups = calloc(cpus, sizeof(*groups));

	for (int number = 0; number < cpus * PEERS; number++)
		if (socketpair(AF_UNIX, SOCK_STREAM, 0,
			       groups[number / PEERS].sockets[number % PEERS]))
			fail("socketpair(2) fails");
	team->size = cpus * 2 * PEERS;
	team->operations = (operations + PEERS - 1) / PEERS * PEERS;
	team->context = groups;
	team->work = work;
}
