/* times.h - the times of operations, and their distribution. */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* Times in nanoseconds; once it is full, further ones are only counted. */
struct times {
	uint64_t *ns;
	size_t capacity;
	size_t count;
};

uint64_t now_ns(void);

/* Memory for the times, which is present before the first of them is taken. */
void allocate_times(struct times *times, size_t capacity);

void add_time(struct times *times, uint64_t ns);

/* Send the distribution of the times of all members to the host, if there are any. */
void say_times(const char *series, const struct times *members, size_t number);
