/* init.c - the first process of the guest: it executes what the host asks for. */
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include "control.h"
#include "facts.h"
#include "run.h"

#define CONTROL "/dev/ttyS1"

/* A line is executed in a process of its own, so its end ends all of its threads. */
static void execute(char *line)
{
	int status = 0;
	pid_t process = fork();

	if (!process) {
		run_line(line);
		exit(0);
	}
	if (process < 0 || waitpid(process, &status, 0) != process)
		say("error fork(2) fails");
	else if (WIFSIGNALED(status))
		say("error the program was ended by signal %d", WTERMSIG(status));
}

int main(void)
{
	char line[256];

	mount("proc", "/proc", "proc", 0, NULL);
	mount("sysfs", "/sys", "sysfs", 0, NULL);
	mount("devtmpfs", "/dev", "devtmpfs", 0, NULL);
	open_control(CONTROL);
	say_facts();
	say("ready");
	for (;;)
		execute(read_line(line, sizeof(line)));
}
