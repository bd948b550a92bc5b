/* irq_vectors.h: fixed vectors, arch/x86/include/asm/irq_vectors.h. */
#ifndef PVBENCH_IRQ_VECTORS_H
#define PVBENCH_IRQ_VECTORS_H

#define NMI_VECTOR 2
#define IRQ_WORK_VECTOR 0xf6
#define CALL_FUNCTION_SINGLE_VECTOR 0xfb
#define CALL_FUNCTION_VECTOR 0xfc
#define RESCHEDULE_VECTOR 0xfd
#define SPURIOUS_APIC_VECTOR 0xff

#endif
