/* apicdef.h: registers of the local APIC, arch/x86/include/asm/apicdef.h. */
#ifndef PVBENCH_APICDEF_H
#define PVBENCH_APICDEF_H

#define APIC_DEFAULT_PHYS_BASE 0xfee00000
#define APIC_ID 0x20
#define APIC_TASKPRI 0x80
#define APIC_EOI 0xb0
#define APIC_LDR 0xd0
#define APIC_DFR 0xe0
#define APIC_DFR_FLAT 0xffffffff
#define APIC_SPIV 0xf0
#define APIC_SPIV_APIC_ENABLED 0x100
#define APIC_ISR 0x100
#define APIC_ICR 0x300
#define APIC_DM_NMI 0x400
#define APIC_DEST_PHYSICAL 0x0
#define APIC_DEST_LOGICAL 0x800
#define APIC_ICR_BUSY 0x1000
#define APIC_DEST_SELF 0x40000
#define APIC_DEST_ALLINC 0x80000
#define APIC_DEST_ALLBUT 0xc0000
#define APIC_ICR2 0x310
#define APIC_SELF_IPI 0x3f0

#define APIC_BASE_MSR 0x800
#define X2APIC_MSR(reg) (APIC_BASE_MSR + ((reg) >> 4))

#endif
