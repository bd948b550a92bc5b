/* guest.h: declarations that the files of the guest share. */
#ifndef PVBENCH_GUEST_H
#define PVBENCH_GUEST_H

#include "apic.h"

static volatile struct mailbox *const mailbox = (void *)MAILBOX_BASE;

/* Another CPU may run here; a native test makes it do so. */
#ifndef RACE
#define RACE()
#endif

/* string.c */
void *memset(void *place, int byte, unsigned long count);
void *memcpy(void *to, const void *from, unsigned long count);

/* Run the function of one request and acknowledge it. */
void run_csd(struct entry *entry, u64 entered);

/* The first instruction after idle became HALTED, and the one after hlt. */
extern const char halt_begin[], halt_end[];

/* Run the command that the host gave this CPU. */
void run_command(struct cpu *me);

static inline volatile struct cpu *cpu_of(u32 number)
{
	return (void *)(CPU_AREA_BASE + (u64)number * CPU_AREA_SIZE);
}

#endif
