/* hypercall.c: execute a hypercall in the registers of its ABI, or record it. */
#include "may_fault.h"

/* Arguments are in rbx, rcx, rdx and rsi; proposals are translated to KVM's. */
static u64 hypercall_kvm(struct ops *ops, u64 nr, const u64 *args, u32 *fault)
{
	u64 min = args[2], icr = args[3], result = nr;

	if (ops->hypercall_abi == HYPERCALL_KVM_V3) {
		min = 0;
		icr = args[2];
	} else if (ops->hypercall_abi == HYPERCALL_KVM_CLUSTER128) {
		min = args[2] >> 8 << 7;
		icr = args[2] & 0xff;
	}
	if (ops->vmmcall)
		__asm__ volatile(MAY_FAULT("vmmcall")
				 : [fault] "=&r"(*fault), "+a"(result)
				 : "b"(args[0]), "c"(args[1]), "d"(min),
				   "S"(icr)
				 : "memory");
	else
		__asm__ volatile(MAY_FAULT("vmcall")
				 : [fault] "=&r"(*fault), "+a"(result)
				 : "b"(args[0]), "c"(args[1]), "d"(min),
				   "S"(icr)
				 : "memory");
	return result;
}

#define XMM_HALVES 12 /* a fast call reads xmm0 to xmm5 */

/* The compiler uses no xmm registers, so nothing needs to be saved. */
static void load_xmm(const u64 *halves, u32 count)
{
	u64 words[XMM_HALVES] = { 0 };

	for (u32 i = 0; i < count && i < XMM_HALVES; i++)
		words[i] = halves[i];
	__asm__ volatile("movups 0(%0), %%xmm0\n"
			 "movups 16(%0), %%xmm1\n"
			 "movups 32(%0), %%xmm2\n"
			 "movups 48(%0), %%xmm3\n"
			 "movups 64(%0), %%xmm4\n"
			 "movups 80(%0), %%xmm5\n"
			 :
			 : "r"(words)
			 : "memory");
}

/* The control word is in rcx, arguments in rdx and r8, further ones in xmm. */
static u64 hypercall_hyperv(struct ops *ops, u64 control, const u64 *args,
			    u32 *fault)
{
	register u64 r8 __asm__("r8") = args[1];
	u64 result = 0;

	if (ops->vmmcall)
		__asm__ volatile(MAY_FAULT("vmmcall")
				 : [fault] "=&r"(*fault), "+a"(result)
				 : "c"(control), "d"(args[0]), "r"(r8)
				 : "memory");
	else
		__asm__ volatile(MAY_FAULT("vmcall")
				 : [fault] "=&r"(*fault), "+a"(result)
				 : "c"(control), "d"(args[0]), "r"(r8)
				 : "memory");
	return result;
}

void op_hypercall(struct ops *ops, u64 nr, const u64 *args, u32 count)
{
	u64 four[4] = { 0 };
	u32 fault = 0;

	if (ops->record)
		return record_op(ops, OP_HYPERCALL, nr, args, count);
	for (u32 i = 0; i < count && i < 4; i++)
		four[i] = args[i];
	ops->hypercalls++;
	if (ops->hypercall_abi == HYPERCALL_HYPERV) {
		if (count > 2)
			load_xmm(args + 2, count - 2);
		ops->returned += hypercall_hyperv(ops, nr, four, &fault);
	} else {
		ops->returned += hypercall_kvm(ops, nr, four, &fault);
	}
	finish_op(ops, fault);
}
