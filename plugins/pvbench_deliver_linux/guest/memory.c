/*
 * memory.c - threads of one process give pages back.
 *
 * Linux removes the pages from the TLBs of the CPUs that run the process.
 */
#include <stdlib.h>
#include <sys/mman.h>

#include "control.h"
#include "workload.h"

#define SIZE (16 * 4096)

static char *map(void)
{
	void *pages = mmap(NULL, SIZE, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (pages == MAP_FAILED)
		fail("mmap(2) fails");
	return pages;
}

static void touch(volatile char *pages)
{
	for (int offset = 0; offset < SIZE; offset += 4096)
		pages[offset] = 1;
}

static void touch_and_discard(struct worker *worker)
{
	char **pages = worker->team->context;

	touch(pages[worker->number]);
	if (madvise(pages[worker->number], SIZE, MADV_DONTNEED))
		fail("madvise(2) fails");
}

static void map_touch_and_unmap(struct worker *worker)
{
	char *pages = map();

	(void)worker;
	touch(pages);
	if (munmap(pages, SIZE))
		fail("munmap(2) fails");
}

static void discard(struct worker *worker)
{
	repeat(worker, touch_and_discard);
}

static void unmap(struct worker *worker)
{
	repeat(worker, map_touch_and_unmap);
}

static void prepare(struct team *team, int cpus, long operations)
{
	team->size = cpus;
	team->is_pinned = 1;
	team->operations = operations;
}

void prepare_madvise(struct team *team, int cpus, long operations)
{
	char **pages = calloc(cpus, sizeof(*pages));

	prepare(team, cpus, operations);
	for (int number = 0; number < cpus; number++)
		pages[number] = map();
	team->context = pages;
	team->work = discard;
}

void prepare_munmap(struct team *team, int cpus, long operations)
{
	prepare(team, cpus, operations);
	team->work = unmap;
}
