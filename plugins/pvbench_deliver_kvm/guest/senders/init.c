/* init.c: select the callbacks, as arch/x86/kernel/apic/init.c does. */
#include "local.h"

static const struct callbacks *const drivers[] = {
	[DRIVER_NULL] = &null_callbacks,
	[XAPIC_FLAT] = &xapic_flat_callbacks,
	[XAPIC_PHYSICAL] = &xapic_physical_callbacks,
	[X2APIC_PHYSICAL] = &x2apic_physical_callbacks,
	[X2APIC_CLUSTER] = &x2apic_cluster_callbacks,
};

static const struct callbacks nothing;

static const struct callbacks *const overlays[] = {
	[OVERLAY_NONE] = &nothing,
	[SHORTHAND] = &shorthand_callbacks,
	[KVM_PV] = &kvm_pv_callbacks,
	[KVM_PV_4_19] = &kvm_pv_4_19_callbacks,
	[KVM_PV128_V3] = &kvm_pv128_v3_callbacks,
	[KVM_PV_CLUSTER128] = &kvm_pv_cluster128_callbacks,
	[KVM_PV_CLUSTER192] = &kvm_pv_cluster192_callbacks,
	[HYPERV_IPI] = &hyperv_ipi_callbacks,
	[XEN_EVTCHN] = &xen_evtchn_callbacks,
	[KVM_PV_SINGLE] = &kvm_pv_single_callbacks,
};

#define LAY_OVER(call, over, name)                                             \
	do {                                                                   \
		if ((over)->name)                                              \
			(call)->name = (over)->name;                           \
	} while (0)

void install_callbacks(struct apic *apic, enum driver driver,
		       enum overlay overlay)
{
	const struct callbacks *over = overlays[overlay];

	apic->call = *drivers[driver];
	LAY_OVER(&apic->call, over, send_IPI);
	apic->call.send_call_func_single_ipi = apic->call.send_IPI;
	LAY_OVER(&apic->call, over, send_call_func_single_ipi);
	LAY_OVER(&apic->call, over, send_IPI_mask);
	LAY_OVER(&apic->call, over, send_IPI_mask_allbutself);
	LAY_OVER(&apic->call, over, send_IPI_allbutself);
	LAY_OVER(&apic->call, over, send_IPI_all);
	LAY_OVER(&apic->call, over, send_IPI_self);
}
