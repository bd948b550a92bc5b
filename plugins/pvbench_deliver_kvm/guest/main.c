/* main.c: entry of a CPU, its idle loop, and its commands. */
#include "guest.h"
#include "send.h"

/* Poll until there is a command, an interrupt, or no request to spin. */
static void spin(volatile struct cpu *me)
{
	me->idle = RUNNING;
	sti();
	while (me->idle == RUNNING && mailbox->idle == RUNNING && !me->command)
		pause();
	cli();
}

/*
 * One asm statement: the shadow of sti keeps interrupts out until hlt.  An NMI
 * is not kept out: it can come between the store and hlt, after which the CPU
 * would halt although it is BUSY.  handle() then returns to the instruction
 * after hlt.
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
