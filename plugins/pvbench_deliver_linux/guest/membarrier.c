/*
 * membarrier.c - a thread calls membarrier(2) while others run.
 *
 * Each call interrupts the CPUs that run a thread of this process and waits for
 * them.  With fewer of them than all others, Linux sends to a mask.
 */
#include <linux/membarrier.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "control.h"
#include "workload.h"

static void membarrier(struct worker *worker)
{
	(void)worker;
	if (syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0))
		fail("membarrier(2) fails");
}

static void work(struct worker *worker)
{
	if (worker->number) {
		spin(worker);
		return;
	}
	repeat(worker, membarrier);
	atomic_store(&worker->team->is_over, 1);
}

void prepare_membarrier(struct team *team, int cpus, long operations)
{
	if (syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0, 0))
		fail("the kernel has no membarrier(2)");
	team->size = cpus + 1;
	team->is_pinned = 1;
	team->operations = operations;
	team->work = work;
}
