/* interrupts.c: the guest's interrupt handler in a native build. */
#include <string.h>

#include "abi.h"
#include "apicdef.h"

static _Alignas(64) unsigned char areas[CPU_AREA_SIZE];
static struct mailbox mailbox_page;
static unsigned char apic_page[4096];

#undef MAILBOX_BASE
#define MAILBOX_BASE &mailbox_page
#undef CPU_AREA_BASE
#define CPU_AREA_BASE ((u64)areas)
#undef APIC_DEFAULT_PHYS_BASE
#define APIC_DEFAULT_PHYS_BASE ((u64)apic_page)
#include "target.c"

/* Symbols of the linker script and of main.c; there are no exceptions here. */
const struct fixup ex_table_start[1], ex_table_end[1];
const char halt_begin[1], halt_end[1];

#define ARCH_SET_GS 0x1001
#define SYS_ARCH_PRCTL 158

long syscall(long number, ...);

/* The effects of one interrupt. */
struct effects {
	u32 runs;
	u32 impossible;
	u32 eois;
	u32 functions;
	u32 is_busy;
};

/* CPU 0 is halted, and one function is queued for it. */
void interrupt(u64 vector, u64 rflags, struct effects *effects)
{
	static struct entry entry;
	struct cpu *me = (struct cpu *)areas;
	struct frame frame = { .vector = vector, .rflags = rflags };
	volatile u32 *eoi = (u32 *)(apic_page + APIC_EOI);
	volatile u32 *in_service = (u32 *)(apic_page + APIC_ISR);

	memset(areas, 0, sizeof(areas));
	me->self = (u64)me;
	me->idle = HALTED;
	me->call_queue = (u64)&entry;
	mailbox_page.call_queues = 1;
	*eoi = 1;
	*in_service = vector < 32 ? 1u << vector : 0;
	syscall(SYS_ARCH_PRCTL, ARCH_SET_GS, me);
	handle(&frame);
	syscall(SYS_ARCH_PRCTL, ARCH_SET_GS, 0);
	*effects = (struct effects){
		.runs = me->runs[vector],
		.impossible = me->impossible,
		.eois = *eoi == 0,
		.functions = me->functions,
		.is_busy = me->idle == BUSY,
	};
}
