/* abi.h: everything guest and host share; mailbox.py and layout.py are its twins. */
#ifndef PVBENCH_ABI_H
#define PVBENCH_ABI_H

typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long long u64;

#define PVBENCH_GUEST_ABI 2

/* Guest physical addresses; all memory is mapped to itself. */
#define MAILBOX_BASE 0x1000
#define IMAGE_BASE 0x100000
#define CPU_AREA_BASE 0x400000 /* struct cpu of CPU i at + i * CPU_AREA_SIZE */
#define CPU_AREA_SIZE 0x4000
#define STUBS_BASE 0x101000 /* entry of vector v at + v * 16 */
#define CLUSTERS_BASE 0x5000000 /* struct clusters of each enum cluster_width */
#define INPUT_PAGE_BASE                                                        \
	0x8000000 /* hypercall input page of CPU i at + i * 4 KiB */
#define MAX_CPUS 4096

/* Ports the guest leaves by. */
#define PORT_DONE 0x10 /* the command is carried out */
#define PORT_FAULT 0x11 /* struct cpu says which exception */

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
};

/* How the host this guest runs on understands the registers of a hypercall. */
enum hypercall_abi {
	HYPERCALL_KVM,
	HYPERCALL_KVM_V3, /* (low, high, vector) stands for (low, high, 0, vector) */
	HYPERCALL_KVM_CLUSTER128, /* (low, high, cluster << 8 | vector) */
	HYPERCALL_HYPERV,
};

enum command {
	COMMAND_NONE,
	COMMAND_RUN, /* carry out the source of number cpu->source */
	COMMAND_RECORD, /* write down the ops of its callback instead */
};

enum idle_state {
	BUSY,
	HALTED,
	RUNNING,
};

/* Why a source stopped in its burst number `done`. */
enum trouble {
	TROUBLE_NONE,
	TROUBLE_OP_FAULT, /* op number `where` & 0xffffff, exception `where` >> 24 */
	TROUBLE_NO_ACK, /* CPU `where` does not acknowledge */
	TROUBLE_CSD_BUSY, /* CPU `where` does not take the entry of an earlier burst */
	TROUBLE_NOT_IDLE, /* CPU `where` does not become idle */
	TROUBLE_ALONE, /* the other sources do not come */
	TROUBLE_RECORD_FULL,
};

struct mailbox {
	u32 abi; /* the guest writes PVBENCH_GUEST_ABI */
	u32 cpus;
	u32 x2apic;
	u32 vmmcall; /* AMD's hypercall instruction, not Intel's */
	u32 hypercall_abi;
	u32 idle; /* what an idle CPU does, HALTED or RUNNING */
	u32 start_vector; /* wakes a CPU to look at its command */
	u32 lists; /* targets have call lists, sources queue there */
	u32 nsources;
	u32 arrived; /* sources at the start line, written by them */
	u32 lock; /* the lock all handlers share */
	u32 take_lock;
	u64 limit_ticks; /* longest wait of any loop */
	u64 apic_ids; /* u32[cpus] */
	u64 sources; /* struct source[nsources] */
	u64 reserved[503];
};
_Static_assert(sizeof(struct mailbox) == 4096, "one page");

/* One source CPU and its burst. */
struct source {
	u32 cpu;
	u32 operation;
	u32 vector;
	u32 single_vector; /* what a function call sends to one target */
	u32 wait;
	u32 wait_idle; /* wait for idle targets before each burst */
	u32 algorithm; /* run the callback instead of the program */
	u32 driver;
	u32 overlay;
	u32 shorthands;
	u32 csd; /* queueing is part of the times */
	u32 local; /* a function call to the caller itself */
	u32 ntargets;
	u32 loops;
	u32 trouble; /* enum trouble, and where */
	u32 where;
	u64 program; /* ops, or where COMMAND_RECORD writes them */
	u64 program_end;
	u64 mask; /* u64[]: the cpumask the operation is called with */
	u64 targets; /* u32[ntargets]: CPUs that must run the handler */
	u64 entries; /* struct entry[cpus] */
	u64 samples; /* struct sample[loops] */
	u64 partial; /* u64[loops][mask words]: whom a burst sent to; 0 for no log */
	u64 done; /* bursts so far: the heartbeat the host watches */
	u64 icr_writes;
	u64 hypercalls;
	u64 returned;
	u64 start; /* TSC at the common start and at the end of the last burst */
	u64 end;
	u64 reserved[3];
};
_Static_assert(sizeof(struct source) == 192, "three cache lines");

/* One request of a source to a target: Linux's call_single_data_t. */
struct entry {
	u64 next; /* in the target's call list */
	u64 generation; /* asked for; written by the source */
	u64 acked; /* worked off; written by the target */
	u64 entered; /* TSC at entry of the handler that worked it off */
	u64 reserved[4];
};
_Static_assert(sizeof(struct entry) == 64, "a cache line");

/* Ticks of one burst; 0 is a time that does not exist. */
struct sample {
	u64 send;
	u64 irqoff;
	u64 deliver;
	u64 ack;
	u64 wall;
};

/* What a CPU has of its own; its stack is the rest of the area. */
struct cpu {
	u64 self; /* address of this struct, first for %gs:0 */
	u32 number;
	u32 apic_id;
	u32 command; /* written by the host, cleared by the guest */
	u32 source; /* number of the source it concerns */
	u32 idle; /* enum idle_state, as it is now */
	u32 booted;
	u64 call_list; /* struct entry, newest first */
	u64 functions; /* requests worked off in handlers */
	u64 fault_vector; /* of the exception that ended it */
	u64 fault_error;
	u64 fault_rip;
	u64 fault_cr2;
	u64 reserved[6];
	u32 runs[256]; /* handler runs by vector */
};
_Static_assert(sizeof(struct cpu) == 1152,
	       "the host reads runs behind 128 bytes");

#endif
