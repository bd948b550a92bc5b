/* senders.h: what the senders share: masks of CPUs, ICR words, clusters. */
#ifndef PVBENCH_SENDERS_H
#define PVBENCH_SENDERS_H

#include "send.h"

#define NOBODY 0xffffffffu

#define APIC_DM_NMI 0x400
#define APIC_DEST_LOGICAL 0x800
#define NMI_VECTOR 2

/* Overlays that make hypercalls; what is NULL stays native. */
extern const struct callbacks kvm_pv_callbacks;
extern const struct callbacks kvm_pv_4_19_callbacks;
extern const struct callbacks kvm_pv128_v3_callbacks;
extern const struct callbacks kvm_pv_cluster128_callbacks;
extern const struct callbacks kvm_pv_cluster192_callbacks;
extern const struct callbacks hyperv_ipi_callbacks;
extern const struct callbacks xen_evtchn_callbacks;

static inline u32 icr_low(u32 vector, u32 fields)
{
	return fields | (vector == NMI_VECTOR ? APIC_DM_NMI : vector);
}

static inline u32 mask_words(u32 cpus)
{
	return (cpus + 63) / 64;
}

/* The bit of @cpu in that word of a mask; none if it is in another. */
static inline u64 bit_in_word(u32 cpu, u32 word)
{
	return cpu / 64 == word ? 1ull << cpu % 64 : 0;
}

/* Whether @mask holds a CPU that is not @cpu. */
static inline int any_but(const u64 *mask, u32 cpus, u32 cpu)
{
	u32 i;

	for (i = 0; i < mask_words(cpus); i++)
		if (mask[i] & ~bit_in_word(cpu, i))
			return 1;
	return 0;
}

static inline void copy_but(u64 *to, const u64 *mask, u32 cpus, u32 cpu)
{
	u32 i;

	for (i = 0; i < mask_words(cpus); i++)
		to[i] = mask[i] & ~bit_in_word(cpu, i);
}

/* Every CPU but @cpu. */
static inline void fill_but(u64 *mask, u32 cpus, u32 cpu)
{
	u32 i, last = mask_words(cpus) - 1;

	for (i = 0; i <= last; i++)
		mask[i] = (i < last ? ~0ull : ~0ull >> -cpus % 64) &
			  ~bit_in_word(cpu, i);
}

/* Bits set in a word; x86-64 at its baseline has no POPCNT. */
static inline u32 weigh_word(u64 word)
{
	word -= word >> 1 & 0x5555555555555555;
	word = (word & 0x3333333333333333) + (word >> 2 & 0x3333333333333333);
	word = (word + (word >> 4)) & 0x0f0f0f0f0f0f0f0f;
	return word * 0x0101010101010101 >> 56;
}

static inline u32 weigh(const u64 *mask, u32 cpus)
{
	u32 i, weight = 0;

	for (i = 0; i < mask_words(cpus); i++)
		weight += weigh_word(mask[i]);
	return weight;
}

/* The first CPU of @mask from @cpu on; @cpus if there is none. */
static inline u32 next_cpu(const u64 *mask, u32 cpus, u32 cpu)
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
	for ((cpu) = next_cpu(mask, cpus, 0); (cpu) < (cpus);                  \
	     (cpu) = next_cpu(mask, cpus, (cpu) + 1))

/* A hypercall's input, of this CPU. */
static inline u64 input_page(const struct apic *apic)
{
	return INPUT_PAGE_BASE + (u64)apic->self * 4096;
}

/* The count is for the trace only, so a real send does not pay for it. */
static inline void op_scan_mask(struct apic *apic, const u64 *mask)
{
	op_scan(apic->ops, apic->ops->trace ? weigh(mask, apic->cpus) : 0);
}

/* A callback on @mask without the sending CPU. */
static inline void
send_others(struct apic *apic, const u64 *mask, u32 vector,
	    void (*send)(struct apic *, const u64 *, u32))
{
	u64 others[MASK_WORDS];

	copy_but(others, mask, apic->cpus, apic->self);
	send(apic, others, vector);
}

/* A callback on every CPU but @cpu. */
static inline void
send_all_but(struct apic *apic, u32 cpu, u32 vector,
	     void (*send)(struct apic *, const u64 *, u32))
{
	u64 mask[MASK_WORDS];

	fill_but(mask, apic->cpus, cpu);
	send(apic, mask, vector);
}

/* Take what is left of a cluster: its CPUs' places in it, as bits. */
static inline __attribute__((always_inline)) void
take_cluster(const struct apic *apic, u64 *left, const u64 *members, u32 width,
	     u64 *bits)
{
	u32 i, place;
	u64 word;

	for (i = 0; i < mask_words(apic->cpus); i++) {
		for (word = left[i] & members[i]; word; word &= word - 1) {
			place = apic->ids[i * 64 + __builtin_ctzll(word)] % width;
			bits[place / 64] |= 1ull << place % 64;
		}
		left[i] &= ~members[i];
	}
}

#endif
