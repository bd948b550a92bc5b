/* main.c: entry of a CPU, and what it does when nobody needs it. */
#include "guest.h"
#include "send.h"

/* Spins only while the host asks for it; then, and for a command, returns. */
static void spin(volatile struct cpu *me)
{
	me->idle = RUNNING;
	sti();
	while (me->idle == RUNNING && box->idle == RUNNING && !me->command)
		pause();
	cli();
}

/*
 * One asm: the shadow of sti lets no interrupt in before hlt.  An NMI comes in all
 * the same; handle() goes on behind the hlt then, or the CPU would sleep as BUSY.
 */
static __attribute__((noinline)) void rest(volatile struct cpu *me)
{
	__asm__ volatile("movl %[halted], %[idle]\n"
			 "	.globl rest_begin, rest_end\n"
			 "rest_begin:\n"
			 "	sti\n"
			 "	hlt\n"
			 "rest_end:\n"
			 : [idle] "=m"(me->idle)
			 : [halted] "i"(HALTED)
			 : "memory");
}

void run_cpu(struct cpu *mine)
{
	volatile struct cpu *me = mine;

	enable_apic(box, mine);
	introduce(box);
	if (me->number == 0)
		map_clusters((struct clusters *)CLUSTERS_BASE,
			     (const u32 *)box->apic_ids, box->cpus);
	box->abi = PVBENCH_GUEST_ABI;
	me->booted = 1;
	for (;;) {
		cli();
		if (me->command) {
			me->idle = BUSY;
			sti();
			obey(mine);
		} else if (box->idle == RUNNING) {
			spin(me);
		} else {
			rest(me);
		}
	}
}
