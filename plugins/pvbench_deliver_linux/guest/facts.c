/* facts.c - what the guest's kernel is, and how it found its virtual machine. */
#include <cpuid.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/klog.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "control.h"
#include "facts.h"

#define KVM_CPUID_SIGNATURE 0x40000000u
#define KVM_CPUID_FEATURES 0x40000001u
#define KVM_FEATURE_PV_SEND_IPI 11
#define SYSLOG_ACTION_READ_ALL 3
#define SYSLOG_ACTION_SIZE_BUFFER 10

/* Whether the virtual machine offers KVM_HC_SEND_IPI. */
static int has_pv_ipi(void)
{
	unsigned int eax, words[3];

	__cpuid(KVM_CPUID_SIGNATURE, eax, words[0], words[1], words[2]);
	if (memcmp(words, "KVMKVMKVM\0\0\0", sizeof(words)))
		return 0;
	__cpuid(KVM_CPUID_FEATURES, eax, words[0], words[1], words[2]);
	return eax >> KVM_FEATURE_PV_SEND_IPI & 1;
}

/* Whether the kernel has said that it sends by hypercall. */
static int uses_pv_ipi(void)
{
	int size = klogctl(SYSLOG_ACTION_SIZE_BUFFER, NULL, 0), length;
	char *log = calloc(1, size + 1);

	length = klogctl(SYSLOG_ACTION_READ_ALL, log, size);
	return length > 0 && strstr(log, "setup PV IPIs");
}

static void say_file(const char *name, const char *path)
{
	char line[128] = "";
	FILE *file = fopen(path, "r");

	if (!file)
		return;
	if (fgets(line, sizeof(line), file)) {
		line[strcspn(line, "\n")] = '\0';
		say("fact %s %s", name, line);
	}
	fclose(file);
}

void say_facts(void)
{
	struct utsname name;

	uname(&name);
	say("fact release %s", name.release);
	say("fact cpus %ld", sysconf(_SC_NPROCESSORS_ONLN));
	say("fact pv_ipi_offered %s", has_pv_ipi() ? "yes" : "no");
	say("fact pv_ipi_used %s", uses_pv_ipi() ? "yes" : "no");
	say_file("idle_driver", "/sys/devices/system/cpu/cpuidle/current_driver");
	say_file("idle_governor",
		 "/sys/devices/system/cpu/cpuidle/current_governor_ro");
	say_file("clocksource", "/sys/devices/system/clocksource/clocksource0/"
				"current_clocksource");
}
