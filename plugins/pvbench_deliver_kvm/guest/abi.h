/*
 * abi.h: the memory that guest and host share.  A test compares it with
 * mailbox.py and layout.py.
 */
#ifndef PVBENCH_ABI_H
#define PVBENCH_ABI_H

typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long long u64;

#define PVBENCH_GUEST_ABI 6

/* Guest physical addresses, mapped one to one. */
#define MAILBOX_BASE 0x1000
#define IMAGE_BASE 0x100000
#define STUBS_BASE 0x101000 /* entry of vector v at + v * 16 */
#define CPU_AREA_BASE 0x400000 /* struct cpu of CPU i at + i * CPU_AREA_SIZE */
#define CPU_AREA_SIZE 0x4000
#define CLUSTERS_BASE 0x5000000 /* struct clusters[CLUSTER_WIDTHS] */
#define INPUT_PAGE_BASE 0x8000000 /* hypercall page of CPU i at + i * 4 KiB */
#define MAX_CPUS 4096

/* The guest exits to the host by a write to one of these ports. */
#define PORT_DONE 0x10 /* the command has been run */
#define PORT_FAULT 0x11 /* an exception, which struct cpu describes */

/*
 * An op is its kind | number of words << 8, then a key (MSR, address, limit,
 * number), then the words.  A program ends with OP_END.
 */
enum op_kind {
	OP_END,
	OP_IRQ_SAVE,
	OP_IRQ_RESTORE,
	OP_FENCE,
	OP_SCAN,
	OP_WRMSR,
	OP_MMIO_WRITE,
	OP_WRITE_MEM,
	OP_WAIT_ICR_IDLE,
	OP_HYPERCALL,
	OP_CPUID, /* leaf, subleaf */
	OP_RDMSR,
};

enum operation {
	SMP_CALL_FUNCTION_SINGLE,
	SMP_CALL_FUNCTION_MANY,
	SEND_IPI,
	SEND_IPI_MASK,
	SEND_IPI_MASK_ALLBUTSELF,
	SEND_IPI_ALLBUTSELF,
	SEND_IPI_ALL,
	SEND_IPI_SELF,
};

enum driver {
	DRIVER_NULL,
	XAPIC_FLAT,
	XAPIC_PHYSICAL,
	X2APIC_PHYSICAL,
	X2APIC_CLUSTER,
};

enum overlay {
	OVERLAY_NONE,
	SHORTHAND,
	KVM_PV,
	KVM_PV_4_19,
	KVM_PV128_V3,
	KVM_PV_CLUSTER128,
	KVM_PV_CLUSTER192,
	HYPERV_IPI,
	XEN_EVTCHN,
	KVM_PV_SINGLE,
};

/* Rules of the kernel, as pvbench/linux_era.py has them: bits of source->rules. */
#define RULE_SHORTHANDS 1 /* full broadcasts use a shorthand */
#define RULE_FENCE 2 /* a fence comes before an x2APIC ICR write */
#define RULE_UNICAST_OF_REST 4 /* the last CPU of a mask is sent a unicast */
#define RULE_PV_WINDOW 8 /* a window of kvm-pv has a lower end */

/* How the host interprets the registers of a hypercall. */
enum hypercall_abi {
	HYPERCALL_KVM,
	HYPERCALL_KVM_V3, /* (low, high, vector) means (low, high, 0, vector) */
	HYPERCALL_KVM_CLUSTER128, /* (low, high, cluster << 8 | vector) */
	HYPERCALL_HYPERV,
};

enum command {
	COMMAND_NONE,
	COMMAND_RUN, /* run the source with number cpu->source */
	COMMAND_RECORD, /* record the ops of its algorithm instead */
};

enum idle_state {
	BUSY,
	HALTED,
	RUNNING,
};

/* Why a source stopped in burst number `done` + 1, and the value of `where`. */
enum trouble {
	TROUBLE_NONE,
	TROUBLE_OP_FAULT, /* exception << 24 | number of the op */
	TROUBLE_NO_ACK, /* CPU that does not acknowledge */
	TROUBLE_CSD_BUSY, /* CPU that has not run an earlier request */
	TROUBLE_NOT_IDLE, /* CPU that does not become idle */
	TROUBLE_ALONE, /* number of sources that are ready */
	TROUBLE_RECORD_FULL,
};

struct mailbox {
	u32 abi; /* the guest writes PVBENCH_GUEST_ABI */
	u32 cpus;
	u32 x2apic;
	u32 vmmcall; /* hypercalls use AMD's instruction, not Intel's */
	u32 hypercall_abi;
	u32 idle; /* the state of an idle CPU, HALTED or RUNNING */
	u32 start_vector; /* makes a CPU read its command */
	u32 call_queues; /* sources queue requests in the call queues of targets */
	u32 nsources;
	u32 arrived; /* sources that are ready to start; written by them */
	u32 lock; /* taken by every function that is called */
	u32 take_lock; /* functions take the lock if this is not 0 */
	u64 limit_ticks; /* the longest wait of a loop */
	u64 apic_ids; /* u32[cpus] */
	u64 sources; /* struct source[nsources] */
	u64 bits; /* width of the registers of a hypercall, 32 or 64 */
	u64 reserved[502];
};
_Static_assert(sizeof(struct mailbox) == 4096, "one page");

/* One source CPU and its burst. */
struct source {
	u32 cpu;
	u32 operation;
	u32 vector;
	u32 single_vector; /* the vector of a function call to one target */
	u32 wait;
	u32 wait_idle; /* wait for idle targets before each burst */
	u32 algorithm; /* run the algorithm instead of the program */
	u32 driver;
	u32 overlay;
	u32 rules; /* RULE_*, or-ed */
	u32 csd; /* the times include queueing the requests */
	u32 local; /* the CPU calls itself */
	u32 ntargets;
	u32 loops;
	u32 trouble; /* enum trouble, which defines `where` */
	u32 where;
	u64 program; /* ops, or where COMMAND_RECORD writes them */
	u64 program_end;
	u64 mask; /* u64[]: the cpumask the operation is called with */
	u64 targets; /* u32[ntargets]: CPUs that must run the handler */
	u64 entries; /* struct entry[cpus] */
	u64 samples; /* struct sample[loops] */
	u64 partial; /* u64[loops][mask words]: targets it interrupted, or 0 */
	u64 done; /* bursts so far; the host watches that it grows */
	u64 icr_writes;
	u64 hypercalls;
	u64 returned;
	u64 start; /* TSC when all sources are ready */
	u64 end; /* TSC after the last burst */
	u64 reserved[3];
};
_Static_assert(sizeof(struct source) == 192, "three cache lines");

/* One request of a source to a target, as call_single_data_t in Linux. */
struct entry {
	u64 next; /* in the target's call queue */
	u64 generation; /* number of the burst; written by the source */
	u64 acked; /* generation that was run; written by the target */
	u64 entered; /* TSC at entry of the handler that ran it */
	u64 reserved[4];
};
_Static_assert(sizeof(struct entry) == 64, "a cache line");

/* Ticks of one burst; 0: the burst has no such time. */
struct sample {
	u64 send;
	u64 irqoff;
	u64 deliver;
	u64 ack;
	u64 wall;
};

/* State of a CPU; its stack is the rest of its area. */
struct cpu {
	u64 self; /* address of this struct, first for %gs:0 */
	u32 number;
	u32 apic_id;
	u32 command; /* written by the host, cleared by the guest */
	u32 source; /* number of the source for the command */
	u32 idle; /* enum idle_state, as it is now */
	u32 booted;
	u64 call_queue; /* struct entry, newest first */
	u64 functions; /* requests run by handlers */
	u64 fault_vector; /* of the exception that stopped the CPU */
	u64 fault_error;
	u64 fault_rip;
	u64 fault_cr2;
	u64 impossible; /* interrupts that came while interrupts were off */
	u64 reserved[5];
	u32 runs[256]; /* runs of the handler by vector */
};
_Static_assert(sizeof(struct cpu) == 1152,
	       "the host reads runs behind 128 bytes");

#endif
