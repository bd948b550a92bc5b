/* cpu.h: functions that are one instruction each, and have its name. */
#ifndef PVBENCH_CPU_H
#define PVBENCH_CPU_H

#include "abi.h"

#define X86_EFLAGS_IF 0x200

/* No earlier or later instruction is executed across the two fences. */
static inline u64 rdtsc_ordered(void)
{
	u32 low, high;

	__asm__ volatile("lfence; rdtsc; lfence"
			 : "=a"(low), "=d"(high)
			 :
			 : "memory");
	return (u64)high << 32 | low;
}

/* Used in waits, and where fences would cost more than they add in accuracy. */
static inline u64 rdtsc(void)
{
	u32 low, high;

	__asm__ volatile("rdtsc" : "=a"(low), "=d"(high) : : "memory");
	return (u64)high << 32 | low;
}

static inline void pause(void)
{
	__asm__ volatile("pause" : : : "memory");
}

static inline void cli(void)
{
	__asm__ volatile("cli" : : : "memory");
}

static inline void sti(void)
{
	__asm__ volatile("sti" : : : "memory");
}

static inline void outb(u8 value, u16 port)
{
	__asm__ volatile("outb %0, %1" : : "a"(value), "Nd"(port) : "memory");
}

static inline u64 rdmsr(u32 msr)
{
	u32 low, high;

	__asm__ volatile("rdmsr" : "=a"(low), "=d"(high) : "c"(msr));
	return (u64)high << 32 | low;
}

static inline void wrmsr(u32 msr, u64 value)
{
	__asm__ volatile("wrmsr"
			 :
			 : "c"(msr), "a"((u32)value), "d"((u32)(value >> 32))
			 : "memory");
}

static inline u64 xchg(volatile u64 *place, u64 value)
{
	return __atomic_exchange_n(place, value, __ATOMIC_SEQ_CST);
}

static inline u32 read_mmio(u64 address)
{
	u32 value;

	__asm__ volatile("movl (%1), %0"
			 : "=r"(value)
			 : "r"(address)
			 : "memory");
	return value;
}

static inline void write_mmio(u64 address, u32 value)
{
	__asm__ volatile("movl %0, (%1)"
			 :
			 : "r"(value), "r"(address)
			 : "memory");
}

static inline struct cpu *this_cpu(void)
{
	struct cpu *cpu;

	__asm__ volatile("movq %%gs:0, %0" : "=r"(cpu));
	return cpu;
}

#endif
