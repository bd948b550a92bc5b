/* compat.S: a hypercall in compatibility mode, in which registers have 32 bits. */

	.set	CODE64, 0x08	/* selectors of the host's descriptor table */
	.set	CODE32, 0x28

	/*
	 * void hypercall32(struct registers32 *registers, u32 vmmcall)
	 *
	 * The upper halves of all registers are undefined after the change of
	 * mode.  Addresses here have 32 bits, and those of the stack too.
	 */
	.text
	.globl hypercall32
hypercall32:
	pushq	%rbx
	pushq	%rbp
	pushq	%r12
	pushq	%r13
	pushq	%r14
	pushq	%r15
	pushq	%rdi
	movl	%esi, %ebp
	movl	(%rdi), %eax
	movl	4(%rdi), %ebx
	movl	8(%rdi), %ecx
	movl	12(%rdi), %edx
	movl	16(%rdi), %esi
	movl	20(%rdi), %edi
	pushq	$CODE32
	pushq	$1f
	lretq
	.code32
1:	testl	%ebp, %ebp
	jz	2f
	vmmcall
	jmp	3f
2:	vmcall
3:	ljmp	$CODE64, $4f
	.code64
4:	popq	%rdi
	movl	%eax, (%rdi)
	movl	%edx, 12(%rdi)
	popq	%r15
	popq	%r14
	popq	%r13
	popq	%r12
	popq	%rbp
	popq	%rbx
	ret

	.section .note.GNU-stack, "", @progbits
