/* control.h - the lines that the guest and the host exchange over a serial port. */
#pragma once

/* Open the serial port, without echo and without any conversion. */
void open_control(const char *path);

/* Read a line of the host, without its end; the guest ends if there is none. */
char *read_line(char *line, int size);

/* Send a line to the host. */
void say(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Send "error" with a reason, and end this process. */
void fail(const char *format, ...)
	__attribute__((format(printf, 1, 2), noreturn));

/* Tell the host that a phase is over, and wait until it has read its counters. */
void pause_for_host(const char *phase);
