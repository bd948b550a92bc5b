/* clusters.c: find the CPUs that share a cluster. */
#include "send.h"

static const u32 widths[] = {
	[CLUSTERS_16] = 16,
	[CLUSTERS_128] = 128,
	[CLUSTERS_192] = 192,
};

/* The index of cluster @number.  CPUs of a cluster mostly follow each other. */
static u32 cluster_index(struct clusters *clusters, u32 number)
{
	u32 i;

	for (i = clusters->count; i > 0; i--)
		if (clusters->number[i - 1] == number)
			return i - 1;
	clusters->number[clusters->count] = number;
	return clusters->count++;
}

/* @clusters: zeroed, one of each width. */
void map_clusters(struct clusters *clusters, const u32 *ids, u32 cpus)
{
	u32 width, cpu, index;

	for (width = 0; width < CLUSTER_WIDTHS; width++, clusters++) {
		for (cpu = 0; cpu < cpus; cpu++) {
			index = cluster_index(clusters,
					      ids[cpu] / widths[width]);
			clusters->cluster_of[cpu] = index;
			clusters->members[index][cpu / 64] |= 1ull << cpu % 64;
		}
	}
}
