/* main.c: entry of a CPU, and what it does when nobody needs it. */
#include "guest.h"

/* The compiler may call these for loops over arrays. */
void *memset(void *place, int byte, unsigned long count)
{
	void *to = place;

	__asm__ volatile("rep stosb"
			 : "+D"(to), "+c"(count) : "a"(byte) : "memory");
	return place;
}

void *memcpy(void *to, const void *from, unsigned long count)
{
	void *target = to;

	__asm__ volatile("rep movsb"
			 : "+D"(target), "+S"(from), "+c"(count) : : "memory");
	return to;
}

/* Spins only while the host asks for it; then, and for a command, returns. */
static void spin(volatile struct cpu *me)
{
	me->idle = RUNNING;
	sti();
	while (me->idle == RUNNING && box->idle == RUNNING && !me->command)
		pause();
	cli();
}

void run_cpu(struct cpu *mine)
{
	volatile struct cpu *me = mine;

	enable_apic(box, mine);
	introduce(box);
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
			me->idle = HALTED;
			sti_hlt();
		}
	}
}
