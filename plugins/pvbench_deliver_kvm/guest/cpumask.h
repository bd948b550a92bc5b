/* cpumask.h: sets of CPUs, one bit for each. */
#ifndef PVBENCH_CPUMASK_H
#define PVBENCH_CPUMASK_H

#include "abi.h"

#define NO_CPU 0xffffffffu

static inline u32 mask_words(u32 cpus)
{
	return (cpus + 63) / 64;
}

/* The bit of @cpu in word number @word of a mask, or 0. */
static inline u64 bit_in_word(u32 cpu, u32 word)
{
	return cpu / 64 == word ? 1ull << cpu % 64 : 0;
}

/* Whether @mask has a CPU other than @cpu. */
static inline int has_cpu_except(const u64 *mask, u32 cpus, u32 cpu)
{
	u32 i;

	for (i = 0; i < mask_words(cpus); i++)
		if (mask[i] & ~bit_in_word(cpu, i))
			return 1;
	return 0;
}

/* Copy @mask without @cpu. */
static inline void copy_mask_except(u64 *to, const u64 *mask, u32 cpus, u32 cpu)
{
	u32 i;

	for (i = 0; i < mask_words(cpus); i++)
		to[i] = mask[i] & ~bit_in_word(cpu, i);
}

/* Set all CPUs except @cpu. */
static inline void fill_mask_except(u64 *mask, u32 cpus, u32 cpu)
{
	u32 i, last = mask_words(cpus) - 1;

	for (i = 0; i <= last; i++)
		mask[i] = (i < last ? ~0ull : ~0ull >> -cpus % 64) &
			  ~bit_in_word(cpu, i);
}

/* Set @cpu alone. */
static inline void fill_mask_of(u64 *mask, u32 cpus, u32 cpu)
{
	u32 i;

	for (i = 0; i < mask_words(cpus); i++)
		mask[i] = bit_in_word(cpu, i);
}

/* The baseline of x86-64 has no POPCNT. */
static inline u32 hweight64(u64 word)
{
	word -= word >> 1 & 0x5555555555555555;
	word = (word & 0x3333333333333333) + (word >> 2 & 0x3333333333333333);
	word = (word + (word >> 4)) & 0x0f0f0f0f0f0f0f0f;
	return word * 0x0101010101010101 >> 56;
}

static inline u32 cpumask_weight(const u64 *mask, u32 cpus)
{
	u32 i, weight = 0;

	for (i = 0; i < mask_words(cpus); i++)
		weight += hweight64(mask[i]);
	return weight;
}

/* The first CPU of @mask that is at least @cpu; @cpus if there is none. */
static inline u32 find_next_bit(const u64 *mask, u32 cpus, u32 cpu)
{
	u32 i = cpu / 64;
	u64 word;

	if (cpu >= cpus)
		return cpus;
	word = mask[i] & ~0ull << cpu % 64;
	while (!word) {
		if (++i == mask_words(cpus))
			return cpus;
		word = mask[i];
	}
	return i * 64 + __builtin_ctzll(word);
}

#define for_each_cpu(cpu, mask, cpus)                                          \
	for ((cpu) = find_next_bit(mask, cpus, 0); (cpu) < (cpus);             \
	     (cpu) = find_next_bit(mask, cpus, (cpu) + 1))

#endif
