/* irq_vectors.h: vectors with a meaning of their own, as in Linux. */
#ifndef PVBENCH_IRQ_VECTORS_H
#define PVBENCH_IRQ_VECTORS_H

#define NMI_VECTOR 2
#define SPURIOUS_APIC_VECTOR 0xff

#endif
