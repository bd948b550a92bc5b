/* hypercall.c: execute a hypercall in the registers of its ABI, or record it. */
#include "may_fault.h"

/* Registers of a hypercall that is made in compatibility mode. */
struct registers32 {
	u32 eax, ebx, ecx, edx, esi, edi;
};

/* compat.S: load the registers, make the hypercall, and store eax and edx. */
void hypercall32(struct registers32 *registers, u32 vmmcall);

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

/* As hypercall_kvm(); only the low halves of the arguments have a register. */
static u64 hypercall_kvm32(struct ops *ops, u64 nr, const u64 *args)
{
	struct registers32 registers = { nr, args[0], args[1], args[2], args[3] };

	hypercall32(&registers, ops->vmmcall);
	return registers.eax;
}

/* The control word is in edx:eax, arguments in ebx:ecx and edi:esi. */
static u64 hypercall_hyperv32(struct ops *ops, u64 control, const u64 *args)
{
	struct registers32 registers = {
		.eax = control, .edx = control >> 32,
		.ecx = args[0], .ebx = args[0] >> 32,
		.esi = args[1], .edi = args[1] >> 32,
	};

	hypercall32(&registers, ops->vmmcall);
	return (u64)registers.edx << 32 | registers.eax;
}

static u64 hypercall(struct ops *ops, u64 nr, const u64 *args, u32 *fault)
{
	if (ops->bits == 32)
		return ops->hypercall_abi == HYPERCALL_HYPERV ?
			       hypercall_hyperv32(ops, nr, args) :
			       hypercall_kvm32(ops, nr, args);
	return ops->hypercall_abi == HYPERCALL_HYPERV ?
		       hypercall_hyperv(ops, nr, args, fault) :
		       hypercall_kvm(ops, nr, args, fault);
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
	if (ops->hypercall_abi == HYPERCALL_HYPERV && count > 2)
		load_xmm(args + 2, count - 2);
	ops->returned += hypercall(ops, nr, four, &fault);
	finish_op(ops, fault);
}
