/* kvm.h: code that is common to the overlays that use KVM_HC_SEND_IPI. */
#ifndef PVBENCH_KVM_H
#define PVBENCH_KVM_H

#include "local.h"

#define KVM_HC_SEND_IPI 10

/* Call @send with all CPUs except @cpu. */
void send_all_except(struct apic *apic, u32 cpu, u32 vector,
		     send_mask_fn *send);

#endif
