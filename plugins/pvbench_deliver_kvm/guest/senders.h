/* senders.h: what the senders share: masks of CPUs, ICR words, clusters. */
#ifndef PVBENCH_SENDERS_H
#define PVBENCH_SENDERS_H

#include "send.h"

#define MASK_WORDS (MAX_CPUS / 64)
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

#define CLUSTERS 64 /* gathered in one pass; more take more passes */
#define CLUSTER_HASH (2 * CLUSTERS)
#define CLUSTER_WORDS 3 /* of the widest cluster, 192 */

/* Clusters in the order they were met. */
struct clusters {
	u8 slot_of[CLUSTER_HASH]; /* slot + 1 of a number, by its hash */
	u32 met;
	u32 number[CLUSTERS];
	u64 bits[CLUSTERS][CLUSTER_WORDS];
};

static inline u32 new_slot(struct clusters *clusters, u32 number)
{
	u32 i, slot = clusters->met++;

	clusters->number[slot] = number;
	for (i = 0; i < CLUSTER_WORDS; i++)
		clusters->bits[slot][i] = 0;
	return slot;
}

/* The slot of a cluster; CLUSTERS if it is new and there is no room. */
static inline u32 find_slot(struct clusters *clusters, u32 number)
{
	u32 hash = number * 0x9e3779b1u / (0xffffffffu / CLUSTER_HASH + 1);
	u32 slot;

	while (clusters->slot_of[hash]) {
		slot = clusters->slot_of[hash] - 1;
		if (clusters->number[slot] == number)
			return slot;
		hash = (hash + 1) % CLUSTER_HASH;
	}
	if (clusters->met == CLUSTERS)
		return CLUSTERS;
	slot = new_slot(clusters, number);
	clusters->slot_of[hash] = slot + 1;
	return slot;
}

/*
 * Move the first clusters of @width APIC IDs from @left to @clusters.
 *
 * As in Linux, all left CPUs of a cluster are taken with its first; but one
 * pass takes many clusters, because it has no mask of each, made at boot.
 */
static inline __attribute__((always_inline)) u32
gather(const struct apic *apic, u64 *left, struct clusters *clusters, u32 width)
{
	u32 cpu, bit, i, slot;

	clusters->met = 0;
	for (i = 0; i < CLUSTER_HASH; i++)
		clusters->slot_of[i] = 0;
	for_each_cpu(cpu, left, apic->cpus) {
		slot = find_slot(clusters, apic->ids[cpu] / width);
		if (slot == CLUSTERS)
			continue;
		bit = apic->ids[cpu] % width;
		clusters->bits[slot][bit / 64] |= 1ull << bit % 64;
		left[cpu / 64] &= ~(1ull << cpu % 64);
	}
	return clusters->met;
}

#endif
