/* guest.h: what the files of the guest share. */
#ifndef PVBENCH_GUEST_H
#define PVBENCH_GUEST_H

#include "apic.h"

static volatile struct mailbox *const mailbox = (void *)MAILBOX_BASE;

/* Where another CPU may come between: a native test puts one there. */
#ifndef RACE
#define RACE()
#endif

/* The work of one request, then its receipt. */
void run_csd(struct entry *entry, u64 entered);

/* From the instruction behind which a CPU is HALTED to the one behind its hlt. */
extern const char halt_begin[], halt_end[];

/* Carry out this CPU's command for its source. */
void run_command(struct cpu *me);

static inline volatile struct cpu *cpu_of(u32 number)
{
	return (void *)(CPU_AREA_BASE + (u64)number * CPU_AREA_SIZE);
}

#endif
