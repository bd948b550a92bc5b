/* run.h - one workload, in phases between which the host reads its counters. */
#pragma once

/* "run WORKLOAD [CPUS] OPERATIONS" or "canary OPERATIONS" */
void run_line(char *line);
