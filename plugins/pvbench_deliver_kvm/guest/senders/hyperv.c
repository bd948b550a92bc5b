/*
 * hyperv.c: Hyper-V's synthetic cluster IPI, arch/x86/hyperv/hv_apic.c.
 *
 * VP numbers are CPU numbers here.  Linux looks up the VP number of each CPU,
 * so this code also visits a mask CPU by CPU.
 */
#include "local.h"

#define HVCALL_SEND_IPI 0x000b
#define HVCALL_SEND_IPI_EX 0x0015
#define HV_HYPERCALL_FAST_BIT 0x10000
#define HV_HYPERCALL_VARHEAD_OFFSET 17
#define HV_GENERIC_SET_SPARSE_4K 0
#define HV_GENERIC_SET_ALL 1
#define HV_MAX_SPARSE_VCPU_BANKS 64

struct hv_send_ipi_ex {
	u64 vector;
	u64 format;
	u64 valid_bank_mask;
	u64 banks[HV_MAX_SPARSE_VCPU_BANKS];
};

static void send_ipi_ex(struct apic *apic, struct hv_send_ipi_ex *ipi,
			u32 banks)
{
	const u64 args[] = { hypercall_input_page(apic), 0 };
	u64 varhead = banks << HV_HYPERCALL_VARHEAD_OFFSET;

	op_write_mem(apic->ops, args[0], &ipi->vector, 3 + banks);
	op_hypercall(apic->ops, HVCALL_SEND_IPI_EX | varhead, args, 2);
}

static void send_ipi_ex_banks(struct apic *apic, const u64 *mask, u32 vector)
{
	struct hv_send_ipi_ex ipi;
	u32 cpu, used = 0, bank = HV_MAX_SPARSE_VCPU_BANKS;

	ipi.vector = vector;
	ipi.format = HV_GENERIC_SET_SPARSE_4K;
	ipi.valid_bank_mask = 0;
	op_irq_save(apic->ops);
	op_scan_mask(apic, mask);
	for_each_cpu(cpu, mask, apic->cpus) {
		if (cpu / 64 != bank) {
			bank = cpu / 64;
			ipi.valid_bank_mask |= 1ull << bank;
			ipi.banks[used++] = 0;
		}
		ipi.banks[used - 1] |= 1ull << cpu % 64;
	}
	send_ipi_ex(apic, &ipi, used);
	op_irq_restore(apic->ops);
}

static void send_ipi_ex_all(struct apic *apic, u32 vector)
{
	struct hv_send_ipi_ex ipi;

	ipi.vector = vector;
	ipi.format = HV_GENERIC_SET_ALL;
	ipi.valid_bank_mask = 0;
	op_irq_save(apic->ops);
	send_ipi_ex(apic, &ipi, 0);
	op_irq_restore(apic->ops);
}

static void send_ipi_fast(struct apic *apic, const u64 *mask, u32 vector)
{
	u64 args[] = { vector, 0 };
	u32 cpu;

	op_scan_mask(apic, mask);
	for_each_cpu(cpu, mask, apic->cpus)
		args[1] |= 1ull << cpu;
	op_hypercall(apic->ops, HVCALL_SEND_IPI | HV_HYPERCALL_FAST_BIT, args,
		     2);
}

static void hv_send_ipi_mask(struct apic *apic, const u64 *mask, u32 vector)
{
	if (!has_cpu_except(mask, apic->cpus, NO_CPU))
		return;
	if (find_next_bit(mask, apic->cpus, 64) == apic->cpus)
		send_ipi_fast(apic, mask, vector);
	else if (cpumask_weight(mask, apic->cpus) == apic->cpus)
		send_ipi_ex_all(apic, vector);
	else
		send_ipi_ex_banks(apic, mask, vector);
}

static void hv_send_ipi(struct apic *apic, u32 cpu, u32 vector)
{
	u64 mask[MASK_WORDS];

	fill_mask_of(mask, apic->cpus, cpu);
	hv_send_ipi_mask(apic, mask, vector);
}

static void hv_send_ipi_mask_allbutself(struct apic *apic, const u64 *mask,
					u32 vector)
{
	__send_mask_except_self(apic, mask, vector, hv_send_ipi_mask);
}

static void hv_send_ipi_allbutself(struct apic *apic, u32 vector)
{
	__send_all_except(apic, apic->self, vector, hv_send_ipi_mask);
}

static void hv_send_ipi_all(struct apic *apic, u32 vector)
{
	__send_all_except(apic, NO_CPU, vector, hv_send_ipi_mask);
}

static void hv_send_ipi_self(struct apic *apic, u32 vector)
{
	hv_send_ipi(apic, apic->self, vector);
}

const struct callbacks hyperv_ipi_callbacks = {
	.send_IPI = hv_send_ipi,
	.send_IPI_mask = hv_send_ipi_mask,
	.send_IPI_mask_allbutself = hv_send_ipi_mask_allbutself,
	.send_IPI_allbutself = hv_send_ipi_allbutself,
	.send_IPI_all = hv_send_ipi_all,
	.send_IPI_self = hv_send_ipi_self,
};
