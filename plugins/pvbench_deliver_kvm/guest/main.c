/* main.c: entry of a CPU, and what it does when nobody needs it. */
#include "guest.h"
#include "send.h"

/* Spins only while the host asks for it; then, and for a command, returns. */
static void spin(volatile struct cpu *me)
{
	me->idle = RUNNING;
	sti();
	while (me->idle == RUNNING && mailbox->idle == RUNNING && !me->command)
		pause();
	cli();
}

/*
 * One asm: the shadow of sti lets no interrupt in before hlt.  An NMI comes in all
 * the same; handle() goes on behind the hlt then, or the CPU would sleep as BUSY.
 */
static __attribute__((noinline)) void halt(volatile struct cpu *me)
{
	__asm__ volatile("movl %[halted], %[idle]\n"
			 "	.globl halt_begin, halt_end\n"
			 "halt_begin:\n"
			 "	sti\n"
			 "	hlt\n"
			 "halt_end:\n"
			 : [idle] "=m"(me->idle)
			 : [halted] "i"(HALTED)
			 : "memory");
}

void run_cpu(struct cpu *mine)
{
	volatile struct cpu *me = mine;

	enable_apic(mailbox, mine);
	hyperv_set_guest_os_id(mailbox);
	if (me->number == 0)
		map_clusters((struct clusters *)CLUSTERS_BASE,
			     (const u32 *)mailbox->apic_ids, mailbox->cpus);
	mailbox->abi = PVBENCH_GUEST_ABI;
	me->booted = 1;
	for (;;) {
		cli();
		if (me->command) {
			me->idle = BUSY;
			sti();
			run_command(mine);
		} else if (mailbox->idle == RUNNING) {
			spin(me);
		} else {
			halt(me);
		}
	}
}
