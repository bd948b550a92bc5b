/* kvm.h: what the overlays by KVM_HC_SEND_IPI share. */
#ifndef PVBENCH_KVM_H
#define PVBENCH_KVM_H

#include "local.h"

#define KVM_HC_SEND_IPI 10

/* A callback on every CPU but @cpu. */
void send_all_except(struct apic *apic, u32 cpu, u32 vector,
		     void (*send)(struct apic *, const u64 *, u32));

#endif
