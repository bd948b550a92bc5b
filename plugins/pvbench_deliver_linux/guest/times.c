/* times.c - the times of operations, and their distribution. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include "control.h"
#include "times.h"

#define BITS 8 /* of a time that a bucket keeps, as in pvbench/histogram.py */

uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000000ull + now.tv_nsec;
}

void allocate_times(struct times *times, size_t capacity)
{
	times->capacity = capacity;
	times->count = 0;
	times->ns = mmap(NULL, capacity * sizeof(*times->ns),
			 PROT_READ | PROT_WRITE,
			 MAP_SHARED | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	if (times->ns == MAP_FAILED)
		fail("there is no memory for %zu times", capacity);
}

void add_time(struct times *times, uint64_t ns)
{
	if (times->count < times->capacity)
		times->ns[times->count] = ns;
	times->count++;
}

static size_t stored(const struct times *times)
{
	return times->count < times->capacity ? times->count : times->capacity;
}

static int compare(const void *one, const void *other)
{
	uint64_t a = *(const uint64_t *)one, b = *(const uint64_t *)other;

	return (a > b) - (a < b);
}

/* As quantile() of pvbench/slice_result.py. */
static double quantile(const uint64_t *ordered, size_t number, size_t per_mille)
{
	size_t place = number * per_mille / 1000, rest = number * per_mille % 1000;
	size_t low = rest || !place ? place : place - 1;
	size_t high = place < number - 1 ? place : number - 1;

	return (ordered[low] + ordered[high]) / 2.0;
}

static unsigned int bucket_of(uint64_t ns)
{
	int length = ns ? 64 - __builtin_clzll(ns) : 0;
	unsigned int shift = length > BITS ? length - BITS : 0;

	return (shift << (BITS - 1)) + (ns >> shift);
}

/* The histogram as pvbench.histogram.Histogram.encoded() writes it. */
static char *histogram(const uint64_t *ordered, size_t number)
{
	unsigned int before = 0;
	char *text = NULL;
	size_t size, first = 0;
	FILE *stream = open_memstream(&text, &size);

	while (first < number) {
		unsigned int bucket = bucket_of(ordered[first]);
		size_t after = first;

		while (after < number && bucket_of(ordered[after]) == bucket)
			after++;
		fprintf(stream, "%s%u", first ? " " : "", bucket - before);
		if (after - first > 1)
			fprintf(stream, "*%zu", after - first);
		before = bucket;
		first = after;
	}
	fclose(stream);
	return text;
}

static uint64_t *merged(const struct times *members, size_t number, size_t *total)
{
	uint64_t *all;

	*total = 0;
	for (size_t member = 0; member < number; member++)
		*total += stored(&members[member]);
	all = malloc((*total + 1) * sizeof(*all));
	*total = 0;
	for (size_t member = 0; member < number; member++) {
		memcpy(all + *total, members[member].ns,
		       stored(&members[member]) * sizeof(*all));
		*total += stored(&members[member]);
	}
	qsort(all, *total, sizeof(*all), compare);
	return all;
}

void say_times(const char *series, const struct times *members, size_t number)
{
	size_t count;
	uint64_t *all = merged(members, number, &count), sum = 0;
	char *text;

	if (count) {
		for (size_t place = 0; place < count; place++)
			sum += all[place];
		text = histogram(all, count);
		say("times %s %zu %llu %.1f %.1f %llu %llu %s", series, count,
		    (unsigned long long)sum, quantile(all, count, 500),
		    quantile(all, count, 990), (unsigned long long)all[0],
		    (unsigned long long)all[count - 1], text);
		free(text);
	}
	free(all);
}
