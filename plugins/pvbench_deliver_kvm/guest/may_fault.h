/* may_fault.h: ops whose instruction may raise an exception. */
#ifndef PVBENCH_MAY_FAULT_H
#define PVBENCH_MAY_FAULT_H

#include "cpu.h"
#include "ops.h"

/*
 * An instruction that may fault.  @fault becomes the vector of the exception,
 * or 0: the handler finds the instruction in .ex_table and continues at its
 * fixup with the vector in eax.
 */
#define MAY_FAULT(insn)                                     \
	"xorl %[fault], %[fault]\n"                         \
	"1:	" insn "\n"                                 \
	"2:\n"                                              \
	".pushsection .fixup, \"ax\"\n"                     \
	"3:	movl %%eax, %[fault]\n"                     \
	"	jmp 2b\n"                                   \
	".popsection\n"                                     \
	".pushsection .ex_table, \"a\"\n"                   \
	"	.quad 1b, 3b\n"                             \
	".popsection\n"

/* Count an op; only the first fault of a burst is stored. */
static inline void finish_op(struct ops *ops, u32 fault)
{
	if (fault && !ops->fault_vector) {
		ops->fault_vector = fault;
		ops->fault_op = ops->done;
	}
	ops->done++;
}

#endif
